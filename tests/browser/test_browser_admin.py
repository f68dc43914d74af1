import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Browse, kept, violations
from playwright.sync_api import Page, expect
from serving import Served, command, serving


@pytest.fixture
def key(copied: Path) -> str:
    """An admin's key for the server to come."""
    said = command("keys", "create", "mara", "--scope", "admin", "--index", str(copied), "--json")
    return str(json.loads(said)["key"])


@pytest.fixture
def locked(copied: Path, key: str) -> Iterator[Served]:
    """A server that asks for keys."""
    with serving(copied) as served:
        yield served


def _sign_in(page: Page, key: str) -> None:
    page.get_by_label("Your key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def test_one_signs_in_with_a_key_and_out_again(browse: Browse, locked: Served, key: str) -> None:
    window = browse()
    window.expected = {401}
    page = window.go(f"{locked.address}/?q=How+long+is+the+lease%3F")
    assert page.url.startswith(f"{locked.address}/login?next=")
    kept(page, "login")
    assert violations(page) == ""
    _sign_in(page, "pincite_wrong")
    expect(page.get_by_role("alert")).to_contain_text("not a whole key")
    _sign_in(page, key)
    expect(page.locator("li.answer").first).to_be_visible()
    assert "q=How+long" in page.url
    # The key stays out of reach of scripts, and of the page's addresses.
    assert page.evaluate("document.cookie") == ""
    assert key not in page.content()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")
    page.goto(f"{locked.address}/documents")
    assert "/login?next=" in page.url


def test_a_link_from_elsewhere_opens_in_the_session(
    browse: Browse, locked: Served, key: str
) -> None:
    window = browse()
    page = window.go(locked.address)
    _sign_in(page, key)
    expect(page.locator("#q")).to_be_visible()
    page.goto("about:blank")
    page.set_content(f'<a href="{locked.address}/documents">the documents</a>')
    page.get_by_role("link", name="the documents").click()
    # A browser leaves the cookie out at first; one gets there without signing in again.
    expect(page.locator("#held")).to_have_text("13 documents")


def test_a_key_is_made_used_and_revoked(browse: Browse, locked: Served, key: str) -> None:
    admin = browse()
    page = admin.go(f"{locked.address}/admin")
    _sign_in(page, key)
    page.get_by_text("Make a key").click()
    page.get_by_label("Name", exact=True).fill("reader")
    page.get_by_role("button", name="Make the key").click()
    made = page.locator("#secret").inner_text()
    assert made.startswith("pincite_")
    kept(page, "key")
    assert violations(page) == ""
    page.goto(f"{locked.address}/admin")
    expect(page.locator("#secret")).to_have_count(0)

    reader = browse()
    reader.expected = {403}
    other = reader.go(f"{locked.address}/")
    _sign_in(other, made)
    expect(other.locator("#q")).to_be_visible()
    expect(other.get_by_role("link", name="Admin")).to_have_count(0)
    other.goto(f"{locked.address}/admin")
    expect(other.get_by_role("alert")).to_contain_text("the key 'reader' may read")

    row = page.locator("tr", has_text="reader")
    row.locator("summary").click()
    row.get_by_role("button", name="Revoke it").click()
    expect(page.locator("#said")).to_have_text("The key is revoked.")
    expect(page.locator("tr", has_text="reader")).to_contain_text("revoked")
    # Whoever was signed in with it is out, at the next step.
    other.goto(f"{locked.address}/documents")
    assert "/login?next=" in other.url


def test_a_session_that_has_ended_leads_to_the_login_from_a_question_too(
    browse: Browse, locked: Served, key: str
) -> None:
    window = browse()
    window.expected = {401}
    page = window.go(locked.address)
    _sign_in(page, key)
    command("keys", "revoke", key.split("_")[1], "--index", str(locked.index))
    page.locator("#q").fill("How long is the lease?")
    page.locator("#q").press("Enter")
    page.wait_for_url("**/login?next=**")


def test_a_collection_is_made_chosen_and_deleted(browse: Browse, own: Served) -> None:
    page = browse().go(f"{own.address}/admin")
    page.get_by_label("Another collection").fill("contracts")
    page.get_by_role("button", name="Make it").click()
    expect(page.locator("#said")).to_have_text("The collection is made.")
    kept(page, "admin")
    page.get_by_label("Collection", exact=True).select_option("contracts")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_role("heading", name="There is nothing to ask yet")).to_be_visible()
    page.get_by_role("link", name="Add documents").click()
    page.get_by_label("Choose files").set_input_files(
        {"name": "a.txt", "mimeType": "text/plain", "buffer": b"The fee is 90 euros a year.\n"}
    )
    expect(page.locator("#progress .state")).to_have_text("added")
    page.get_by_role("link", name="Ask", exact=True).click()
    page.locator("#q").fill("How much is the fee?")
    page.locator("#q").press("Enter")
    expect(page.locator("li.answer mark").first).to_contain_text("90 euros")
    assert "collection=contracts" in page.url
    page.goto(f"{own.address}/admin")
    page.locator("tr", has_text="contracts").locator("summary").click()
    page.get_by_role("button", name="Delete contracts").click()
    expect(page.locator("#said")).to_have_text("The collection is deleted.")
    expect(page.locator("tr", has_text="contracts")).to_have_count(0)
