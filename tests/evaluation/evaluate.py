"""Measure the reader, retrieval, answers and confidence, and write down what came of it.

    python -m tests.evaluation.evaluate --data FOLDER

FOLDER holds `reader/` (labelled questions in SQuAD's form, those of `reader/dev/` for measuring
only) and `retrieval/` (corpora in BEIR's layout). What of it is absent is not measured. Results are
kept in the folder of `--results`, so that an interrupted run goes on where it was, and a step is
run again only if its data, its models or its settings are others. Exit status 1 with `--strict` if
a bar is missed.
"""

import argparse
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

import typer

from index.errors import PinciteError
from index.threads import available_cores
from qa.evaluation.writing import write_text
from service import __version__
from service.bootstrap import reader_folder
from service.errors import INTERRUPTED, USERS_MISTAKE
from service.evaluation.reader import ReaderSet
from service.settings import Settings
from tests.evaluation.bars import Bar, Found, Result, bars
from tests.evaluation.data import Data, whole
from tests.evaluation.document import Circumstances, document
from tests.evaluation.kept import Results, code_checksum
from tests.evaluation.models import ReaderModel, embedder_identity, reader_model
from tests.evaluation.steps import PARTS, Run, ask_pool, ask_samples, read_set, search_corpus
from tests.paths import ROOT, SEEDS

# The first reader, which others are set against.
BASELINE = "reader-v0"
SAMPLES = ("questions.jsonl", "near-misses.jsonl")


@dataclass(frozen=True, slots=True)
class Readers:
    """The reader that is measured, the one it is set against, and its weights in fp32."""

    ours: ReaderModel
    theirs: ReaderModel | None
    unquantized: ReaderModel | None


def measure(run: Run, data: Data, readers: Readers, files: Sequence[Path]) -> Found:
    """Run the steps; `files` are further sets that the reader is measured on."""
    dev = data.dev()
    sets = [*dev, *data.held_out(), *map(whole, files)]
    pool = data.pool()
    return Found(
        ours=_read(run, sets, readers.ours),
        theirs=_read(run, sets, readers.theirs),
        unquantized=_read(run, dev, readers.unquantized),
        retrieval=_by_name(search_corpus(run, one, readers.ours) for one in data.retrieval()),
        samples=_by_name(ask_samples(run, SEEDS, [SEEDS / one for one in SAMPLES], readers.ours)),
        pool=_by_name([] if pool is None else ask_pool(run, pool, readers.ours)),
        dev=[one.name for one in dev],
    )


def _read(run: Run, sets: Sequence[ReaderSet], model: ReaderModel | None) -> dict[str, Result]:
    results = [None if model is None else read_set(run, one, model) for one in sets]
    return {data.name: one for data, one in zip(sets, results, strict=True) if one is not None}


def _by_name(results: Iterable[Result | None]) -> dict[str, Result]:
    """Results by what stands after the first stroke of their steps' names."""
    return {one["name"].partition("/")[2]: one for one in results if one is not None}


def circumstances(run: Run, readers: Readers) -> Circumstances:
    """What the figures rest on."""
    code = code_checksum()
    named = {
        "reader": readers.ours,
        "baseline": readers.theirs,
        "reader in fp32": readers.unquantized,
    }
    embedder = embedder_identity()
    told = [
        ("written", datetime.now(UTC).date().isoformat()),
        *(
            (name, f"{one.label}, SHA-256 {one.checksum}")
            for name, one in named.items()
            if one is not None
        ),
        ("embedder", f"{embedder.name}, SHA-256 {embedder.checksum}"),
        ("questions of a set", "all" if run.limit is None else f"at most {run.limit:,}"),
        ("seed of samples", str(run.seed)),
        ("passages read a question", str(run.passages)),
        ("machine", machine()),
        *load(),
        ("pincite", f"{__version__}, code {code[:12]}"),
        ("python", platform.python_version()),
        *((name, version(name)) for name in ("onnxruntime", "numpy", "faiss-cpu", "tokenizers")),
    ]
    return Circumstances(told, code, run.limit)


