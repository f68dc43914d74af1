"""Plain text: decoding, cleaning, paragraphs, pages and headings."""

import codecs
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

import index
from index.documents import Document, document_id
from index.errors import DocumentError
from index.extract import EXTRACTOR_VERSION, extract
from index.extract.cleaning import clean

ROOT = Path(index.__file__).parents[1]
PROSE = "Grüße aus Köln: 5 € für “zwei” Stück.\nДобрый день, Čeština, Ελληνικά.\n"
RUSSIAN = (
    "Настоящее положение устанавливает порядок парковки в городе. Резиденты платят за год.\n"
    "Разрешение действует в пределах зоны, для которой оно выдано, и не гарантирует место.\n"
) * 20


def read(data: bytes | str, name: str = "a.txt", media_type: str | None = None) -> Document:
    raw = data.encode() if isinstance(data, str) else data
    return extract(raw, uri=f"file:///{name}", name=name, media_type=media_type)


def headings(text: str) -> list[tuple[str, ...]]:
    return [section.path for section in read(text).sections]


def test_a_document_says_where_it_is_from() -> None:
    document = extract(b"Hello there.", uri="file:///x/a.txt", name="a.txt")
    assert document.id == document_id("file:///x/a.txt")
    assert document.uri == "file:///x/a.txt"
    assert document.sha256 == hashlib.sha256(b"Hello there.").hexdigest()
    assert document.pages == ()
    assert EXTRACTOR_VERSION >= 1


def test_parsers_are_imported_only_when_needed() -> None:
    program = (
        "import sys; from index.extract import extract;"
        "extract(b'Hello there.', uri='x', name='a.txt');"
        "heavy = {'pypdfium2', 'selectolax', 'markdown_it', 'charset_normalizer',"
        " 'docutils', 'yaml', 'py3langid', 'olefile', 'docx', 'openpyxl', 'lxml', 'defusedxml'};"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (b"", "utf-8"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
        (b"", "utf-32-le"),
        (b"", "utf-32-be"),
    ],
)
def test_unicode_is_decoded_with_and_without_a_mark(mark: bytes, encoding: str) -> None:
    text = "Plain words, then\n" + PROSE
    assert read(mark + text.encode(encoding)).text == text.strip()


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Tschüß, können wir das Café finden?"),
        ("cp1252", "Ça coûte 5 € à l'été."),
        ("cp1252", "L'été était très chaud. El niño comió paella. Kvinnan åt på en båt. O João."),
        ("cp1252", "He said “yes” and didn’t stop – it cost £5."),
        ("cp1250", "Zażółć gęślą jaźń. Mieszkańcy strefy mogą parkować, jeżeli mają zezwolenie."),
        ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy. Obyvatelé mohou parkovat."),
        ("cp1250", "Árvíztűrő tükörfúrógép. A lakók időkorlát nélkül parkolhatnak a zónában."),
        (
            "cp1254",
            "Bölge sakinleri, geçerli bir izinleri varsa süre sınırı olmadan park edebilirler.",
        ),
        ("koi8-r", "Жители района могут парковаться без ограничения времени."),
        ("cp932", "住民は時間制限なしで駐車できます。これは日本語の文章です。"),
        ("gb18030", "居民可以在其区域内无时间限制地停车。这是中文文本。"),
    ],
)
def test_legacy_encodings_are_found_by_statistics(encoding: str, text: str) -> None:
    long = "\n".join([text] * 3)
    assert read(long.encode(encoding)).text == long


def test_the_whole_file_is_decoded_though_only_its_start_is_judged() -> None:
    text = RUSSIAN * 40 + "Ёлка в конце."
    assert len(text) > 2 * 65_536
    assert read(text.encode("cp1251")).text == text


def test_the_charset_of_the_media_type_is_used() -> None:
    assert read("Łódź".encode("cp1250"), "a", "text/plain; charset=windows-1250").text == "Łódź"


def test_a_few_bad_bytes_do_not_turn_utf8_into_something_else() -> None:
    text = "Grüße aus Köln. " * 10
    assert read(text.encode() + b"\xff").text == text + "\ufffd"


