"""The language of ignore files, held against git's."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.ignoring import parse

NEEDS_GIT = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

PATHS = [
    "a", "b", "ab", "abc", "a.txt", "b.txt", "A.txt", "a/b", "a/b.txt", "a/b/c", "a/b/c/d.txt",
    "docs/a.txt", "docs/deep/a.txt", "docs/deep/b/a.md", "#x", "!x", "x ", " x", "a b", "a*b",
    "a[1].txt", "a-b", "a]b", "b/a", "b/a/a.txt", "build/out.txt", "x/build/out.txt", "a\\b",
]  # fmt: skip
LINES = [
    "a", "/a", "a/", "*.txt", "!a.txt", "/*.txt", "docs/*.txt", "docs/**", "**/a.txt",
    "a/**/d.txt", "**/b/**", "**", "*", "!*/", "!docs", "build", "/build/", "[ab].txt",
    "[!a].txt", "[^b].txt", "[a-b]*", "a?", "a??", "#x", "\\#x", "\\!x", "x\\ ", "x ", " x",
    "a\\*b", "a*b", "a[[]1].txt", "a[]]b", "a[-]b", "[[:alpha:]].txt", "[[:nope:]].txt", "a[",
    "a\\", "a\\\\b", "***/a", "a**", "a**b", "/**/a", "/", "//", "!", "docs/", "docs/deep/",
    "b/a/", "a/b", "*/b", "a/*", "**/*.md", "é.txt", "a/\t", "", "  ", "a/b/", "[z-a]", "[b-]*",
    "a//b", "/a/b/c", "!a/b/c", "!/a", "a/**", "!a/b", "**/", "**/a/", "*/", "a/**/", "a/**/b",
    "?/b", "*b*",
]  # fmt: skip


def ignored(content: str, path: str) -> bool:
    """Whether the file is ignored by an ignore file in the top folder, ignored folders included."""
    names = path.split("/")
    rules = parse(content)
    return any(
        rules.says(names[:depth], is_folder=depth < len(names))
        for depth in range(1, len(names) + 1)
    )


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return folder


def git_ignores(repository: Path, content: str, paths: list[str]) -> set[str]:
    """What git says: of paths that are not there, it takes all names but the last for folders."""
    (repository / ".gitignore").write_text(content, encoding="utf-8", newline="")
    result = subprocess.run(
        ["git", "-C", str(repository), "check-ignore", "--no-index", "-z", "--stdin"],
        input="\0".join(paths).encode(),
        capture_output=True,
        check=False,
    )
    assert result.returncode in (0, 1), result.stderr
    return set(result.stdout.decode().split("\0")) - {""}


@NEEDS_GIT
@pytest.mark.parametrize("line", LINES)
def test_a_line_means_what_it_means_to_git(repository: Path, line: str) -> None:
    found = {path for path in PATHS if ignored(line + "\n", path)}
    assert found == git_ignores(repository, line + "\n", PATHS)


@NEEDS_GIT
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lines=st.lists(
        st.sampled_from(LINES)
        | st.text(alphabet="ab*?/[]!-^\\. #", max_size=8).filter(lambda line: "\n" not in line),
        min_size=1,
        max_size=6,
    ),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_files_of_lines_mean_what_they_mean_to_git(
    repository: Path, lines: list[str], ending: str
) -> None:
    content = ending.join(lines) + ending
    found = {path for path in PATHS if ignored(content, path)}
    assert found == git_ignores(repository, content, PATHS)


@given(content=st.text(max_size=200), names=st.lists(st.text(min_size=1, max_size=9), min_size=1))
def test_no_ignore_file_is_an_error(content: str, names: list[str]) -> None:
    parse(content).says(names, is_folder=True)


@pytest.mark.parametrize(
    "line", ["*a" * 2000, "**/" * 2000 + "b", "*" * 5000, "[" * 5000, "a?*" * 1500, "[a]*" * 1500]
)
def test_a_hostile_line_is_matched_soon(line: str) -> None:
    begin = time.perf_counter()
    parse(line).says(["a" * 250] * 20, is_folder=False)
    assert time.perf_counter() - begin < 2


def test_a_sign_stands_for_a_character_however_many_bytes_that_has() -> None:
    assert ignored("?.txt", "é.txt")
    assert ignored("[!a].txt", "é.txt")
    assert not ignored("??.txt", "é.txt")
