"""What holds for every page: who reads it by ear, by hand, in the dark, on a phone."""

import pytest
from browsing import Browse, kept, violations
from serving import Served

PAGES = {
    "start": "/",
    "answers": "/?q=How+long+is+the+warranty+on+the+Corvella+Duo+58%3F",
    "narrowed": "/?q=How+much+is+the+rent%3F&type=application/pdf&where=language%3Den",
    "silent": "/?q=What+is+the+population+of+Mars%3F",
    "documents": "/documents",
    "admin": "/admin",
    "nowhere": "/nowhere",
    "wrong": "/?q=x&where=nonsense",
}
# The first paint may need so many bytes over the wire.
MOST_BYTES = 150_000


def _addresses(standing: Served) -> dict[str, str]:
    deposit = "&q=How+much+is+the+deposit%3F&n=1"
    return {name: standing.address + path for name, path in PAGES.items()} | {
        "printed": standing.view("office-lease.pdf", "£68,400 a year", deposit),
        "text": standing.view("staff-handbook.md", "26 days of paid leave"),
        "removal": f"{standing.address}/documents/{standing.document('faq.html')['id']}/remove",
    }


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_on_any_page(browse: Browse, standing: Served, dark: bool) -> None:
    window = browse(dark=dark)
    window.expected = {404, 422}
    found = {}
    for name, address in _addresses(standing).items():
        page = window.go(address)
        found[name] = violations(page)
        kept(page, f"{name}-{'dark' if dark else 'light'}", full=True)
    assert not any(found.values()), "\n".join(found.values())


def test_no_page_is_wider_than_a_phone(browse: Browse, standing: Served) -> None:
    window = browse(phone=True)
    window.expected = {404, 422}
    for name, address in _addresses(standing).items():
        page = window.go(address)
        width = page.evaluate("document.documentElement.scrollWidth")
        kept(page, f"{name}-phone", full=True)
        assert width <= 390, name


@pytest.mark.parametrize("name", ["start", "answers", "documents", "printed"])
def test_the_first_paint_needs_few_bytes(browse: Browse, standing: Served, name: str) -> None:
    window = browse()
    wire = window.context.new_cdp_session(window.page)
    wire.send("Network.enable")
    sizes: dict[str, int] = {}
    names: dict[str, str] = {}
    wire.on(
        "Network.responseReceived",
        lambda event: names.update({event["requestId"]: event["response"]["url"]}),
    )
    wire.on(
        "Network.loadingFinished",
        lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}),
    )
    window.go(_addresses(standing)[name])
    # The picture of a printed page comes after what is painted first.
    first = {
        names[one]: size for one, size in sizes.items() if one in names and ".png" not in names[one]
    }
    assert any(address.endswith(".css") for address in first)
    total = sum(first.values())
    print(f"{name}: {total:,} bytes in {len(first)} files")
    assert total <= MOST_BYTES
