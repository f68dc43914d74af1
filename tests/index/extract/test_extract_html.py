"""HTML: what is shown to a reader is kept, in the shape in which it is shown."""

import pytest

from index.documents import Document
from index.extract import extract


def read(body: str, name: str = "a.html") -> Document:
    return extract(body.encode(), uri=f"file:///{name}", name=name)


def text(body: str) -> str:
    return read(f"<!DOCTYPE html><body>{body}").text


@pytest.mark.parametrize(
    "element",
    [
        "<script>BAD</script>",
        "<style>BAD</style>",
        "<noscript>BAD</noscript>",
        "<template>BAD</template>",
        "<nav>BAD</nav>",
        "<svg><text>BAD</text></svg>",
        "<iframe>BAD</iframe>",
        "<object>BAD</object>",
        "<button>BAD</button>",
        "<select><option>BAD</option></select>",
        "<textarea>BAD</textarea>",
        "<input value=BAD>",
        "<p hidden>BAD</p>",
        "<p aria-hidden=true>BAD</p>",
        "<p style='color: red; Display : none'>BAD</p>",
        "<header>BAD</header>",
        "<footer>BAD</footer>",
        "<aside>BAD</aside>",
        "<div><header>BAD</header></div>",
        "<div role=navigation>BAD</div>",
        "<div role=banner>BAD</div>",
        "<div role=contentinfo>BAD</div>",
        "<div role=complementary>BAD</div>",
        "<div role=search>BAD</div>",
        "<main><nav>BAD</nav></main>",
        "<!-- BAD -->",
    ],
)
def test_what_is_not_content_is_dropped(element: str) -> None:
    assert text(f"<p>Before.</p>{element}<p>After.</p>") == "Before.\n\nAfter."


@pytest.mark.parametrize("around", ["article", "main", "section"])
@pytest.mark.parametrize("element", ["header", "footer", "aside"])
def test_headers_and_footers_of_a_part_of_the_page_stay(around: str, element: str) -> None:
    assert text(f"<{around}><{element}>Kept.</{element}></{around}>") == "Kept."


def test_an_aside_next_to_an_article_is_dropped_and_one_inside_it_stays() -> None:
    body = "<main><article>A<aside>B</aside></article><aside>BAD</aside></main>"
    assert text(body) == "A\n\nB"


def test_a_page_header_with_the_only_h1_stays() -> None:
    document = read("<html><body><header><h1>Guide</h1><nav>BAD</nav></header><p>Text.</p>")
    assert document.text == "Guide\n\nText."
    assert [section.path for section in document.sections] == [("Guide",)]


def test_a_page_header_goes_when_the_page_has_another_h1() -> None:
    body = "<html><header><h1>Brand</h1></header><main><h1>Guide</h1><p>Text.</p></main>"
    assert read(body).text == "Guide\n\nText."


