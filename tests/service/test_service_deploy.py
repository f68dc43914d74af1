"""How the service is run elsewhere: as a unit of systemd, in a container, from a live backup."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.main import get_command

from service.cli import app
from service.settings import Settings, settle
from tests.paths import ROOT
from tests.tools.run_containerfile import flags, instructions, words

UNIT = ROOT / "service" / "deploy" / "pincite.service"
CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")


def unit() -> ConfigParser:
    """The unit; of keys that stand several times, the last one."""
    parsed = ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment, method-assign]
    parsed.read_string(UNIT.read_text(encoding="utf-8"))
    return parsed


def of(word: str) -> list[str]:
    """What follows an instruction of the Containerfile, each time it stands there."""
    return [rest for found, rest in instructions(CONTAINERFILE) if found == word]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_unit_and_finds_it_fenced(tmp_path: Path) -> None:
    text = UNIT.read_text(encoding="utf-8").replace("/opt/pincite/bin/pincite", sys.executable)
    (tmp_path / UNIT.name).write_text(text)
    verified = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / UNIT.name)], capture_output=True, text=True
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", tmp_path / UNIT.name],
        capture_output=True,
        text=True,
    )
    assert rated.returncode == 0, rated.stdout


def test_the_unit_gives_a_server_that_stops_the_time_it_takes() -> None:
    service = unit()["Service"]
    assert int(service["TimeoutStopSec"]) > Settings().drain_seconds
    assert service["ExecStart"].split()[1:] == ["serve"]
    assert service["DynamicUser"] == "yes"


@pytest.mark.parametrize("variables", ["unit", "container"])
def test_the_variables_that_are_set_are_settings(variables: str) -> None:
    if variables == "unit":
        lines = re.findall(r"^Environment=(\w+)=(.*)$", UNIT.read_text(encoding="utf-8"), re.M)
        pairs = dict(lines)
    else:
        pairs = dict(pair.split("=", 1) for rest in of("ENV") for pair in rest.split())
    ours = {name: value for name, value in pairs.items() if name.startswith("PINCITE_")}
    assert "PINCITE_INDEX" in ours
    assert settle(environ=ours).origins["index"] == "PINCITE_INDEX"


def test_the_container_runs_a_command_of_ours_as_nobody_special() -> None:
    assert words(of("ENTRYPOINT")[-1]) == ["pincite"]
    (command,) = words(of("CMD")[-1])
    assert command in get_command(app).commands  # type: ignore[attr-defined]
    assert of("USER") == ["pincite"]


def test_the_containers_health_is_that_it_is_ready() -> None:
    port = dict(pair.split("=", 1) for rest in of("ENV") for pair in rest.split())["PINCITE_PORT"]
    assert of("EXPOSE") == [port]
    _, rest = flags(of("HEALTHCHECK")[-1])
    assert f"http://127.0.0.1:{port}/readyz" in words(rest.removeprefix("CMD "))[-1]


def test_what_the_container_copies_is_there_and_nothing_is_compiled() -> None:
    for rest in of("COPY"):
        options, rest = flags(rest)
        for source in rest.split()[:-1]:
            assert "from" in options or (ROOT / source).exists()
    installing = next(rest for rest in of("RUN") if "pip install" in rest)
    assert "--only-binary=:all:" in installing
    assert "--constraint constraints.txt" in installing


@contextmanager
def serving(folder: Path, **environ: str) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """A real server that logs JSON, and a client of it."""
    found = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PINCITE_INDEX": str(folder),
        "PINCITE_LOG_FORMAT": "json",
        **environ,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "serve", "--port", "0"],
        env=found,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        address = json.loads(process.stderr.readline())["address"]
        transport = httpx.HTTPTransport(retries=5)
        with httpx.Client(base_url=address, transport=transport, timeout=60) as client:
            deadline = time.monotonic() + 60
            while client.get("/readyz").status_code != 200:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            yield process, client
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_running_server_is_backed_up_and_what_is_restored_answers(
    library: Path, tmp_path: Path
) -> None:
    index, trail = tmp_path / "index", tmp_path / "audit.jsonl"
    shutil.copytree(library, index)
    question = {"question": "When does the gate open?"}
    pincite = [sys.executable, "-m", "service"]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    with serving(index, PINCITE_AUDIT_LOG=str(trail)) as (process, client):
        sent = {"text": "The gate opens at 7.", "uri": "test:gate", "title": "Gate"}
        done = client.post("/v1/documents", json=sent, headers={"Prefer": "wait=30"})
        assert done.status_code == 200, done.text
        for command in (
            ["backup", "--index", str(index), str(tmp_path / "it.tar.gz")],
            ["restore", str(tmp_path / "it.tar.gz"), str(tmp_path / "back")],
        ):
            subprocess.run([*pincite, *command], check=True, env=environ, cwd=tmp_path)
        answers = client.post("/v1/ask", json=question).json()["answers"]
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=60)
        assert process.returncode == 0
    lines = [json.loads(line) for line in log.splitlines()]
    assert {"request", "job", "audit"} <= {line["message"] for line in lines}
    assert "gate" not in log
    assert [json.loads(line)["action"] for line in trail.read_text().splitlines()] != []
    with serving(tmp_path / "back") as (_, client):
        again = client.post("/v1/ask", json=question).json()["answers"]
    assert again == answers
    assert answers[0]["text"] == "7"
