"""Conditions on documents."""

import operator
import re
import time
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import InvalidFilter
from index.files import uri_path
from index.filters import EVERYTHING, MOST_CHARACTERS, OF_PLACES, Condition, parse
from index.store import DocumentSummary


def summary(
    uri: str = "file:///home/m/contracts/lease%20A.pdf",
    *,
    title: str = "Lease of Flat 7",
    media_type: str = "application/pdf",
    copies: tuple[str, ...] = (),
    **metadata: str,
) -> DocumentSummary:
    return DocumentSummary(
        id="0123456789abcdef",
        uri=uri,
        title=title,
        media_type=media_type,
        sha256="0" * 64,
        characters=1200,
        pages=4,
        passages=9,
        added_at="2026-03-02T09:14:07Z",
        copies=copies,
        metadata=metadata,
    )


def fits(document: DocumentSummary, *conditions: str) -> bool:
    return parse(conditions).fits(document)


LEASE = summary(
    author="Mara Larkfield", language="en", date="2024-05-17", version="10", Client="A=B"
)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("language=en", True),
        ("language=EN", True),
        (" language = en ", True),
        ("language=e", False),
        ("language!=en", False),
        ("language!=de", True),
        ("author~mara*", True),
        ("author~*field", True),
        ("author~mara", False),
        ("author~M?ra Larkfield", True),
        ("author~[a-m]ara *", True),
        ("author~[!a-m]ara *", False),
        ("client=a=b", True),
        ("CLIENT=A=B", True),
        ("title=lease of flat 7", True),
        ("title~*flat*", True),
        ("id=0123456789ABCDEF", True),
        ("unknown=x", False),
        ("unknown!=x", True),
        ("unknown~*", False),
        ("unknown>=0", False),
        ("unknown<=0", False),
    ],
)
def test_texts_are_compared_without_case(condition: str, expected: bool) -> None:
    assert fits(LEASE, condition) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("version>=9", True),
        ("version>=10.0", True),
        ("version>=10.5", False),
        ("version<=9", False),
        ("version=10.0", True),
        ("version!=10.00", False),
        ("version>=-3", True),
        ("pages>=4", True),
        ("pages<=3", False),
        ("characters<=1200", True),
        ("characters=1200", True),
    ],
)
def test_numbers_are_compared_as_numbers(condition: str, expected: bool) -> None:
    assert fits(LEASE, condition) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("date>=2024", True),
        ("date<=2024", True),
        ("date>=2024-05", True),
        ("date<=2024-05", True),
        ("date<=2024-04", False),
        ("date>=2024-06", False),
        ("date>=2024-05-17", True),
        ("date<=2024-05-16", False),
        ("date~2024-*", True),
        ("added>=2026-03-02", True),
        ("added<=2026-03-02", True),
        ("added<=2026-03-02T09:00", False),
        ("added<=2026-03-01", False),
    ],
)
def test_dates_are_compared_as_far_as_the_condition_states_them(
    condition: str, expected: bool
) -> None:
    assert fits(LEASE, condition) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("path=/home/m/contracts/lease A.pdf", True),
        ("path=lease a.pdf", True),
        ("path=contracts/lease A.pdf", True),
        ("path=racts/lease A.pdf", False),
        ("path=/contracts/lease A.pdf", False),
        ("path~*.pdf", True),
        ("path~contracts/*", True),
        ("path~m/*/lease*", True),
        ("path~/home/*", True),
        ("path~/contracts/*", False),
        ("path~ease*", False),
        ("path!=lease A.pdf", False),
        ("path!=lease B.pdf", True),
        ("uri=file:///home/m/contracts/lease%20A.pdf", True),
        ("uri~https:*", False),
    ],
)
def test_paths_may_begin_at_any_folder(condition: str, expected: bool) -> None:
    assert fits(LEASE, condition) is expected


def test_any_place_of_a_document_may_fit() -> None:
    document = summary(copies=("file:///archive/2019/old.pdf", "upload:sent%20in.zip!/a/b.txt"))
    for condition in ("path~2019/*", "path=old.pdf", "uri~upload:*", "path~upload:sent in.zip!/*"):
        assert fits(document, condition)
    assert not fits(document, "path!=old.pdf")
    assert fits(document, "path~2019/*", "path~contracts/*")
    assert not fits(document, "path~2018/*")


@pytest.mark.parametrize(
    ("media_type", "named"),
    [
        ("application/pdf", ["pdf", "PDF", "application/pdf"]),
        ("text/markdown", ["md", "markdown", "text/markdown"]),
        ("text/html", ["html", "htm", "text/html"]),
    ],
)
def test_a_type_is_a_media_type_or_an_ending(media_type: str, named: list[str]) -> None:
    document = summary(media_type=media_type)
    assert [fits(document, f"type={name}") for name in named] == [True] * len(named)
    assert not fits(document, "type=docx")
    assert fits(document, "type~*/*")


