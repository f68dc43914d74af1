"""Whole programs: from nothing to an answer, from files to an index, and bytes on disk."""

import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.benchmarks.exported import export
from tests.benchmarks.figures import Figure
from tests.benchmarks.ground import FP32, OURS, Ground, opened
from tests.benchmarks.indexing_speed import index as index_files
from tests.benchmarks.indexing_speed import passage_texts
from tests.benchmarks.turns import processor, take_turns, wall
from tests.paths import ROOT, SEEDS


def start(ground: Ground) -> Iterator[Figure]:
    """Whole processes, from nothing to the answer."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "index")
        index_files(SEEDS, folder)
        with opened(folder) as store:
            exported = export(store, Path(scratch, "exported"))
        question = ground.labelled[0].text
        ask = [sys.executable, "-c", "from service.cli import main_ask; main_ask()"]
        runs = {
            "ask": [*ask, "--index", str(folder), *ground.with_reader(), question],
            "help": [sys.executable, "-m", "service", "--help"],
            "nothing": [sys.executable, "-c", "pass"],
        }
        if ground.plan.fp32 is not None:
            script = Path(__file__).with_name("run_transformers.py")
            once = [*ground.models(), "--passages", str(exported.folder), "--once", question]
            runs[FP32] = [sys.executable, str(script), *once]
        for command in runs.values():
            _run(command)
        spent: dict[str, list[float]] = {name: [] for name in runs}

        def timed(name: str, command: list[str]) -> Callable[[int], float]:
            def once(_: int) -> float:
                seconds = 0.0

                def act() -> None:
                    nonlocal seconds
                    seconds = wall(lambda: _run(command))

                spent[name].append(processor(act))
                return seconds

            return once

        rounds = ground.plan.times(9, 3)
        found = take_turns(rounds, {name: timed(name, runs[name]) for name in runs})
    if FP32 in runs:
        yield ground.figure("ask, cold, whole process", found["ask"], found[FP32], "s", FP32)
        yield ground.figure("ask, cold, processor time", spent["ask"], spent[FP32], "s", FP32)
    yield ground.figure(
        "pincite --help, whole process", found["help"], found["nothing"], "s", "python -c pass"
    )


def indexing(ground: Ground) -> Iterator[Figure]:
    """Files to committed passages, against only embedding the same passages."""
    if ground.plan.fp32 is None:
        return
    with tempfile.TemporaryDirectory() as scratch:
        first = Path(scratch, "first")
        index_files(ground.plan.documents, first)
        texts = passage_texts(first)
        with opened(first) as store:
            exported = export(store, Path(scratch, "exported"))
        with ground.baseline(exported) as baseline:
            baseline.tell("encode", texts=texts[:64])
            folders = (Path(scratch, str(number)) for number in itertools.count())
            found = take_turns(
                ground.plan.times(5, 2),
                {
                    OURS: lambda _: len(texts) / index_files(ground.plan.documents, next(folders)),
                    FP32: lambda _: len(texts) / baseline.tell("encode", texts=texts)["total"],
                },
            )
    yield ground.figure(
        "pincite index, files to committed",
        found[OURS],
        found[FP32],
        "passages/s",
        "SentenceTransformer.encode alone, fp32",
        better="more",
    )


def disk(ground: Ground) -> Iterator[Figure]:
    """Bytes in the index folder, against the passages' texts and fp32 vectors alone."""
    for size in ground.plan.sizes:
        exported = ground.exported(size)
        with opened(ground.index(size)) as store:
            count = store.counts()[1]
        bare = exported.vectors_file.stat().st_size + exported.texts_file.stat().st_size
        folder = ground.index(size)
        whole = sum(
            path.stat().st_size
            for path in folder.rglob("*")
            if path.is_file() and path.relative_to(folder).parts[0] != "server"
        )
        yield ground.figure(
            "bytes on disk",
            [whole / count],
            [bare / count],
            "bytes/passage",
            "texts and fp32 vectors alone",
            size=size,
        )


def _run(command: Sequence[str]) -> None:
    """Run a command that may find no answer (exit code 1)."""
    kept = {name: value for name, value in os.environ.items() if "PINCITE" not in name}
    done = subprocess.run(
        command,
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={**kept, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
    )
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        raise RuntimeError(f"{' '.join(command[:4])}: {done.stderr.strip()[-400:]}")
