from browsing import Browse, kept
from playwright.sync_api import Page, Route, expect
from serving import Served

LEAVE = "How many days of paid leave do full-time staff get?"
WARRANTY = "How long is the warranty on the Corvella Duo 58?"
SILENT = "What is the population of Mars?"

# Keeps what the page says while answers come.
_LISTEN = """
addEventListener("DOMContentLoaded", () => {
  const status = document.querySelector("#status");
  window.said = [];
  new MutationObserver(() => window.said.push(status.textContent))
    .observe(status, { childList: true, characterData: true, subtree: true });
});
"""


def _ask(page: Page, question: str) -> None:
    page.get_by_role("searchbox", name="Your question").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#results")).to_have_attribute("aria-busy", "false")


def test_a_question_is_answered_with_the_quote_marked_and_its_source(
    browse: Browse, standing: Served
) -> None:
    page = browse().go(standing.address)
    expect(page.locator("#q")).to_be_focused()
    kept(page, "start")
    _ask(page, LEAVE)
    first = page.locator("li.answer").first
    expect(first.locator("mark")).to_have_text("26")
    expect(first).to_contain_text("Full-time staff receive 26 days of paid leave a year")
    expect(first.locator(".sure")).to_contain_text("% confidence")
    expect(first.locator("a.source")).to_have_text("Larkfield & Moss Staff Handbook")
    assert page.url.startswith(f"{standing.address}/?q=How+many+days")
    assert page.title().startswith(LEAVE)
    kept(page, "ask")
    first.locator("a.source").click()
    expect(page.locator("#quote")).to_have_text("26")
    page.go_back()
    expect(page.locator("li.answer mark").first).to_have_text("26")


def test_answers_arrive_while_the_reading_goes_on(browse: Browse, standing: Served) -> None:
    window = browse()
    window.page.add_init_script(_LISTEN)
    page = window.go(standing.address)
    # Asked nowhere else: a reply that was kept comes at once.
    _ask(page, "How long does the warranty on the Corvella Duo 58 last?")
    said = page.evaluate("window.said")
    on_the_way = [one for one in said if one.startswith("Reading: ")]
    assert len(on_the_way) >= 2
    assert any("So far" in one for one in on_the_way)
    assert "The likeliest: “36 months”" in said[-1]
    # They are told to a screen reader as they come.
    expect(page.locator("#status")).to_have_attribute("role", "status")


def test_what_is_pressed_is_not_replaced_before_it_is_let_go(
    browse: Browse, standing: Served
) -> None:
    page = browse().go(standing.address)
    _ask(page, LEAVE)
    mark = page.locator("li.answer mark").first
    expect(mark).to_have_text("26")
    mark.dispatch_event("pointerdown")
    # All at once, so that with the response all has come.
    page.route("**/ask/stream*", lambda route: route.fulfill(response=route.fetch()))
    with page.expect_response("**/ask/stream*"):
        page.locator("#q").fill(WARRANTY)
        page.locator("#q").press("Enter")
    # What has come would be drawn by now.
    page.evaluate("new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")
    assert mark.text_content() == "26"
    mark.dispatch_event("pointerup")
    expect(mark).to_have_text("36 months")
    expect(page.locator("#results")).to_have_attribute("aria-busy", "false")


def test_where_the_documents_do_not_say_the_nearest_passages_are_shown(
    browse: Browse, standing: Served
) -> None:
    page = browse().go(standing.address)
    _ask(page, SILENT)
    expect(page.get_by_role("heading", name="The documents do not say")).to_be_visible()
    expect(page.locator("ol.passages > li")).to_have_count(3)
    expect(page.locator("li.answer")).to_have_count(0)
    kept(page, "silent")


def test_all_is_done_with_the_keyboard(browse: Browse, standing: Served) -> None:
    page = browse().go(f"{standing.address}/documents")
    keyboard = page.keyboard
    # The first key leads past what stands on top of every page.
    keyboard.press("Tab")
    expect(page.locator("a.skip")).to_be_focused()
    keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    keyboard.type(WARRANTY)
    keyboard.press("Enter")
    expect(page.locator("#results")).to_have_attribute("aria-busy", "false")
    keyboard.press("Escape")
    answers = page.locator("li.answer")
    keyboard.press("j")
    expect(answers.nth(0)).to_be_focused()
    keyboard.press("ArrowDown")
    expect(answers.nth(1)).to_be_focused()
    keyboard.press("k")
    expect(answers.nth(0)).to_be_focused()
    keyboard.press("Enter")
    page.wait_for_url("**/view/**")
    expect(page.locator("nav.beside")).to_contain_text("Answer 1 of 3")
    keyboard.press("j")
    expect(page.locator("nav.beside")).to_contain_text("Answer 2 of 3")
    keyboard.press("k")
    expect(page.locator("nav.beside")).to_contain_text("Answer 1 of 3")
    # From everywhere, one key leads to a question.
    keyboard.press("/")
    page.wait_for_url(f"{standing.address}/")
    expect(page.locator("#q")).to_be_focused()


