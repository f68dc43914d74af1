"""No key, password or token lies in what is published."""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.keyword import DENYLIST, KeywordDetector

from service.host.keys import is_well_formed
from tests.paths import ROOT

# Digests and weights look as random as secrets do, and addresses are none.
_NOT_SECRET = {"Base64HighEntropyString", "HexHighEntropyString", "IPPublicDetector"}

_DETECTORS = [
    kind()
    for kind in get_mapping_from_secret_type_to_class().values()
    if kind.__name__ not in _NOT_SECRET
]

# Words beside which a password stands.
_WORDS = ("key", "pass", "pwd", "secret", "contraseña", "contrasena", "priv")

# What opens the tests' own locked files, and is no secret.
_KNOWN = {
    hashlib.sha1(word, usedforsecurity=False).hexdigest() for word in (b"own", b"owner", b"secret")
}

_LARGEST = 500_000

# What every other secret has in its line: a long word, or a name and a password in an address.
_LONG = re.compile(r"[A-Za-z0-9_\-+/=.]{16}|://[^/]*@")


def _published() -> Iterator[tuple[Path, list[str]]]:
    """The text files that git holds, or would, with their lines."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no checkout, so nothing tells what is published")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and path.stat().st_size <= _LARGEST:
            data = path.read_bytes()
            if b"\0" not in data:
                yield path.relative_to(ROOT), data.decode("utf-8", "replace").splitlines()


def _found(path: Path, lines: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        # The slowest of them looks for what stands beside such a word.
        named = any(word in line.lower() for word in _WORDS)
        if not named and not _LONG.search(line):
            continue
        for detector in _DETECTORS:
            if named or not isinstance(detector, KeywordDetector):
                for secret in detector.analyze_line(str(path), line, number):
                    if secret.secret_hash not in _KNOWN:
                        yield f"{path}:{number}: {secret.type}, SHA-1 {secret.secret_hash}"


def test_the_words_are_those_that_secrets_stand_beside() -> None:
    plain = [name.replace("_?", "_").replace("(?:", "").lower() for name in DENYLIST]
    assert [name for name in plain if not any(word in name for word in _WORDS)] == []


def test_nothing_that_is_published_is_a_secret() -> None:
    assert [found for path, lines in _published() for found in _found(path, lines)] == []


@pytest.mark.parametrize(
    "line",
    [
        'password = "' + "hunter2hunter2" + '"',
        "https://me:" + "hunter2@example.com/",
        "AKIA" + "IOSFODNN7ABCDEFG",
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "ghp_" + "a1B2" * 9,
    ],
)
def test_what_looks_like_a_secret_is_found(line: str) -> None:
    assert list(_found(Path("settings.py"), ["", line]))


def test_no_key_of_ours_is_published() -> None:
    for path, lines in _published():
        for line in lines:
            start = line.find("pincite_")
            while start >= 0:
                assert not is_well_formed(line[start : start + 70]), path
                start = line.find("pincite_", start + 1)
