"""Read damaged files until time is up: python tests/fuzz/fuzz_extract.py --seconds 300.

Each format gets its share of the time. What is read must hold the laws of a document and be the
same when it is read again; what is not must have a reason; no parser may crash, hang, run out of
memory or fail in a way that its module did not foresee. A file that breaks one of these is made as
small as can be, written to --out and named, and the next format goes on. Exit code 1 if any was.
"""

import argparse
import random
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).parents[2]))

from index.boxes import unpack
from index.extract import Extraction
from index.extract.source import Limits
from index.sandbox.workers import Extractor, Job, WorkerPool
from tests.fakes.small_files import MAKERS
from tests.fuzz.mutations import files
from tests.index.extract.test_extract_properties import check_ranges, check_text

LIMITS = Limits(seconds=20, memory_mb=1024)
EXAMPLES = 100
UNFORESEEN = ("crashed the process", "disturbed the process", "takes longer than", "MB of memory")


@dataclass
class Round:
    """What some hundred damaged files of one format came to."""

    read: int = 0
    refused: int = 0
    failing: bytes | None = None


def check(found: Extraction, name: str) -> None:
    """Hold an extraction to the laws.

    Raises:
        AssertionError: it breaks one.
    """
    assert found.documents or found.problems, "neither documents nor problems"
    for problem in found.problems:
        assert problem.reason.startswith(name), problem.reason
        assert not any(words in problem.reason for words in UNFORESEEN), problem.reason
        assert ": cannot be read (" not in problem.reason, problem.reason
    for document in found.documents:
        check_text(document)
        check_ranges(document)
        for page in document.pages:
            if page.glyphs is not None:
                assert len(unpack(page.glyphs)) == page.end - page.start


def one_round(pool: Extractor, name: str, number: int) -> Round:
    """Read damaged files of one format; what breaks a law is made small and raised."""
    done = Round()

    @seed(number)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(files(name))
    def read(data: bytes) -> None:
        job = Job(f"file:///{name}", name, data=data)
        found = pool.submit(job).result()
        done.read += bool(found.documents)
        done.refused += not found.documents
        try:
            check(found, name)
            assert pool.submit(job).result() == found, "read again, it is another"
        except AssertionError:
            done.failing = data
            raise

    try:
        read()
    except AssertionError:
        traceback.print_exc(limit=-1)
        return done
    done.failing = None
    return done


def main() -> int:
    """Fuzz; see the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="for all formats together")
    parser.add_argument("--format", action="append", choices=[*MAKERS, *suffixes()], default=None)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--out", type=Path, default=Path("fuzz-failures"))
    given_ = parser.parse_args()
    names = [it for it in MAKERS if given_.format is None or it in given_.format]
    names += [it for it in MAKERS if given_.format and it.partition(".")[2] in given_.format]
    print(f"seed {given_.seed}")
    pool = WorkerPool(LIMITS, 2)
    failures = 0
    for name in names:
        ends = time.monotonic() + given_.seconds / len(names)
        total, number = Round(), given_.seed
        while time.monotonic() < ends and total.failing is None:
            done = one_round(pool, name, number)
            total.read += done.read
            total.refused += done.refused
            total.failing = done.failing
            number += 1
        print(f"{name}: {total.read} read, {total.refused} refused", flush=True)
        if total.failing is not None:
            failures += 1
            given_.out.mkdir(exist_ok=True)
            place = given_.out / f"{number - 1}-{name}"
            place.write_bytes(total.failing)
            print(f"{name}: BROKEN, see {place}", flush=True)
    pool.close()
    return 1 if failures else 0


def suffixes() -> list[str]:
    """The endings by which formats may be named."""
    return [name.partition(".")[2] for name in MAKERS]


if __name__ == "__main__":
    sys.exit(main())
