"""Quotations with their citation: what they say, and that hostile text stays text in each form."""

import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from qa.answers import Citation
from service.quotation import Style, quotation
from service.text import shown

CITATION = Citation(
    "6f0c2d2f0d5a4b1e",
    "https://example.org/handbook.pdf",
    "Larkfield & Moss Staff Handbook",
    4,
    ("2. Leave", "2.1 Annual leave"),
    1836,
    1843,
    "26 days",
    media_type="application/pdf",
)
METADATA = {"author": "People Team", "modified": "2026-03-02T09:14:07Z", "language": "en"}
ADDRESS = "https://example.org/handbook.pdf#page=4"

# Text that means something to one of the forms.
HOSTILE = st.one_of(
    st.text(max_size=30),
    st.text("\\`*_{}[]()<>#+-.!|~$^&%@\"'=:/ \n\t1ab\u202e\x1b", max_size=30),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            "[a](javascript:alert(1))",
            "![a](https://evil.example/x.png)",
            "}, author = {Evil}}\n@misc{other,",
            "\\input{/etc/passwd}",
            "# heading",
            "- item",
            "12. item",
            "---",
            "***",
            "```\ncode",
            "&lt;b&gt;",
            "$x$ ~~y~~ a|b",
            "> quoted",
        ]
    ),
)


def test_a_plain_quotation_names_the_place_and_leads_there() -> None:
    assert quotation(CITATION, metadata=METADATA).splitlines() == [
        "“26 days”",
        (
            "— Larkfield & Moss Staff Handbook, People Team, 2026-03-02, page 4, "
            "2. Leave › 2.1 Annual leave, characters 1836–1843"
        ),
        ADDRESS,
    ]


def test_a_quotation_says_no_more_than_is_known() -> None:
    plain = Citation("a", "file:///docs/a.txt", "", None, (), 0, 4, "Text")
    assert quotation(plain) == "“Text”\n— /docs/a.txt, characters 0–4"
    assert quotation(plain, metadata={"date": "yesterday"}) == quotation(plain)


def test_a_quotation_in_markdown() -> None:
    assert quotation(CITATION, Style.MARKDOWN, metadata=METADATA) == (
        "> 26 days\n>\n"
        f"> — [Larkfield &amp; Moss Staff Handbook](<{ADDRESS}>), People Team, 2026-03-02, page 4, "
        "2. Leave › 2.1 Annual leave, characters 1836–1843"
    )


def test_a_quotation_in_bibtex() -> None:
    assert quotation(CITATION, Style.BIBTEX, metadata=METADATA).splitlines() == [
        "@misc{6f0c2d2f0d5a4b1e-1836-1843,",
        "  title = {Larkfield \\& Moss Staff Handbook},",
        "  author = {{People Team}},",
        "  date = {2026-03-02},",
        "  year = {2026},",
        "  file = {https://example.org/handbook.pdf},",
        f"  url = {{{ADDRESS}}},",
        "  pages = {4},",
        "  note = {page 4, 2. Leave › 2.1 Annual leave, characters 1836--1843},",
        "  annote = {26 days},",
        "}",
    ]


@pytest.mark.parametrize("style", Style)
def test_a_quotation_leads_where_it_is_told_to(style: Style) -> None:
    own = "http://localhost:8000/view/default/6f0c?start=1836&end=1843"
    told = quotation(CITATION, style, link=own)
    assert own in told
    assert ADDRESS not in told


def test_a_link_without_an_address_says_where_the_quote_stands() -> None:
    nowhere = replace(CITATION, uri="javascript:alert(1)", page=None, section=())
    assert quotation(nowhere, Style.LINK) == "javascript:alert(1), characters 1836–1843"
    assert quotation(CITATION, Style.LINK) == ADDRESS


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
@example("26 days", "T", "A", "a) b>\n# c")
def test_in_markdown_all_that_a_document_says_is_text(
    quoted: str, title: str, author: str, link: str
) -> None:
    made = replace(CITATION, text=quoted, title=title, section=(title,))
    written = quotation(made, Style.MARKDOWN, metadata={"author": author}, link=f"https://h/{link}")
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(written)
    shape = [token.type for token in tokens if token.type not in ("paragraph_open", "inline")]
    assert shape == ["blockquote_open", *["paragraph_close"] * len(_inlines(tokens)), shape[-1]]
    assert shape[-1] == "blockquote_close"
    *quote_lines, about = _inlines(tokens)
    said = shown(quoted).strip()
    assert [_text(line) for line in quote_lines] == ([said] if said else [])
    named = shown(title).strip() or "https://example.org/handbook.pdf"
    assert _text(about).startswith(f"— {named}, ")
    kinds = {child.type for child in about.children}
    assert kinds <= {"text", "text_special", "link_open", "link_close"}
    [opened] = [child for child in about.children if child.type == "link_open"]
    assert opened.attrGet("href").startswith("https://h/")


def _inlines(tokens: list) -> list:  # type: ignore[type-arg]
    return [token for token in tokens if token.type == "inline"]


def _text(inline) -> str:  # type: ignore[no-untyped-def]
    return "".join(child.content for child in inline.children)


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_in_bibtex_all_that_a_document_says_is_text(
    quoted: str, title: str, author: str, uri: str
) -> None:
    made = replace(CITATION, text=quoted, title=title, section=(title,), uri=f"https://h/{uri}")
    written = quotation(made, Style.BIBTEX, metadata={"author": author})
    first, *fields, last = written.split("\n")
    assert (first, last) == ("@misc{6f0c2d2f0d5a4b1e-1836-1843,", "}")
    found = {}
    for field in fields:
        name, value = re.fullmatch(r"  ([a-z]+) = \{(.*)\},", field).groups()  # type: ignore[union-attr]
        depth = 0
        for char in value:
            depth += (char == "{") - (char == "}")
            assert depth >= 0
        assert depth == 0
        assert name not in found
        found[name] = value
        if name != "url":
            # Commands and escapes of ours only.
            bare = re.sub(r"\\[$&#_%]|\\text[a-z]+\{\}", "", value)
            assert not re.search(r"[\\$&#_%~^]", bare)
    assert _untexed(found.get("annote", "")) == shown(quoted).strip().replace("–", "--")


def _untexed(value: str) -> str:
    names = {
        "backslash": "\\",
        "braceleft": "{",
        "braceright": "}",
        "asciitilde": "~",
        "asciicircum": "^",
        "less": "<",
        "greater": ">",
        "bar": "|",
        "quotedbl": '"',
    }
    return re.sub(
        r"\\(?:text([a-z]+)\{\}|([$&#_%]))",
        lambda found: names[found[1]] if found[1] else found[2],
        value,
    )


@given(HOSTILE, HOSTILE, HOSTILE)
def test_a_plain_quotation_has_its_lines_and_no_more(quoted: str, title: str, author: str) -> None:
    made = replace(CITATION, text=quoted, title=title)
    said, about, address = quotation(made, metadata={"author": author}).split("\n")
    assert said == f"“{shown(quoted).strip()}”"
    assert about.startswith("— ")
    assert address == ADDRESS
    assert not {"\x1b", "\u202e"} & {*said, *about}