def test_a_page_with_everything_in_odd_places_is_read_whole() -> None:
    assert text("<nav>Only <b>here</b>.</nav><script>BAD</script>") == "Only here."


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<b>a</b> <i>b</i>", "a b"),
        ("<b>a</b><i>b</i>", "ab"),
        ("a <b> b</b>", "a b"),
        ("a\n   <b>\tb </b>  c", "a b c"),
        ("a<span> </span>b", "a b"),
        ("a&nbsp;b &amp; c &lt;d&gt; &eacute;", "a b & c <d> é"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("a<br><br>b", "a\n\nb"),
        ("<p>a<p>b<div>c</div>d", "a\n\nb\n\nc\n\nd"),
        ("<div>a<section>b</section></div>c", "a\n\nb\n\nc"),
        ("co&shy;op a&#8203;b", "coop ab"),
        ("a<!-- x -->b", "ab"),
        ("see <img alt='the map' src=x> here", "see the map here"),
        ("see <img alt='' src=x> here", "see here"),
        ("see <img alt='IMG_12.jpg' src=x> here", "see here"),
        ("see <img alt=Image src=x> here", "see here"),
        ("<pre>a  b\n   c\n\n\n\nd</pre>", "a  b\n   c\n\nd"),
        ("<p>x</p><pre>\na</pre>y", "x\n\na\n\ny"),
        ("<dl><dt>Term<dd>Meaning<dt>Other<dd>Sense</dl>", "Term\nMeaning\n\nOther\nSense"),
    ],
)
def test_white_space_is_as_in_a_browser(body: str, expected: str) -> None:
    assert text(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>x</p><ul><li>a<li>b</ul><p>y", "x\n\n- a\n- b\n\ny"),
        ("<ol><li>a</li> <li>b</li></ol>", "1. a\n2. b"),
        ("<ol start=4><li>a<li value=9>b<li>c</ol>", "4. a\n9. b\n10. c"),
        ("<ul><li>a<ul><li>b<ol><li>c</ol></ul><li>d</ul>", "- a\n  - b\n    1. c\n- d"),
        ("<ul><li><p>a</p></li><li><p>b</p></li></ul>", "- a\n- b"),
        ("<ul><li><p>a</p><p>b</p></li><li>c</li></ul>", "- a\n\nb\n\n- c"),
        ("<ul><li><div>a</div><div>b</div></li></ul>", "- a\n  b"),
        ("<ul><li></li><li>a</li></ul>b", "- a\n\nb"),
        ("<ul><li>a</ul><ul><li>b</ul>", "- a\n\n- b"),
    ],
)
def test_lists_have_a_line_for_each_item(body: str, expected: str) -> None:
    assert text(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "x<table><caption>Rates</caption><tr><th>Zone<th>Rate<tr><td>A<td>4 EUR</table>y",
            "x\n\nRates\n\nZone | Rate\nZone: A | Rate: 4 EUR\n\ny",
        ),
        ("<table><tr><td>a<td><td>c<tr><td>d<td><td>f</table>", "a | c\nd | f"),
        ("<table><tr><td>a<td><td>c<tr><td>d<td>e<td>f</table>", "a | c\nd | e | f"),
        ("<table><tr><td>a<br>b<td><p>c</p><p>d</p></table>", "a b | c d"),
        (
            "<table><thead><tr><td>Name<td>Role<tbody><tr><td>Ann<td>Lead</table>",
            "Name | Role\nName: Ann | Role: Lead",
        ),
        (
            "<table><tr><th>Rain<td>often<td>rarely<tr><th>Snow<td>some<td>none</table>",
            "Rain: often | rarely\nSnow: some | none",
        ),
        (
            (
                "<table><tr><th rowspan=2>City<th colspan=2>Sales<tr><th>2023<th>2024"
                "<tr><td>Oslo<td>5<td>6</table>"
            ),
            "City | Sales\nCity | 2023 | 2024\nCity: Oslo | Sales 2023: 5 | Sales 2024: 6",
        ),
        (
            "<table><tr><th>Region<th>City<tr><td rowspan=0>North<td>Oslo<tr><td>Bodø</table>",
            "Region | City\nRegion: North | City: Oslo\nRegion: North | City: Bodø",
        ),
        ("<table><tr><td><p>A paragraph.</p><p>Another.</p></table>", "A paragraph.\n\nAnother."),
        (
            "<table><tr><td>menu<td><table><tr><td>a<td>b</table><p>Text.</p></table>",
            "menu\n\na | b\n\nText.",
        ),
        ("<table><tr><td>side<td><h2>Head</h2>Text.</table>", "side\n\nHead\n\nText."),
    ],
)
def test_tables_have_a_line_for_each_row(body: str, expected: str) -> None:
    assert text(body) == expected


def test_headings_give_nested_sections() -> None:
    document = read(
        "<html>Before.<h1>A <i>guide</i></h1>x<h3>Deep</h3>y<h2>Next<br>line</h2>z<h1>B</h1>end"
    )
    found = [
        (section.path, document.text[section.start : section.end]) for section in document.sections
    ]
    assert found == [
        (("A guide",), "A guide\n\nx\n\n"),
        (("A guide", "Deep"), "Deep\n\ny\n\n"),
        (("A guide", "Next line"), "Next line\n\nz\n\n"),
        (("B",), "B\n\nend"),
    ]
    assert document.section_at(0) == ()


def test_the_title_is_the_page_s_or_the_first_h1_or_the_name() -> None:
    assert read("<html><title> The\n Guide </title><h1>Head</h1>x").title == "The Guide"
    assert read("<html><h2>Sub</h2><h1>Head</h1>x").title == "Head"
    assert read("<html><p>x", "dir/page.html").title == "page"


