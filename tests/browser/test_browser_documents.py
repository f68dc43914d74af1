from pathlib import Path

from browsing import Browse, kept, violations
from playwright.sync_api import JSHandle, Page, expect
from serving import Served

TOWER = "The water tower of Ostrand is 61 metres high.\n"
QUESTION = "How high is the water tower of Ostrand?"

# Keeps what is said of the file that is added, while it is.
_LISTEN = """
(() => {
  window.said = [];
  const list = document.querySelector("#progress");
  new MutationObserver(() => {
    const state = list.querySelector(".state");
    if (state) window.said.push(state.textContent);
  }).observe(list, { childList: true, characterData: true, subtree: true });
})()
"""


def _dropped(page: Page, files: dict[str, str]) -> None:
    """Let files fall onto the page, as a person's hand would."""
    transfer: JSHandle = page.evaluate_handle(
        """files => {
            const transfer = new DataTransfer();
            for (const [name, text] of Object.entries(files))
                transfer.items.add(new File([text], name));
            return transfer;
        }""",
        files,
    )
    form = page.locator("#upload")
    form.dispatch_event("dragenter", {"dataTransfer": transfer})
    expect(form).to_have_class("drop over")
    form.dispatch_event("dragover", {"dataTransfer": transfer})
    form.dispatch_event("drop", {"dataTransfer": transfer})
    expect(form).to_have_class("drop")


def test_files_that_are_dropped_are_added_each_with_its_progress(
    browse: Browse, own: Served
) -> None:
    page = browse().go(f"{own.address}/documents")
    expect(page.locator("#held")).to_have_text("13 documents")
    page.evaluate(_LISTEN)
    long = "".join(f"Paragraph {number} tells of the harbour.\n\n" for number in range(400))
    _dropped(page, {"tower.txt": TOWER, "long.txt": long, "bad.pdf": "%PDF-1.7 broken"})
    rows = page.locator("#progress li")
    expect(rows).to_have_count(3)
    expect(rows.nth(0).locator(".state")).to_have_text("added")
    expect(rows.nth(1).locator("progress")).to_be_visible()
    kept(page, "adding")
    expect(rows.nth(1).locator(".state")).to_have_text("added", timeout=120_000)
    expect(rows.nth(2).locator(".state")).to_have_text("failed")
    expect(rows.nth(2).locator(".reason")).to_contain_text("bad.pdf: ")
    kept(page, "added")
    assert violations(page) == ""
    said = page.evaluate("window.said")
    assert said[0] == "waits for its turn"
    # The list below takes them in without being loaded anew.
    expect(page.locator("#held")).to_have_text("15 documents")
    page.goto(f"{own.address}/?q={QUESTION}")
    expect(page.locator("li.answer mark").first).to_contain_text("61")


# Lets a folder fall onto the page: its second file, and a folder in it, cannot be read.
_DROP_FOLDER = """text => {
    const gone = (_, fail) => fail(new DOMException("It is gone.", "NotFoundError"));
    const file = (name, read) => ({ isFile: true, fullPath: `/box/${name}`, file: read });
    const folder = (fullPath, ...lists) => ({
        isFile: false,
        fullPath,
        createReader: () => ({ readEntries: (go, fail) => (lists.shift() ?? gone)(go, fail) }),
    });
    const inside = [
        file("a.txt", (go) => go(new File([text], "a.txt"))),
        file("b.txt", gone),
        folder("/box/shut"),
        file("c.txt", (go) => go(new File(["The gate is 3 metres wide."], "c.txt"))),
    ];
    const box = folder("/box", (go) => go(inside), (go) => go([]));
    const event = new Event("drop", { bubbles: true, cancelable: true });
    const items = [{ webkitGetAsEntry: () => box }];
    Object.defineProperty(event, "dataTransfer", { value: { types: ["Files"], items, files: [] } });
    document.querySelector("#upload").dispatchEvent(event);
}"""


