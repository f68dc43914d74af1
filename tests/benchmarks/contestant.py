"""A system that is measured, in a process of its own: told what to do a line of JSON at a time.

Each has its own process, so that what one holds in memory, imports or threads does not count for
another; and only one works at a time.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]

Handler = Callable[..., dict[str, Any]]


class Contestant:
    """One of the `run_*.py` beside this file, running; `opened` is what it said first."""

    def __init__(self, python: Path | str, script: str, arguments: Sequence[str]) -> None:
        kept = {name: value for name, value in os.environ.items() if "PINCITE" not in name}
        self._process = subprocess.Popen(
            [str(python), str(Path(__file__).parent / script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**kept, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        )
        self._name = script
        try:
            self.opened = self._heard()
        except BaseException:
            self.close()
            raise

    def tell(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Have it do something; what it says of that.

        Raises:
            RuntimeError: it ended instead.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # what it wrote, or that it ended, is found below
        return self._heard()

    def _heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._name} ended with exit code {self._process.wait()}")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """Let it end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def serve(opened: Mapping[str, Any], handlers: Mapping[str, Handler]) -> None:
    """The other end: do what the lines say until there are no more.

    What libraries print goes to stderr, so that only answers are on stdout.
    """
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    every = {"memory": memory, **handlers}
    print(json.dumps(opened), file=out, flush=True)
    for line in sys.stdin:
        told = json.loads(line)
        answer = every[told.pop("do")](**told)
        print(json.dumps(answer), file=out, flush=True)


def memory() -> dict[str, Any]:
    """What this process holds, and has held at most, in MiB; resident None where no one tells."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    status = Path("/proc/self/status")
    resident = None
    if status.is_file():
        lines = status.read_text(encoding="ascii").splitlines()
        resident = int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024
    return {"resident": resident, "peak": peak}
