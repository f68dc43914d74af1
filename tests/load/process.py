"""A server as people start it: a process of its own on loopback, which may be killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]

# Longest time until a server answers, or has stopped, in seconds: a busy machine.
_PATIENCE = 120.0


class ServerProcess:
    """`pincite serve` on an index, at one port however often it is started again."""

    def __init__(self, index: Path, log: Path, options: Sequence[str] = ()) -> None:
        self.index = index
        self._log = log
        self._options = list(options)
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> float:
        """Start it; the seconds until it was ready."""
        began = time.monotonic()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command("serve", "--port", str(self.port), *self._options),
                stdout=log,
                stderr=log,
                cwd=self.index.parent,
                env=self._environment(),
            )
        while True:
            assert self._process.poll() is None, f"the server ended; see {self._log}"
            assert time.monotonic() < began + _PATIENCE, "the server does not answer"
            try:
                if httpx.get(f"{self.address}/readyz", timeout=5).status_code == 200:
                    return time.monotonic() - began
            except httpx.TransportError:
                pass
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Ask it to stop; the exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def memory(self) -> float:
        """What it holds in memory, in MiB."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def run(self, *arguments: str) -> dict[str, object]:
        """What a command says about the same index, as JSON."""
        done = subprocess.run(
            self._command(*arguments, "--json"),
            capture_output=True,
            text=True,
            check=False,
            env=self._environment(),
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, object] = json.loads(done.stdout)
        return found

    def _command(self, name: str, *arguments: str) -> list[str]:
        return [
            sys.executable,
            "-m",
            "service",
            *name.split(),
            *arguments,
            "--index",
            str(self.index),
        ]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if "PINCITE" not in name}
        return {**kept, "PYTHONPATH": str(ROOT)}
