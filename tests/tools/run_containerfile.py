"""Run a Containerfile's commands in clean roots, where there is no engine to build it with.

    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm BASE
    python tests/tools/run_containerfile.py --base BASE --work EMPTY_FOLDER

Each stage is a copy of BASE, whatever image it names, in which RUN, COPY, ENV, WORKDIR and USER do
what they say by chroot; needs root. Then the image is put to work: a key is made, the server is
started by its ENTRYPOINT and CMD, asked by its HEALTHCHECK, given a document and a question, and
stopped. `--bind` shows folders of this machine to RUN, and `--pass-env` variables, so that pip can
reach the packages that this machine reaches; nothing of it stays in the image.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_DOCUMENT = "The gate opens at 7 in the morning and closes at 10 at night."
_QUESTION = "When does the gate open?"
_DEADLINE = 120.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Stage:
    """A stage as it is built: its root, and what applies to the next command."""

    root: Path
    user: str = "root"
    folder: str = "/"
    env: dict[str, str] = field(default_factory=lambda: {"PATH": _PATH, "LANG": "C.UTF-8"})
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Host:
    """What RUN may see of this machine: folders, and variables by the beginnings of their names."""

    binds: tuple[str, ...] = ()
    env: tuple[str, ...] = ()

    @property
    def variables(self) -> dict[str, str]:
        return {n: v for n, v in os.environ.items() if n.startswith(self.env)} if self.env else {}


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Each instruction with the rest of its line; lines that go on are joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word.upper(), " ".join(rest.split()) if word.upper() != "RUN" else rest.strip()


def flags(rest: str) -> tuple[dict[str, str], str]:
    """The flags that an instruction begins with, and what follows them."""
    found = {}
    while match := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
        found[match[1]] = match[2]
        rest = rest[match.end() :]
    return found, rest


def words(rest: str) -> list[str]:
    """The words of an instruction in its JSON form, or run by a shell."""
    return json.loads(rest) if rest.startswith("[") else ["/bin/sh", "-c", rest]


def inside(stage: Stage, path: str) -> Path:
    """Where a path of the image is in its root."""
    absolute = path if path.startswith("/") else f"{stage.folder}/{path}"
    return stage.root / absolute.lstrip("/")


@contextmanager
def mounted(root: Path, binds: tuple[str, ...]) -> Iterator[None]:
    """Have /proc, /dev and folders of this machine in a root meanwhile."""
    with ExitStack() as stack:
        for path in ("/proc", "/dev", *binds):
            place = root / path.lstrip("/")
            made = not place.exists()
            place.mkdir(parents=True, exist_ok=True)
            run("mount", "--rbind" if path == "/dev" else "--bind", path, str(place))
            if made:
                stack.callback(remove_empty, place, root)
            stack.callback(run, "umount", "--recursive", "--lazy", str(place))
        yield


def remove_empty(place: Path, root: Path) -> None:
    """Remove a folder that was made to mount something on, and those above it."""
    while place != root and not any(place.iterdir()):
        place.rmdir()
        place = place.parent


def run(*command: str) -> None:
    subprocess.run(command, check=True)


def chrooted(stage: Stage, command: list[str], user: str, extra: dict[str, str]) -> list[str]:
    """The command that runs `command` in a stage's root, folder and environment."""
    env = [f"{name}={value}" for name, value in {**stage.env, **extra}.items()]
    inner = f"cd {shlex.quote(stage.folder)} && exec {shlex.join(command)}"
    return [
        *("chroot", f"--userspec={user}:{user}", str(stage.root)),
        *("/usr/bin/env", "-i", *env, "/bin/sh", "-c", inner),
    ]


def build(text: str, context: Path, base: Path, work: Path, host: Host) -> Stage:
    """Build all stages; the last one is the image."""
    stages: dict[str, Stage] = {}
    stage: Stage | None = None
    for word, rest in instructions(text):
        print(f"--> {word} {rest[:100]}", flush=True)
        if word == "FROM":
            name = rest.partition(" AS ")[2] or f"stage-{len(stages)}"
            root = work / name
            run("cp", "--archive", "--reflink=auto", str(base), str(root))
            stages[name] = stage = Stage(root)
            continue
        if stage is None:
            raise SystemExit(f"{word} before FROM")
        if word == "ENV":
            stage.env |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        elif word == "WORKDIR":
            stage.folder = rest
            inside(stage, rest).mkdir(parents=True, exist_ok=True)
        elif word == "USER":
            stage.user = rest
        elif word == "COPY":
            copy(stage, rest, context, stages)
        elif word == "RUN":
            execute(stage, rest, host)
        elif word == "ENTRYPOINT":
            stage.entrypoint = words(rest)
        elif word == "CMD":
            stage.command = words(rest)
        elif word == "HEALTHCHECK":
            stage.health = words(flags(rest)[1].removeprefix("CMD").strip())
        elif word not in ("VOLUME", "EXPOSE"):
            raise SystemExit(f"{word}: is not known here")
    if stage is None:
        raise SystemExit("there is no FROM")
    return stage