def test_lone_surrogates_in_utf16_become_replacement_characters() -> None:
    raw = ("A lone " + "\ud800" + " half in a text that is long enough. " * 3).encode(
        "utf-16-le", "surrogatepass"
    )
    assert read(codecs.BOM_UTF16_LE + raw).text.startswith("A lone \ufffd half")


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\x1b\x07\x90b", "ab"),
        ("a\x00b", "ab"),
        ("a\ud800b", "a\ufffdb"),
        ("co\u00adop\u200bera\ufefftion", "cooperation"),
        ("1\u00a0000\u2009m\u3000x", "1 000 m x"),
        ("a \t\nb", "a\nb"),
        ("a\n \n\t\n\n\nb", "a\n\nb"),
        ("a\u2028b\u2029c\x0bd\x85e", "a\nb\n\nc\nd\ne"),
        ("a\tb", "a\tb"),
    ],
)
def test_cleaning(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


@pytest.mark.parametrize("kept", ["e\u0301", "\u202eabc\u202c", "👩\u200d🚀", "漢字かな", "ﬁ", "²"])
def test_cleaning_keeps_what_shapes_the_text(kept: str) -> None:
    assert clean(kept) == kept


def test_cleaning_a_long_run_of_blanks_takes_linear_time() -> None:
    assert clean("a" + " " * 2_000_000 + "b\n" + "\n" * 2_000_000)[-3:] == "b\n\n"


def test_hard_wrapped_lines_and_indents_stay() -> None:
    document = read("\n\nFirst line\nsecond line  \n\n\n\n    Zone A   Old Town\n    Zone B\n\n")
    assert document.text == "First line\nsecond line\n\n    Zone A   Old Town\n    Zone B"


def test_form_feeds_separate_pages() -> None:
    document = read("One.\n\nMore.\n\f\n\fThree.\n\f")
    assert document.text == "One.\n\nMore.\n\nThree."
    assert [(page.number, document.text[page.start : page.end]) for page in document.pages] == [
        (1, "One.\n\nMore.\n\n"),
        (3, "Three."),
    ]


def test_the_title_is_a_short_first_line_or_the_name() -> None:
    assert read("Parking Policy\n\nText.").title == "Parking Policy"
    assert read("x" * 121 + "\n\nText.", "some/folder/policy-2026.txt").title == "policy-2026"
    assert read("-----\nText.", "notes.txt").title == "notes"


def test_numbered_lines_and_capitals_that_stand_alone_are_headings() -> None:
    text = (
        "1. PURPOSE\n\nThis policy.\n\n2. Permits\n\n2.1 Visitors\n\nA visitor.\n\n"
        "ACTION ITEMS\n\nNone.\n\n3) Rates\n\nFree."
    )
    document = read(text)
    assert document.text == text
    assert headings(text) == [
        ("1. PURPOSE",),
        ("2. Permits",),
        ("2. Permits", "2.1 Visitors"),
        ("ACTION ITEMS",),
        ("3) Rates",),
    ]
    assert document.section_at(text.index("A visitor")) == ("2. Permits", "2.1 Visitors")
    assert document.text[document.sections[0].start :].startswith("1. PURPOSE")
    assert document.sections[-1].end == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "4.2 Visitors may park here.\n\nText.",
        "15 June 2024\n\nText.",
        "4. PARKING PERMITS\nText directly below.\n\nMore.",
        "1. Milk\n\n2. Bread\n\n3. Butter\n\nText.",
        "THE END",
        "NATO\n",
        "A.B.\n\nText.",
        "2.5 million people\n\nText.",
        "Dear Ms Farraday,\n\nText.",
        "NO PARKING HERE.\n\nText.",
        "4. " + "Very " * 20 + "long\n\nText.",
        "漢字\n\nText.",
    ],
)
def test_what_is_not_clearly_a_heading_is_none(text: str) -> None:
    assert headings(text) == []


def test_underlined_titles_are_headings_without_their_underlines() -> None:
    text = (
        "Guide\n=====\n\nIntro.\n\nSetup\n-----\nRun it.\n\nUse\n---\n\nText.\n\nEnd\n===\n\nBye."
    )
    document = read(text, "a.rst")
    assert document.text == "Guide\n\nIntro.\n\nSetup\n\nRun it.\n\nUse\n\nText.\n\nEnd\n\nBye."
    assert [section.path for section in document.sections] == [
        ("Guide",),
        ("Guide", "Setup"),
        ("Guide", "Use"),
        ("End",),
    ]


def test_a_title_between_two_lines_is_above_one_with_an_underline() -> None:
    assert headings("=====\nGuide\n=====\n\nUse\n=====\n\nText.") == [("Guide",), ("Guide", "Use")]


def test_an_underline_must_be_about_as_long_as_the_title() -> None:
    assert headings("Yours sincerely, Ann Example\n---\n\nText.") == []


def test_colours_of_a_terminal_are_left_out() -> None:
    assert read("\x1b[31mError:\x1b[0m disk full").text == "Error: disk full"


def test_the_same_bytes_give_an_equal_document() -> None:
    data = PROSE.encode()
    assert read(data) == read(data)


def test_bytes_in_no_encoding_are_refused() -> None:
    with pytest.raises(DocumentError):
        read(bytes(range(128, 160)) * 40 + bytes(range(1, 9)) * 40)
