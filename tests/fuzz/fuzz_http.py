"""Ask the service what its description allows, and does not: python tests/fuzz/fuzz_http.py.

A server with small models and a locked door listens on this machine, and schemathesis makes
requests of every operation of its OpenAPI description: examples, limits, at random, and in chains.
No reply may be a 5xx other than a 503 that says when to come back, or one that the description does
not allow: its status, its content type, its schema; and nothing is taken that is not allowed. With
--seconds it goes on until time is up. Exit code 1 if a reply was not as it must be.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from starlette import types

from service.host.keys import Keys, Scope
from service.host.rates import RateLimiter
from service.host.server import Door
from service.http.app import create_app
from service.settings import Settings
from tests.service.listening import listening
from tests.service.service_fakes import fake_server

# One that is still good when something is added to it.
_KEY = re.compile(rb"[!-~]{1,240}")

_CONFIG = """\
[[operations]]
include-path = "/v1/jobs/{job_id}"
# A job that is cancelled is still told of.
checks.use_after_free.enabled = false
"""


class Lasting(Keys):
    """Keys of which the one that the requests are made with cannot be revoked by one of them."""

    own = ""

    def revoke(self, key_id: str) -> None:
        """See `Keys.revoke`."""
        if key_id != self.own:
            super().revoke(key_id)


class Renamed:
    """Makes most idempotency keys different, since one key may not be sent with two requests."""

    def __init__(self, app: types.ASGIApp) -> None:
        self._app = app
        self._numbers = count()

    async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        """Handle one request."""
        if scope["type"] == "http":
            number = next(self._numbers)
            end = f"-{number}".encode() if number % 10 else b""
            scope["headers"] = [
                (
                    name,
                    value + end if name == b"idempotency-key" and _KEY.fullmatch(value) else value,
                )
                for name, value in scope["headers"]
            ]
        await self._app(scope, receive, send)


def fuzz(folder: Path, *, examples: int, seconds: int | None, seed: int) -> int:
    """Make requests of a server in `folder`; schemathesis's exit code."""
    server = fake_server(Settings(index=folder / "index", max_upload_mb=1), door=Door.LOCKED)
    server.keys = Lasting(server.state)
    # Each request with a key that opens nothing comes a minute after the one before.
    server.failures = RateLimiter(clock=(60.0 * minute for minute in count()).__next__)
    server.collections.create("hr")
    (folder / "schemathesis.toml").write_text(_CONFIG, encoding="utf-8")
    key, whole = server.keys.create("fuzz", Scope.ADMIN)
    server.keys.own = key.id
    with listening(Renamed(create_app(server))) as address:
        return subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json"),
                *("--header", f"Authorization: Bearer {whole}"),
                # What a filter or a cursor is, no schema says.
                *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
                *("--max-examples", str(examples), "--seed", str(seed)),
                *(() if seconds is None else ("--max-time", str(seconds))),
                *("--request-timeout", "20", "--continue-on-failure", "--no-color"),
                *("--generation-database", "none", "--suppress-health-check", "all"),
            ],
            cwd=folder,
            check=False,
        ).returncode


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--examples", type=int, default=100, help="for each operation and phase")
    parser.add_argument("--seconds", type=int, help="go on until so much time is up")
    parser.add_argument("--seed", type=int, default=0, help="another one makes other requests")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return fuzz(Path(folder), examples=given.examples, seconds=given.seconds, seed=given.seed)


if __name__ == "__main__":
    sys.exit(main())