def test_a_key_of_the_users_own_counts_beside_one_of_ours() -> None:
    document = summary(type="invoice", pages="12")
    assert fits(document, "type=invoice")
    assert fits(document, "type=pdf")
    assert fits(document, "pages=12", "pages=4")


def test_all_conditions_must_hold() -> None:
    assert fits(LEASE, "language=en", "date>=2024", "path~*.pdf")
    assert not fits(LEASE, "language=en", "date>=2025", "path~*.pdf")
    assert fits(LEASE)
    assert not EVERYTHING
    assert str(parse(["a=b", "c ~ d*"])) == "a=b, c~d*"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "'' is not understood; write KEY=VALUE"),
        ("language", "'language' is not understood"),
        ("=de", "'=de' is not understood"),
        ("pages>4", "'pages>4' is not understood"),
        ("a<b", "'a<b' is not understood"),
        ("!=x", "'!=x' is not understood"),
        ("  =x", "'  =x' is not understood"),
        ("language=", "'language=' has nothing after =; give it a value"),
        ("date>=  ", "'date>=  ' has nothing after >=; give it a value"),
        ("a=" + "b" * MOST_CHARACTERS, "a filter has 1,002 characters, at most 1,000 are taken"),
    ],
)
def test_what_is_no_condition_is_refused_with_what_to_write(text: str, found: str) -> None:
    with pytest.raises(InvalidFilter, match=re.escape(found)) as caught:
        parse(["language=de", text])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [" " * MOST_CHARACTERS, " " * (MOST_CHARACTERS - 1) + "!"])
def test_blanks_take_no_time(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(InvalidFilter, match="is not understood"):
        parse([text])
    assert time.process_time() - begun < 0.1


BLANKS = st.text(" \t\n\u00a0", max_size=3)


@given(BLANKS, BLANKS, BLANKS, BLANKS, st.sampled_from(["=", "!=", ">=", "<=", "~"]))
def test_blanks_around_key_and_value_do_not_count(
    first: str, second: str, third: str, last: str, sign: str
) -> None:
    [condition] = parse([f"{first}the key{second}{sign}{third}a = b{last}"]).conditions
    assert condition == Condition("the key", sign, "a = b")


TEXT = st.text(st.characters(), max_size=30)


@given(st.lists(TEXT, max_size=3), TEXT, TEXT, st.dictionaries(TEXT, TEXT, max_size=3))
def test_any_text_is_a_filter_or_refused(
    conditions: list[str], uri: str, title: str, metadata: dict[str, str]
) -> None:
    document = summary(uri, title=title, copies=(title,), **metadata)
    try:
        found = parse(conditions)
    except InvalidFilter:
        return
    assert isinstance(found.fits(document), bool)


OPERATORS = st.sampled_from(["=", "!=", ">=", "<=", "~"])


@given(OPERATORS, st.text("a1*?[]-./!", min_size=1, max_size=12), st.text("a1./", max_size=20))
def test_a_document_fits_a_condition_or_its_opposite(sign: str, value: str, given: str) -> None:
    document = summary(key=given)
    if value.strip():
        holds = fits(document, f"key={value}")
        assert fits(document, f"key!={value}") is not holds
        if sign in (">=", "<="):
            assert fits(document, f"key>={value}") or fits(document, f"key<={value}")
    assert fits(document, "key~*")
    assert fits(document, f"key={given}") if given.strip() == given != "" else True


@given(st.integers(-(10**30), 10**30), st.integers(-(10**30), 10**30))
def test_numbers_are_ordered_exactly(value: int, bound: int) -> None:
    for sign, expected in ((">=", operator.ge), ("<=", operator.le), ("=", operator.eq)):
        assert fits(summary(key=str(value)), f"key{sign}{bound}") is expected(value, bound)


@given(st.dates(), st.dates())
def test_dates_are_ordered_as_dates(value: object, bound: object) -> None:
    for sign, expected in ((">=", operator.ge), ("<=", operator.le)):
        assert fits(summary(date=f"{value}T10:00"), f"date{sign}{bound}") is expected(value, bound)


def test_patterns_made_to_be_slow_are_not() -> None:
    document = summary(title="a" * 20_000)
    assert not fits(document, f"title~{'*a' * 200}b")
    assert fits(document, f"title~{'*a' * 200}")


def test_what_fits_is_selected_in_order() -> None:
    documents = [summary(f"test:{n}", number=str(n)) for n in range(20)]
    found = parse(["number>=5", "number!=7", "number<=9"]).select(documents)
    assert [document.uri for document in found] == ["test:5", "test:6", "test:8", "test:9"]


names = st.text("ab é%#?.\n/\\:", max_size=4)


@given(parts=st.lists(names, max_size=4))
def test_the_path_of_a_file_is_the_one_its_uri_names(parts: list[str]) -> None:
    for uri in (
        "file:///" + quote("/".join(parts)),
        "file:///" + "/".join(parts),
        "file://host/" + quote("/".join(parts)),
    ):
        path = uri_path(uri)
        value = unquote(uri) if path is None else path.as_posix()
        assert OF_PLACES["path"](uri) == value