def copy(stage: Stage, rest: str, context: Path, stages: dict[str, Stage]) -> None:
    options, rest = flags(rest)
    *sources, target = rest.split()
    root = stages[options["from"]].root if "from" in options else context
    place = inside(stage, target)
    for source in sources:
        found = root / source.lstrip("/")
        if found.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(found, place, symlinks=True, ignore=ignored, dirs_exist_ok=True)
        else:
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found, place / found.name)


def execute(stage: Stage, rest: str, host: Host) -> None:
    resolver = stage.root / "etc/resolv.conf"
    before = resolver.read_bytes() if resolver.exists() else None
    with mounted(stage.root, host.binds):
        shutil.copy("/etc/resolv.conf", resolver)
        try:
            run(*chrooted(stage, ["/bin/sh", "-c", rest], stage.user, host.variables))
        finally:
            resolver.unlink()
            if before is not None:
                resolver.write_bytes(before)


def put_to_work(stage: Stage, port: int) -> None:
    """Run the image as its user: a key, the server, a document, a question, the end."""
    extra = {"PINCITE_PORT": str(port)}
    pincite = stage.entrypoint

    def command(*arguments: str) -> list[str]:
        return chrooted(stage, [*pincite, *arguments], stage.user, extra)

    with mounted(stage.root, ()):
        refused = subprocess.run(command(*stage.command), capture_output=True, text=True)
        assert refused.returncode == 2, refused
        assert "it has no keys" in refused.stderr, refused.stderr
        made = subprocess.run(
            command("keys", "create", "check", "--scope", "admin"),
            check=True,
            capture_output=True,
            text=True,
        )
        key = re.search(r"pincite_[0-9a-f]+_\S+", made.stdout)
        assert key is not None, made
        with subprocess.Popen(command(*stage.command)) as server:
            try:
                await_health(stage, port, server)
                address = f"http://127.0.0.1:{port}"
                ask = {"text": _DOCUMENT, "uri": "check:gate", "title": "Gate"}
                said = request(f"{address}/v1/documents", key[0], ask, Prefer="wait=30")
                print(f"    document: {said.get('state', said)}")
                reply = request(f"{address}/v1/ask", key[0], {"question": _QUESTION})
                answers = [answer["text"] for answer in reply["answers"]]
                print(f"    {_QUESTION} -> {answers}")
                assert any("7" in answer for answer in answers), reply
            finally:
                server.send_signal(signal.SIGTERM)
                began = time.monotonic()
                code = server.wait(60)
            print(f"    stopped in {time.monotonic() - began:.1f} s with exit status {code}")
            assert code == 0


def await_health(stage: Stage, port: int, server: "subprocess.Popen[bytes]") -> None:
    check = [part.replace(":8000/", f":{port}/") for part in stage.health]
    began = time.monotonic()
    while server.poll() is None:
        probe = chrooted(stage, check, stage.user, {})
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            print(f"    ready after {time.monotonic() - began:.1f} s")
            return
        assert time.monotonic() - began < _DEADLINE, "it is not ready"
        time.sleep(0.2)
    raise AssertionError(f"the server ended with exit status {server.returncode}")


def request(address: str, key: str, body: dict[str, str], **headers: str) -> dict[str, object]:
    sent = urllib.request.Request(  # noqa: S310 - loopback
        address,
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers},
    )
    with urllib.request.urlopen(sent, timeout=60) as response:  # noqa: S310
        return json.load(response)


def inspect(stage: Stage) -> None:
    """Make sure that the image holds no more than it needs, and nothing of this machine."""
    assert stage.user not in ("root", "0"), "it runs as root"
    for tool in ("gcc", "cc", "make", "git"):
        assert not list(stage.root.glob(f"usr/bin/{tool}")), f"{tool} is in the image"
    assert not list((stage.root / "opt/pincite/bin").glob("pip*")), "pip is in the image"
    size = subprocess.run(
        ["du", "-sm", str(stage.root / "opt/pincite")], check=True, capture_output=True, text=True
    )
    print(f"    /opt/pincite: {size.stdout.split()[0]} MB")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--containerfile", type=Path, default=Path("Containerfile"))
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--port", type=int, default=18765)
    parser.add_argument("--bind", action="append", default=[])
    parser.add_argument("--pass-env", action="append", default=[])
    given = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("chroot needs root")
    given.work.mkdir(parents=True, exist_ok=True)
    if any(given.work.iterdir()):
        raise SystemExit(f"{given.work}: is not empty")
    context = given.containerfile.resolve().parent
    host = Host(tuple(given.bind), tuple(given.pass_env))
    text = given.containerfile.read_text(encoding="utf-8")
    image = build(text, context, given.base.resolve(), given.work.resolve(), host)
    inspect(image)
    put_to_work(image, given.port)
    print("all of it ran")
    return 0


if __name__ == "__main__":
    sys.exit(main())