def test_going_back_leads_to_the_question_before(browse: Browse, standing: Served) -> None:
    page = browse().go(standing.address)
    _ask(page, LEAVE)
    _ask(page, SILENT)
    expect(page.get_by_role("heading", name=SILENT)).to_have_count(1)
    page.go_back()
    expect(page.locator("li.answer mark").first).to_have_text("26")
    expect(page.locator("#q")).to_have_value(LEAVE)
    # To skip to the content loads nothing anew.
    page.evaluate("window.same = true")
    page.locator("a.skip").focus()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    assert page.evaluate("window.same") is True


def test_what_has_the_focus_is_seen(browse: Browse, standing: Served) -> None:
    page = browse().go(f"{standing.address}/documents")
    for _ in range(8):
        page.keyboard.press("Tab")
        tag, outline, shadow = page.evaluate(
            "(({tagName}, {outlineStyle, boxShadow}) => [tagName, outlineStyle, boxShadow])"
            "(document.activeElement, getComputedStyle(document.activeElement))"
        )
        assert tag != "BODY"
        assert outline != "none" or shadow != "none", tag


def test_a_question_is_narrowed_to_a_type(browse: Browse, standing: Served) -> None:
    page = browse().go(standing.address)
    page.get_by_text("Narrow").click()
    page.get_by_label("Type").select_option("PDF")
    _ask(page, LEAVE)
    assert "type=application%2Fpdf" in page.url
    for file in page.locator("#results .file").all():
        expect(file).to_contain_text(".pdf")


def test_a_verdict_is_kept(browse: Browse, own: Served) -> None:
    page = browse().go(f"{own.address}/?q=How+much+is+the+deposit%3F")
    page.get_by_role("button", name="Answer 1 is right").click()
    expect(page.locator("li.answer").first).to_contain_text("Noted as right")
    [kept_verdict] = own.get("/v1/feedback")["feedback"]
    assert kept_verdict["right"] is True
    assert kept_verdict["question"] == "How much is the deposit?"


def test_without_scripts_a_question_is_answered_and_its_quote_shown(
    browse: Browse, standing: Served
) -> None:
    page = browse(scripts=False).go(standing.address)
    page.locator("#q").fill(LEAVE)
    page.locator("#q").press("Enter")
    page.wait_for_url("**/?q=**")
    expect(page.locator("li.answer mark").first).to_have_text("26")
    page.locator("li.answer a.source").first.click()
    expect(page.locator("#quote")).to_be_in_viewport()


def test_what_stands_in_the_way_is_said(browse: Browse, standing: Served) -> None:
    window = browse()
    window.expected = {503}
    page = window.go(standing.address)

    def busy(route: Route) -> None:
        detail = "there is more to do than can be done just now; try again in 7 s"
        route.fulfill(status=503, json={"detail": detail}, content_type="application/problem+json")

    page.route("**/ask/stream?*", busy)
    _ask(page, LEAVE)
    expect(page.get_by_role("alert")).to_contain_text("try again in 7 s")
    page.unroute("**/ask/stream?*")
    page.get_by_text("Narrow").click()
    page.get_by_label("Condition").fill("nonsense")
    _ask(page, LEAVE)
    expect(page.get_by_role("alert")).to_contain_text("the filter 'nonsense' is not understood")
    page.get_by_label("Condition").fill("")
    _ask(page, LEAVE)
    expect(page.locator("li.answer mark").first).to_have_text("26")


def test_a_server_that_is_gone_is_said(browse: Browse, standing: Served) -> None:
    window = browse()
    page = window.go(standing.address)
    page.route("**/ask/stream?*", lambda route: route.abort())
    _ask(page, LEAVE)
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    window.wrong = [one for one in window.wrong if "ERR_FAILED" not in one]
