import io
from urllib.request import urlopen

import numpy as np
import numpy.typing as npt
from browsing import Browse, kept
from PIL import Image
from playwright.sync_api import Page, expect
from serving import Served

Pixels = npt.NDArray[np.int64]

RENT = "£68,400 a year"

# A question with several answers.
POINTS = "How+many+Leaf+Points+do+I+need+for+a+voucher+at+Fern+%26+Fettle%3F"


def _pixels(png: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=np.int64)


def _marked(pixels: Pixels) -> npt.NDArray[np.bool_]:
    """Where the highlighter's colour is: far more red and green than blue."""
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    return (red > 200) & (green > 160) & (blue < 140)


def _dark(pixels: Pixels) -> npt.NDArray[np.bool_]:
    """Where print is."""
    return pixels[..., 0] < 110


def _drawn(page: Page) -> None:
    """Wait for the page's picture."""
    page.evaluate("document.querySelector('.sheet img').decode()")


def test_the_quote_is_marked_where_it_is_printed_on_the_page(
    browse: Browse, standing: Served
) -> None:
    document = standing.document("office-lease.pdf")
    page = browse().go(standing.view("office-lease.pdf", RENT))
    _drawn(page)
    expect(page.locator("#quote")).to_be_in_viewport()
    kept(page, "view")
    seen = _pixels(page.locator(".sheet figure").screenshot())
    height, width = seen.shape[:2]

    # The very picture that lies under the mark, by itself.
    source = page.locator(".sheet img").get_attribute("src")
    with urlopen(f"{standing.address}{source}") as drawn:  # noqa: S310 - our own
        picture = Image.open(io.BytesIO(drawn.read())).convert("RGB")
    alone = np.asarray(picture.resize((width, height)), dtype=np.int64)
    assert not _marked(alone).any()

    # What is marked is one block, as large as the citation's boxes say, and where they say.
    [page_of_document] = [one for one in document["pages"] if one["number"] == 1]
    assert page_of_document["start"] <= document["text"].index(RENT) < page_of_document["end"]
    rows, columns = np.nonzero(_marked(seen))
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    points = width / 595.2756
    told = [edge * points for edge in _boxes(page)]
    assert np.allclose([left, top, right, bottom], told, atol=3)

    # It lies on words, which can be read: the same print as without it, but for how a browser
    # makes a picture smaller. (The mark takes no red away.)
    inside = np.s_[top : bottom + 1, left : right + 1]
    assert _dark(alone[inside]).mean() > 0.08
    red = [pixels[inside][..., 0].ravel() for pixels in (seen, alone)]
    assert np.corrcoef(*red)[0, 1] > 0.9
    # And no words stand right before and after it that belong to the quote.
    assert not _dark(alone[top : bottom + 1, left - 3 : left]).any()


def _boxes(page: Page) -> tuple[float, float, float, float]:
    """The rectangle around the boxes that the page was given, in points."""
    found = page.locator("#quote rect").evaluate_all(
        "all => all.map(one => ['x', 'y', 'width', 'height'].map(name => +one.getAttribute(name)))"
    )
    return (
        min(x for x, _, _, _ in found),
        min(y for _, y, _, _ in found),
        max(x + width for x, _, width, _ in found),
        max(y + height for _, y, _, height in found),
    )


def test_the_boxes_are_those_of_the_citation(browse: Browse, standing: Served) -> None:
    question = "How+long+is+the+warranty+on+the+Corvella+Duo+58%3F"
    answer = standing.get(f"/v1/ask?q={question}")["answers"][0]
    citation = answer["citation"]
    page = browse().go(
        f"{standing.address}/view/default/{citation['document_id']}"
        f"?start={citation['start']}&end={citation['end']}"
    )
    left, top, right, bottom = _boxes(page)
    assert abs(left - min(box["left"] for box in citation["boxes"])) <= 1.51
    assert abs(top - min(box["top"] for box in citation["boxes"])) <= 1.01
    assert abs(right - max(box["right"] for box in citation["boxes"])) <= 1.51
    assert abs(bottom - max(box["bottom"] for box in citation["boxes"])) <= 1.01


def test_the_mark_stays_on_the_words_when_the_page_grows(browse: Browse, standing: Served) -> None:
    page = browse().go(standing.view("office-lease.pdf", RENT))
    _drawn(page)
    before = page.locator("#quote rect").first.bounding_box()
    page.get_by_role("link", name="200%").click()
    _drawn(page)
    after = page.locator("#quote rect").first.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["width"] / before["width"] - 2) < 0.05
    expect(page.locator("#quote")).to_be_in_viewport()
    seen = _pixels(page.locator("#quote rect").first.screenshot())
    assert _marked(seen).mean() > 0.4
    assert _dark(seen).mean() > 0.05