def test_metadata() -> None:
    document = read(
        "<html lang=de><meta name=Author content='Ann  Example'><meta name=description content=d>"
        "<meta property=article:published_time content=2026-01-02\x1b><meta name=x content=y>"
        "<meta property=article:modified_time content=2026-02-03>"
        "<meta name=keywords content='a, b'>"
        "<p>x"
    )
    assert document.metadata == {
        "language": "de",
        "author": "Ann Example",
        "description": "d",
        "date": "2026-01-02",
        "modified": "2026-02-03",
        "keywords": "a, b",
    }


def test_the_charset_of_a_meta_element_is_used() -> None:
    page = "<html><meta charset='iso-8859-2'><p>Łódź, Kraków</p>"
    document = extract(page.encode("iso-8859-2"), uri="x", name="a.html")
    assert document.text == "Łódź, Kraków"


def test_a_page_in_utf16_is_read_whatever_its_meta_element_says() -> None:
    page = "<html><meta charset='iso-8859-1'><p>Köln</p>"
    assert extract(page.encode("utf-16"), uri="x", name="a.html").text == "Köln"


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        "<div>" * 100_000 + "deep",
        "<div>" * 100_000 + "deep" + "</div>" * 100_000,
        "<ul><li>" * 50_000 + "deep",
        "<table><tr><td>" * 50_000 + "deep",
        "".join(f"<b class=x{number}>" for number in range(20_000)) + "<p>x" * 20_000 + "deep",
        "<p " + "a=1 b " * 200_000 + ">deep",
        "deep" + "<" * 2_000_000,
        "<x-y>" * 50_000 + "deep",
        "deep" + "<script" * 200_000,
        "deep" + "<script>" * 200_000,
        "deep" + "<script></scrip" * 100_000,
        "deep" + "<!--" * 200_000,
        "deep" + "<!-- --" * 200_000,
        "deep" + "<a b=\"'" * 100_000,
        "deep" + "<a b='x\"" * 100_001,
        "deep" + "<a =" + '="" ' * 500_000,
        "<table>" + "<tr><td rowspan=65534 colspan=1000>a<td>b" * 2_000 + "</table>deep",
        "<table><tr>" + "<th>x" * 20_000 + "<tr><td>1" * 20_000 + "</table>deep",
    ],
)
def test_hostile_markup_is_read_in_a_moment(body: str) -> None:
    document = read(f"<html><body>{body}")
    assert "deep" in document.text


def test_words_and_blocks_stay_apart_where_the_nesting_is_cut() -> None:
    deep = "<div>" * 600 + "a<div>b</div>c <b>d</b>e" + "</div>" * 600
    assert text(deep) == "a\n\nb\n\nc de"


def test_ordinary_pages_with_many_unclosed_paragraphs_keep_their_shape() -> None:
    items = "<p>one <font color=red>two</font><ul><li>x<li>y</ul><img src=a><br>" * 2_000
    assert text(items).split("\n\n")[-2:] == ["one two", "- x\n- y"]


@pytest.mark.parametrize(
    "before",
    [
        "<script>" + "if(a<b)c();" * 600 + "</script>",
        "<p>Before.</p><script>" + "if(a<b)c();" * 600 + "</script>",
        "<STYLE>" + "/* <a */" * 600 + "</Style >",
        "<!-- " + "<div>" * 600 + " --><script>var leak = 1;</script>",
        "<!-- " + "<div>" * 600 + " --!><script>var leak = 1;</script>",
        "<!--><!---><script>var leak = 1;</script>" + "<!-- <x> -->" * 600,
        "".join(f"<p title='{number} <x>'></p>" for number in range(600)),
        "".join(f'<a href=x data-a = "{number} > <x>"></a>' for number in range(600)),
        "<textarea>" + "<div>" * 600 + "</textarea>",
        "<iframe>" + "<div>" * 600 + "</iframe>",
        "<math>" + "<mspace width='1'/>" * 600 + "</math>",
        "<svg>" + "<feFlood result='a'/><animateTransform/>" * 300 + "</svg>",
    ],
)
def test_only_elements_that_are_open_count_as_nested(before: str) -> None:
    page = f"{before}<h1>Warranty</h1><p>36 months<table><tr><td>a<td>b</table>"
    document = read(page)
    assert document.text.removeprefix("Before.\n\n") == "Warranty\n\n36 months\n\na | b"
    assert [section.path for section in document.sections if section.path] == [("Warranty",)]


def test_scripts_below_the_deepest_element_are_no_text() -> None:
    scripts = "<div>" * 600 + "a<script>if(a<b)leak()</script>b<style>x{}</style>c"
    assert text(scripts) == "abc"
