"""Every figure of speed and size beside its baseline in the same run: `make bench`.

    python tests/benchmarks/bench.py [--sizes 1000,100000,1000000] [--quick] [--check]
        [--indexes FOLDER] [--texts FOLDER] [--fp32 FOLDER] [--peer PYTHON] [--steps NAME,...]

The indexes are made by `corpus.py` in `--indexes` where they are not there yet. Baselines are
sentence-transformers with transformers over flat FAISS in fp32, with the same weights
(`run_transformers.py`), and txtai (`run_txtai.py`) where `--peer` names a Python that has it.
`--fp32` is the reader in fp32; without it there is no baseline.

Results go to `BENCHMARKS.json`, the table to `BENCHMARKS.md`; figures of steps that are not run
stay as they were. With `--check` nothing is written, and a figure whose ratio has become worse by
more than 15% gives exit code 1.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks import lasting, single, whole
from tests.benchmarks.figures import Figure, merged, regressions
from tests.benchmarks.ground import Ground, Plan, embedder_folder
from tests.benchmarks.machine import machine
from tests.benchmarks.peak import peak
from tests.benchmarks.table import markdown
from tests.paths import ROOT, SEEDS

RECORD = ROOT / "BENCHMARKS.json"
TABLE = ROOT / "BENCHMARKS.md"

# In the order in which they are run; each gives its figures as they are measured.
STEPS: Mapping[str, Callable[[Ground], Iterator[Figure]]] = {
    "peak": peak,
    "start": whole.start,
    "index": whole.indexing,
    "questions": single.questions,
    "recall": single.recall,
    "disk": whole.disk,
    "clients": lasting.clients,
    "flat": lasting.flat,
    "changes": lasting.changes,
}


def recorded() -> list[Figure]:
    """The figures on record."""
    if not RECORD.is_file():
        return []
    return [Figure(**one) for one in json.loads(RECORD.read_text(encoding="utf-8"))["figures"]]


def write(figures: Sequence[Figure], where: Path, table: Path) -> None:
    """Keep figures, with what they were measured on."""
    found = machine()
    kept = {"machine": found, "figures": [asdict(one) for one in figures]}
    where.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    table.write_text(markdown(figures, found), encoding="utf-8")


def main() -> None:
    """Run the command that the module's docstring shows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1000,100000,1000000", help="passages, commas between")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--check", action="store_true", help="compare with the record, keep it")
    parser.add_argument("--steps", default="", help="only these, commas between")
    parser.add_argument("--indexes", type=Path, default=ROOT / ".benchmarks")
    parser.add_argument("--texts", type=Path, help="a folder of texts to make indexes of")
    parser.add_argument("--embed", type=int, default=1_200, help="passages to embed for real")
    parser.add_argument("--fp32", help="the same reader in fp32, a Hugging Face folder")
    parser.add_argument("--reader", help="the reader of ours to measure, if not the bundled one")
    parser.add_argument("--peer", type=Path, help="a Python that has txtai")
    parser.add_argument("--documents", type=Path, default=SEEDS, help="what indexing is timed on")
    given = parser.parse_args()
    plan = Plan(
        sizes=tuple(sorted(int(size) for size in given.sizes.split(","))),
        quick=given.quick,
        indexes=given.indexes,
        texts=given.texts,
        embed=given.embed,
        embedder=embedder_folder(),
        fp32=given.fp32,
        reader=given.reader,
        peer=given.peer,
        documents=given.documents,
        date=datetime.now(UTC).date().isoformat(),
    )
    ground = Ground(plan)
    names = given.steps.split(",") if given.steps else list(STEPS)
    if unknown := set(names) - STEPS.keys():
        parser.error(f"no such step: {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}")
    before = recorded()
    measured: list[Figure] = []
    for name in names:
        for one in STEPS[name](ground):
            measured.append(one)
            print(told(one), flush=True)
            if not given.check:
                write(merged(before, measured), RECORD, TABLE)
    worse = regressions(before, measured)
    for line in worse:
        print(f"worse: {line}")
    sys.exit(1 if worse and given.check else 0)


def told(one: Figure) -> str:
    """A figure on one line."""
    size = "" if one.size is None else f" [{one.size:,}]"
    return (
        f"{one.name}{size}: {one.value:,.4g} {one.unit} (IQR {one.spread:.3g}), "
        f"{one.against} {one.baseline:,.4g}: {one.ratio:.2f} times (IQR {one.ratio_spread:.2g})"
    )


if __name__ == "__main__":
    main()