def test_one_turns_the_pages_and_comes_back(browse: Browse, standing: Served) -> None:
    page = browse().go(standing.view("office-lease.pdf", RENT))
    page.get_by_role("link", name="Page 2").click()
    expect(page.locator(".turns strong")).to_have_text("Page 2 of 5")
    expect(page.locator("#quote")).to_have_count(0)
    page.get_by_role("link", name="Back to the quote").click()
    expect(page.locator("#quote rect")).to_have_count(1)


def test_the_words_of_a_page_can_be_selected_where_they_stand(
    browse: Browse, standing: Served
) -> None:
    page = browse().go(standing.view("office-lease.pdf", RENT))
    _drawn(page)
    line = page.locator(".print text", has_text="£68,400").first
    box, marked = line.bounding_box(), page.locator("#quote rect").first.bounding_box()
    assert box is not None
    assert marked is not None
    assert abs(box["x"] - marked["x"]) < 4
    assert abs(box["y"] - marked["y"]) < 8
    line.select_text()
    assert "£68,400" in page.evaluate("String(getSelection())")


def test_a_page_whose_picture_is_not_to_be_had_is_set_from_its_text(
    browse: Browse, standing: Served
) -> None:
    window = browse()
    window.expected = {404}
    window.page.route("**/pages/*.png?*", lambda route: route.fulfill(status=404))
    page = window.go(standing.view("office-lease.pdf", RENT))
    expect(page.locator(".sheet")).to_have_class("sheet zoom-100 lost")
    seen = _pixels(page.locator("#quote rect").first.screenshot())
    assert _marked(seen).mean() > 0.3
    assert _dark(seen).mean() > 0.03
    kept(page, "view-lost")


def test_a_quote_in_a_text_is_marked_and_in_view(browse: Browse, standing: Served) -> None:
    quote = "26 days of paid leave"
    page = browse().go(standing.view("staff-handbook.md", quote))
    mark = page.locator("#quote")
    expect(mark).to_have_text(quote)
    expect(mark).to_be_in_viewport()
    assert _marked(_pixels(mark.screenshot())).mean() > 0.3
    expect(page.get_by_role("heading", name="2.1 Annual leave")).to_be_visible()
    kept(page, "view-text")


def test_one_goes_from_answer_to_answer(browse: Browse, standing: Served) -> None:
    page = browse().go(f"{standing.address}/?q={POINTS}")
    page.locator("a.source").first.click()
    page.wait_for_url("**/view/**")
    beside = page.locator("nav.beside")
    expect(beside).to_contain_text("Answer 1 of")
    first = page.locator("aside mark").inner_text()
    page.get_by_role("link", name="Next", exact=True).click()
    expect(beside).to_contain_text("Answer 2 of")
    assert page.locator("aside mark").inner_text() != first
    page.get_by_role("link", name="Previous", exact=True).click()
    expect(page.locator("aside mark")).to_have_text(first)


def test_a_quotation_is_copied_with_its_citation(browse: Browse, standing: Served) -> None:
    window = browse(permissions=["clipboard-read", "clipboard-write"])
    page = window.go(standing.view("office-lease.pdf", RENT))
    for name, holds in {
        "Quotation": f"“{RENT}”\n— Lease: Third Floor, Saltmarsh House",
        "Markdown": f"> {RENT}",
        "BibTeX": "@misc{",
        "Link": f"{standing.address}/view/default/",
    }.items():
        page.get_by_role("button", name=f"Copy {name}").click()
        expect(page.locator("#said")).to_have_text(f"{name} copied.")
        assert holds in page.evaluate("navigator.clipboard.readText()")
    # The link that was copied leads here.
    page.goto(page.evaluate("navigator.clipboard.readText()"))
    expect(page.locator("#quote rect")).to_have_count(1)


def test_without_scripts_the_quote_is_seen_and_quotations_can_be_selected(
    browse: Browse, standing: Served
) -> None:
    for ending, quote in (("office-lease.pdf", RENT), ("staff-handbook.md", "26 days")):
        page = browse(scripts=False).go(standing.view(ending, quote) + "#quote")
        expect(page.locator("#quote")).to_be_in_viewport()
        expect(page.get_by_role("button", name="Copy Markdown")).to_be_hidden()
        page.locator("summary", has_text="Markdown").click()
        expect(page.locator("#as-2")).to_contain_text(quote)