def load() -> list[tuple[str, str]]:
    """How many wanted the processor of late; where that is above its cores, times mean little."""
    if not hasattr(os, "getloadavg"):
        return []
    return [("load over 15 minutes", f"{os.getloadavg()[2]:.1f}")]


def machine() -> str:
    """The processor, what of its instructions counts here, and how many cores may be used."""
    told = f"{platform.system()} {platform.machine()}, {available_cores()} cores"
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return told
    pairs = [line.partition(":") for line in path.read_text(encoding="utf-8").splitlines()]
    fields = {name.strip(): value.strip() for name, _, value in reversed(pairs)}
    flags = set(fields.get("flags", "").split())
    fitting = [flag for flag in ("avx2", "avx512_vnni", "avx_vnni", "amx_int8") if flag in flags]
    kind = " ".join(f"{name} {fields.get(name, '?')}" for name in ("cpu family", "model"))
    processor = f"{fields.get('model name', 'unknown')} ({kind})"
    return f"{processor}; {', '.join(fitting) or 'no avx2'}; {told}"


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--reader", help="a bundled name or a folder; default: the bundled one")
    parser.add_argument("--against", help=f"the baseline; default: {BASELINE}, if that is bundled")
    parser.add_argument("--fp32", help="the same reader's Hugging Face folder")
    parser.add_argument(
        "--reader-file", type=Path, action="append", default=[], metavar="FILE", dest="files"
    )
    parser.add_argument("--limit", type=int, help="questions of a set, drawn; default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--only",
        nargs="+",
        choices=PARTS,
        default=PARTS,
        help="measure these; of the others, what is kept is shown",
    )
    parser.add_argument("--results", type=Path, default=Path(".evaluation"), metavar="FOLDER")
    parser.add_argument("--write", type=Path, default=ROOT / "EVALUATION.md", metavar="FILE")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a bar is missed")
    found = parser.parse_args(given)
    if found.limit is not None and found.limit < 1:
        parser.error(f"--limit: is {found.limit}, expected a number from 1 up")
    if not found.data.is_dir():
        parser.error(f"--data: {found.data} is not a folder")
    return found


def main(given: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    wanted = _arguments(given)
    try:
        return _main(wanted)
    except PinciteError as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return USERS_MISTAKE
    except typer.Exit as ended:
        # What was interrupted has said so.
        return ended.exit_code
    except KeyboardInterrupt:
        print("evaluate: interrupted; run the command again to go on", file=sys.stderr)
        return INTERRUPTED


def _main(wanted: argparse.Namespace) -> int:
    ours = reader_model(wanted.reader)
    theirs = None
    if wanted.against is not None or reader_folder(Settings(reader=BASELINE)) is not None:
        theirs = reader_model(wanted.against or BASELINE)
    readers = Readers(
        ours,
        None if theirs is None or theirs.checksum == ours.checksum else theirs,
        None if wanted.fp32 is None else reader_model(wanted.fp32, f"{ours.label}-fp32"),
    )
    results = Results(wanted.results.expanduser())
    run = Run(results, wanted.limit, wanted.seed, partial(print, flush=True), wanted.only)
    found = measure(run, Data(wanted.data), readers, wanted.files)
    reached = bars(found)
    write_text(wanted.write, document(reached, found, circumstances(run, readers)))
    for bar in reached:
        print(_line(bar))
    print(f"written to {wanted.write}; the pages are in {results.folder}")
    return int(wanted.strict and any(bar.passed is False for bar in reached))


def _line(bar: Bar) -> str:
    sign = {True: "reached", False: "MISSED", None: "-"}[bar.passed]
    return f"{sign:8} {bar.what}: {bar.found} ({bar.target})"


if __name__ == "__main__":
    sys.exit(main())
