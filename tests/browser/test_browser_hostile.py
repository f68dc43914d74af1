"""A document that would like to be more than text, seen on every page that shows it."""

from urllib.parse import quote

from browsing import Browse, kept
from playwright.sync_api import expect
from serving import Served

_ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)>"
_NAME = "</title><script>alert(4)</script>\u202egpj.txt"
_TEXT = (
    f"{_ATTACK}\n\n"
    "The vault of Sarn holds 4711 crates {{ 7 * 7 }} ${7*7} </p></blockquote></main> "
    "\u202edetrever\u202c javascript:alert(5).\n\n"
    '<a href="https://elsewhere.example/">out</a> <style>*{display:none}</style>\n'
)
_QUESTION = "How many crates does the vault of Sarn hold?"


def test_a_hostile_document_is_text_on_every_page(browse: Browse, own: Served) -> None:
    window = browse()
    page = window.go(f"{own.address}/documents")
    page.get_by_label("Choose files").set_input_files(
        {"name": _NAME, "mimeType": "text/plain", "buffer": _TEXT.encode()}
    )
    expect(page.locator("#progress .state")).to_have_text("added")
    expect(page.locator("#progress .name")).to_have_text(_NAME)
    page.goto(own.address)
    page.locator("#q").fill(_QUESTION)
    page.locator("#q").press("Enter")
    answer = page.locator("li.answer").first
    expect(answer.locator("mark")).to_contain_text("4711")
    expect(answer).to_contain_text("{{ 7 * 7 }} ${7*7} </p></blockquote></main>")
    # What would turn the writing round is spelt out.
    expect(answer).to_contain_text("\\u202edetrever\\u202c")
    kept(page, "hostile")
    answer.locator("a.source").click()
    expect(page.locator("#quote")).to_contain_text("4711")
    expect(page.locator(".source > .text")).to_contain_text(_ATTACK)
    for path in ("/documents", f"/?q={quote(_QUESTION)}", f"/?q={quote(_ATTACK)}", "/admin"):
        window.go(own.address + path)
        assert page.locator("main script, main img[src=x], main svg[onload]").count() == 0
        assert page.evaluate("document.querySelector('main').offsetHeight") > 100
        assert "\u202e" not in page.content()
    # Nothing ran, nothing was asked for elsewhere, nothing was refused: see Browsing.wrong.
