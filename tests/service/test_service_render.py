"""How documents and passages look where there is no terminal."""

from io import StringIO
from pathlib import Path

import pytest

from index.documents import Hit, Passage
from index.filters import parse
from index.store import DocumentSummary
from qa.answers import Citation
from service.render import Page, console


def page(monkeypatch: pytest.MonkeyPatch, folder: Path) -> tuple[Page, StringIO]:
    monkeypatch.chdir(folder)
    written = StringIO()
    return Page(console(written)), written


def summary(folder: Path, copies: int) -> DocumentSummary:
    return DocumentSummary(
        id="0123456789abcdef",
        uri=(folder / "lease.pdf").as_uri(),
        title="Lease\x1b",
        media_type="application/pdf",
        sha256="0" * 64,
        characters=1200,
        pages=4,
        passages=1,
        added_at="2026-03-02T09:14:07Z",
        copies=tuple((folder / "old" / f"{n} \n.pdf").as_uri() for n in range(copies)),
    )


def test_a_document_is_listed_with_its_copies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out, written = page(monkeypatch, tmp_path)
    out.documents([summary(tmp_path, 2)])
    assert written.getvalue().splitlines() == [
        "0123456789abcdef  lease.pdf",
        "                  Lease\\x1b (1,200 characters, 4 pages, 1 passage)",
        "                  also at old/0 \\n.pdf",
        "                  also at old/1 \\n.pdf",
    ]


@pytest.mark.parametrize(("copies", "more"), [(6, "1 more place"), (2000, "1,995 more places")])
def test_many_copies_are_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, copies: int, more: str
) -> None:
    out, written = page(monkeypatch, tmp_path)
    out.documents([summary(tmp_path, copies)])
    lines = written.getvalue().splitlines()
    assert len(lines) == 8
    assert lines[-1].strip() == f"also at {more}"


def test_without_documents_it_is_said_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out, written = page(monkeypatch, tmp_path)
    out.documents([])
    out.documents([], parse(["title=a\x1b"]))
    assert written.getvalue().splitlines() == [
        "The index holds no documents; add some: pincite index PATH",
        "No document fits the filter: title=a\\x1b.",
    ]


@pytest.mark.parametrize(("copies", "said"), [(1, "1 passage"), (3, "3 passages")])
def test_a_passage_that_others_repeat_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, copies: int, said: str
) -> None:
    out, written = page(monkeypatch, tmp_path)
    passage = Passage("a", 0, 11, "The rent is due.")
    hit = Hit(passage, 0.5, 0.5, 1.0, tuple(Passage(str(n), 0, 11, "") for n in range(copies)))
    citation = Citation("a", "test:a", "A", None, (), 0, 11, "The rent is", slide=2)
    out.hits([(hit, citation)])
    assert written.getvalue().splitlines() == [
        "1. test:a, slide 2, characters 0–11",
        "   The rent is due.",
        f"   the same in {said} of other documents",
    ]