def test_what_cannot_be_read_of_a_folder_has_failed_and_the_rest_is_added(
    browse: Browse, own: Served
) -> None:
    page = browse().go(f"{own.address}/documents")
    page.evaluate(_DROP_FOLDER, TOWER)
    rows = page.locator("#progress li")
    expect(rows).to_have_count(4)
    for name, state in {"a": "added", "b": "failed", "c": "added"}.items():
        row = rows.filter(has_text=f"box/{name}.txt")
        expect(row.locator(".state")).to_have_text(state, timeout=120_000)
    expect(rows.filter(has_text="box/b.txt").locator(".reason")).to_have_text("It is gone.")
    expect(rows.filter(has_text="box/shut").locator(".state")).to_have_text("failed")


def test_a_file_is_embedded_passage_by_passage(browse: Browse, own: Served) -> None:
    page = browse().go(f"{own.address}/documents")
    page.evaluate(_LISTEN)
    words = "".join(f"Paragraph {number} tells of the harbour. " * 12 for number in range(120))
    page.get_by_label("Choose files").set_input_files(
        {"name": "harbour.txt", "mimeType": "text/plain", "buffer": words.encode()}
    )
    expect(page.locator("#progress .state")).to_have_text("added", timeout=120_000)
    said: list[str] = page.evaluate("window.said")
    counted = [one for one in said if one.endswith(" passages")]
    assert len(set(counted)) >= 2, said
    assert page.locator("#progress progress").count() == 0


def test_a_document_is_deleted_once_it_is_confirmed(browse: Browse, own: Served) -> None:
    page = browse().go(f"{own.address}/documents")
    page.get_by_role("link", name="Delete Lease: Third Floor").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Delete “Lease: Third Floor")
    kept(page, "delete")
    page.get_by_role("link", name="Keep it").click()
    expect(page.locator("#held")).to_have_text("13 documents")
    page.get_by_role("link", name="Delete Lease: Third Floor").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.locator("#said")).to_have_text("The document is deleted.")
    expect(page.locator("#held")).to_have_text("12 documents")
    page.goto(f"{own.address}/?q=What+is+the+rent+of+Saltmarsh+House%3F")
    expect(page.locator("#results")).not_to_contain_text("office-lease.pdf")


def test_without_scripts_files_are_added_and_deleted(
    browse: Browse, own: Served, tmp_path: Path
) -> None:
    tower = tmp_path / "tower.txt"
    tower.write_text(TOWER, encoding="utf-8")
    page = browse(scripts=False).go(f"{own.address}/documents")
    page.get_by_label("Choose files").set_input_files(tower)
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_url("**/uploads/**")
    expect(page.locator("li .state")).to_have_text("is in", timeout=30_000)
    page.get_by_role("link", name="tower.txt").click()
    expect(page.locator(".source")).to_contain_text("61 metres")
    page.goto(f"{own.address}/documents?path=*tower.txt")
    page.get_by_role("link", name="Delete The water tower").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.locator("#said")).to_have_text("The document is deleted.")


def test_the_page_of_an_upload_goes_on_by_itself(browse: Browse, own: Served) -> None:
    page = browse().go(f"{own.address}/documents")
    job = page.evaluate(
        """async text => {
            const body = new FormData();
            body.append("file", new File([text], "harbour.txt"));
            return (await (await fetch("/v1/documents", { method: "POST", body })).json()).id;
        }""",
        "".join(f"Paragraph {number} tells of the harbour. " * 12 for number in range(60)),
    )
    page.goto(f"{own.address}/uploads/{job}")
    expect(page.locator("#said")).to_have_text("The upload is over.", timeout=120_000)
    expect(page.locator(".state")).to_have_text("is in")
    assert violations(page) == ""
    page.reload()
    expect(page.locator("#said")).to_have_text("The upload is in.")


def test_the_list_is_narrowed(browse: Browse, standing: Served) -> None:
    page = browse().go(f"{standing.address}/documents")
    kept(page, "documents")
    page.get_by_text("Narrow").click()
    page.get_by_label("Type").select_option("PDF")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#held")).to_have_text("Those that fit")
    expect(page.locator(".rows li")).to_have_count(2)
    page.get_by_role("link", name="Clear").click()
    expect(page.locator("#held")).to_have_text("13 documents")
