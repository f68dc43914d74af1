"""Sidecars: what a person says of a file in another one beside it."""

from pathlib import Path

import pytest

from index.errors import DocumentTooLarge, UnreadableDocument
from index.sidecar import LARGEST, is_sidecar, read_sidecar, sidecar_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.pdf.meta.yaml", True),
        ("a.pdf.META.YML", True),
        ("a.meta.json", True),
        ("a.pdf.meta.toml", True),
        ("a.yaml", False),
        ("meta.yaml", False),
        (".meta.yaml", False),
        ("a.pdf", False),
    ],
)
def test_sidecars_are_known_by_their_names(name: str, expected: bool, tmp_path: Path) -> None:
    assert not is_sidecar(tmp_path / name)
    for beside in ("a.pdf", "a", "meta"):
        (tmp_path / beside).touch()
    assert is_sidecar(tmp_path / name) is expected


def test_a_name_too_long_to_have_an_ending_more_has_no_sidecar(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 250)
    path.touch()
    assert sidecar_of(path) is None


def test_the_sidecar_of_a_file_stands_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.touch()
    assert sidecar_of(file) is None
    (tmp_path / "a.pdf.meta.json").write_text("{}")
    assert sidecar_of(file) == tmp_path / "a.pdf.meta.json"
    (tmp_path / "a.pdf.meta.yaml").write_text("a: 1")
    assert sidecar_of(file) == tmp_path / "a.pdf.meta.yaml"
    (tmp_path / "b.pdf.meta.yaml").mkdir()
    assert sidecar_of(tmp_path / "b.pdf") is None
    assert sidecar_of(tmp_path / "a.pdf.meta.yaml") is None


CASES = {
    "yaml": (
        "# About it\nTitle: 'The: Handbook'\nproject: P 1\nversion: 1.10\nyear: 2026\npublic: yes\n"
        "signed: 2026-01-05\nat: 2026-01-05 10:00:00Z\nwrong: 2026-02-31\ntags:\n  - a\n  - b, c\n"
        "empty:\nnested:\n  a: 1\nlist: [[1]]\nlong: >\n  two\n  lines\nauthors: [Ann, Bob]\n"
    ),
    "toml": (
        'Title = "The: Handbook"\nproject = "P 1"\nversion = 1.10\nyear = 2026\npublic = "yes"\n'
        "signed = 2026-01-05\nat = 2026-01-05T10:00:00Z\nwrong = '2026-02-31'\n"
        'tags = ["a", "b, c"]\nempty = ""\nlist = [[1]]\nlong = "two\\nlines"\n'
        'authors = ["Ann", "Bob"]\n[nested]\na = 1\n'
    ),
    "json": (
        '{"Title": "The: Handbook", "project": "P 1", "version": 1.10, "year": 2026, '
        '"public": "yes", "signed": "2026-01-05", "at": "2026-01-05T10:00:00+00:00", '
        '"wrong": "2026-02-31", "tags": ["a", "b, c"], "empty": null, "nested": {"a": 1}, '
        '"list": [[1]], "long": "two\\nlines", "authors": ["Ann", "Bob"]}'
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_scalars_and_lists_of_them_are_metadata(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.pdf.meta.{kind}"
    path.write_text(CASES[kind], encoding="utf-8")
    assert read_sidecar(path) == {
        "title": "The: Handbook",
        "project": "P 1",
        "version": "1.10",
        "year": "2026",
        "public": "yes",
        "signed": "2026-01-05",
        "at": "2026-01-05T10:00:00+00:00",
        "wrong": "2026-02-31",
        "tags": "a, b, c",
        "long": "two lines",
        "author": "Ann, Bob",
    }


def test_booleans_are_words(tmp_path: Path) -> None:
    path = tmp_path / "a.meta.json"
    path.write_text('{"a": true, "b": false}')
    assert read_sidecar(path) == {"a": "true", "b": "false"}


def test_an_empty_sidecar_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.meta.yaml"
    path.write_text("# nothing yet\n")
    assert read_sidecar(path) == {}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("yaml", b"a: [1"),
        ("yaml", b"- a\n- b\n"),
        ("yaml", b"a: &x [1]\nb: [*x, *x]\n"),
        ("yaml", b"a: !!python/object/apply:os.system ['true']\n"),
        ("yaml", b"[" * 50_000),
        ("yaml", b"? [a]\n: b\n"),
        ("yaml", b"a: !!bool 7\n"),
        ("yaml", b"a: !!int ''\n"),
        ("yaml", b"a: !!timestamp 7\n"),
        ("json", b"{"),
        ("json", b"[1]"),
        ("json", b"[" * 50_000),
        ("toml", b"a = "),
        ("toml", b"a = " + b"[" * 50_000),
        ("yaml", b"\0\1\2\3" * 20),
    ],
)
def test_a_broken_sidecar_is_named(kind: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"a.pdf.meta.{kind}"
    path.write_bytes(data)
    with pytest.raises(UnreadableDocument) as caught:
        read_sidecar(path)
    assert str(caught.value).startswith(f"{path}: is not ")
    assert "\n" not in str(caught.value)


def test_a_sidecar_is_small(tmp_path: Path) -> None:
    path = tmp_path / "a.meta.yaml"
    path.write_bytes(b"a: " + b"x" * LARGEST)
    with pytest.raises(DocumentTooLarge, match="262,144 bytes"):
        read_sidecar(path)


def test_a_sidecar_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="cannot be read: no such file"):
        read_sidecar(tmp_path / "a.meta.yaml")
