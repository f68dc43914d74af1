"""Which files a person means."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.files import Found, absolute, expand, file_uri, scan, uri_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.txt", "a.md", "deep/er/c.pdf", ".hidden.txt", ".git/config", "deep/.x/y.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def names(found: Iterator[Found], folder: Path) -> list[str]:
    return [str(item.path.relative_to(folder)) for item in found]


def problem(*wanted: str) -> str:
    (found,) = expand(wanted)
    assert found.problem is not None
    return found.problem


def test_a_folder_gives_its_files_in_order_but_not_the_hidden_ones(folder: Path) -> None:
    found = list(expand([str(folder)]))
    assert names(iter(found), folder) == ["a.md", "b.txt", "deep/er/c.pdf"]
    assert not any(item.named for item in found)


def test_a_file_that_is_named_is_taken_even_if_hidden(folder: Path) -> None:
    (found,) = expand([str(folder / ".hidden.txt")])
    assert found == Found(folder / ".hidden.txt", named=True)
    (found,) = expand([str(folder / "deep" / ".x")])
    assert found == Found(folder / "deep" / ".x" / "y.txt", named=False)


def test_each_file_comes_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = expand(["b.txt", str(folder), "*.txt", "./b.txt", "deep/er/c.pdf"])
    assert [item.path.name for item in found] == ["b.txt", "a.md", "c.pdf"]


def test_patterns_are_expanded(folder: Path) -> None:
    assert names(expand([f"{folder}/*.txt"]), folder) == ["b.txt"]
    assert names(expand([f"{folder}/**/*.pdf"]), folder) == ["deep/er/c.pdf"]
    assert names(expand([f"{folder}/[ab].*"]), folder) == ["a.md", "b.txt"]
    assert names(expand([f"{folder}/d*"]), folder) == ["deep/er/c.pdf"]


def test_a_pattern_that_matches_nothing_is_a_problem(folder: Path) -> None:
    assert problem(f"{folder}/*.docx") == "matches no file; check the pattern"


def test_a_name_that_looks_like_a_pattern_is_a_name_first(folder: Path) -> None:
    (folder / "b[1].txt").write_text("one")
    (folder / "b1.txt").write_text("not this")
    assert names(expand([str(folder / "b[1].txt")]), folder) == ["b[1].txt"]


@pytest.mark.parametrize("name", ["missing.txt", "b.txt/below", "a\x00b", "~nobody-of-this-name/a"])
def test_what_is_not_there_is_a_problem(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(folder)
    assert problem(name) == "no such file or folder; check the path"


def test_a_file_may_have_a_name_that_looks_like_a_home(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    Path("~nobody-of-this-name").write_text("a file all the same")
    (found,) = expand(["~nobody-of-this-name"])
    assert found.problem is None


def test_a_folder_without_files_is_a_problem(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert problem(str(folder / "empty")) == "holds no files; name a folder with documents"
    assert problem(str(folder / ".git" / "..") + "/empty").startswith("holds no files")


def test_pipes_and_sockets_are_never_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(folder / "socket"))
    assert problem(str(folder / "pipe")) == "is not a regular file; name a file or a folder"
    assert problem(str(folder / "socket")).startswith("is not a regular file")
    assert names(expand([str(folder)]), folder) == ["a.md", "b.txt", "deep/er/c.pdf"]


def test_links_are_followed_to_files_but_not_to_folders(folder: Path) -> None:
    (folder / "deep" / "up").symlink_to(folder)
    (folder / "deep" / "link.md").symlink_to(folder / "a.md")
    (folder / "deep" / "broken").symlink_to(folder / "nothing")
    (folder / "deep" / "loop").symlink_to(folder / "deep" / "loop")
    assert names(expand([str(folder / "deep")]), folder) == ["deep/link.md", "deep/er/c.pdf"]
    assert problem(str(folder / "deep" / "broken")).startswith("is not a regular file")
    assert problem(str(folder / "deep" / "loop")).startswith("is not a regular file")


def test_a_folder_that_cannot_be_listed_is_a_problem_and_the_others_go_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def guarded(path: str) -> object:
        if str(path).endswith("er"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    found = list(expand([str(folder)]))
    monkeypatch.undo()
    assert names(iter(found), folder) == ["a.md", "b.txt", "deep/er"]
    assert found[-1].problem == "cannot be listed (Permission denied)"


def test_a_folder_whose_files_cannot_be_looked_at_is_named_and_nothing_in_it_is_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = os.stat

    def guarded(path: object, **options: object) -> os.stat_result:
        if str(path).endswith("c.pdf"):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", guarded)
    found = scan([str(folder)])
    (named,) = scan([str(folder / "deep" / "er" / "c.pdf")]).found
    monkeypatch.undo()
    assert names(iter(found.found), folder) == ["a.md", "b.txt", "deep/er"]
    assert found.found[-1].problem == "has files that cannot be looked at (Permission denied)"
    assert not found.has_lost(folder / "deep" / "er" / "gone.pdf")
    assert found.has_lost(folder / "deep" / "gone.pdf")
    assert named == Found(
        folder / "deep" / "er" / "c.pdf", True, "cannot be looked at (Permission denied)"
    )


def test_a_name_too_long_for_the_system_is_a_problem() -> None:
    assert problem("a" * 300) == "cannot be looked at (File name too long)"


def test_a_file_is_cited_by_the_path_that_it_is_opened_by(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "away" / "in").mkdir(parents=True)
    (folder / "away" / "b.txt").write_text("another")
    (folder / "link").symlink_to(folder / "away" / "in")
    monkeypatch.chdir(folder)
    for name, cited in (
        ("link/../b.txt", folder / "away" / "b.txt"),
        ("deep/../b.txt", folder / "b.txt"),
        ("link/../../b.txt", folder / "b.txt"),
        ("nothing/../b.txt", folder / "b.txt"),
    ):
        assert absolute(Path(name)) == cited
    assert [absolute(item.path) for item in expand(["link/.."])] == [folder / "away" / "b.txt"]


ODD = [
    "line\nbreak.txt",
    "tab\t.txt",
    "a?b#c%20.txt",
    "é.txt",
    " .txt",
    "\U0001f600",
    "100%",
    "a;b",
]


@pytest.mark.parametrize("name", [*ODD, os.fsdecode(b"latin-\xe9.txt"), os.fsdecode(b"\xff\xfe")])
def test_a_file_of_any_name_is_found_and_has_a_uri_that_leads_back(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("text")
    (found,) = expand([str(tmp_path)])
    assert found.path == tmp_path / name
    uri = file_uri(found.path)
    assert uri.isascii()
    assert not any(char.isspace() for char in uri)
    assert uri_path(uri) == tmp_path / name
    (found,) = expand([str(tmp_path / name)])
    assert found == Found(tmp_path / name, named=True)


@given(parts=st.lists(st.binary(min_size=1, max_size=12), min_size=1, max_size=4))
def test_a_path_and_its_uri_lead_to_each_other(parts: list[bytes]) -> None:
    names = [os.fsdecode(part.replace(b"/", b"_").replace(b"\x00", b"_")) for part in parts]
    path = Path(os.path.normpath("/" + "/".join(names)))
    assert uri_path(file_uri(path)) == path


def test_two_ways_to_write_a_path_have_one_uri(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    uris = {file_uri(Path(p)) for p in ("b.txt", "./b.txt", "deep/../b.txt", str(folder / "b.txt"))}
    assert len(uris) == 1


@pytest.mark.parametrize("uri", ["https://example.org/a", "test:a", "", "a/b", "upload:x"])
def test_other_uris_name_no_path(uri: str) -> None:
    assert uri_path(uri) is None


@given(uri=st.text() | st.text().map("file://".__add__) | st.text().map("http://[".__add__))
def test_no_uri_is_an_error(uri: str) -> None:
    uri_path(uri)
