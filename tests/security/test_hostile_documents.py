"""A document that is out to harm shows as text wherever it is shown."""

import io
import json
import logging
import re
import unicodedata
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import quote

import openpyxl
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from service.cli import app as command_line
from service.http.app import create_app
from service.observing.logs import Json, Plain
from service.settings import Settings
from tests.service.service_fakes import fake_server
from tests.service.web_pages import Page

MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)><svg/onload=alert(3)>"
TEMPLATE = "{{7*7}}{%print(7*7)%}${7*7}<%= 7*7 %>#{7*7}"
ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\x08\x7f"
BIDI = "\u202etxt.exe\u2066\u200f\u061c\ufeff\U000e0041"
LINES = "\u2028\x85\x0b"
HOSTILE = f"{MARKUP} {TEMPLATE} {ESCAPES}{BIDI}{LINES} =HYPERLINK(0) Set-Cookie: a=b"
STEERING = set("\x1b\x07\x08\x7f\x9b\u202e\u2066\u200f\u061c\ufeff\U000e0041\u2028\x85\x0b")

TEXT = f"# {HOSTILE}\n\nThe tower{HOSTILE} is 40 metres high.\n\n## {MARKUP}\n\nMore {HOSTILE}.\n"
QUESTION = f"How high is the tower{MARKUP}{BIDI}{TEMPLATE} metres?"
# As long as the names of sheets may be, without what they may not hold.
SHEET = "<b onclick=alert(4)>{{7}}\u202e</b>"


def _workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = SHEET.replace("/", "")
    sheet["A1"], sheet["B1"] = f"price {MARKUP}", 12
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a server to which the documents were sent, and which holds nothing else."""
    folder = tmp_path_factory.mktemp("hostile")
    server = fake_server(Settings(index=folder / "index", max_upload_mb=4))
    with TestClient(create_app(server), base_url="http://localhost") as made:
        for document in made.get("/v1/documents").json()["documents"]:
            made.delete(f"/v1/documents/{document['id']}").raise_for_status()
        for name, data in (
            (f"{HOSTILE}.txt", TEXT.encode()),
            (f"{HOSTILE}.md", TEXT.encode()),
            (f"{MARKUP}.xlsx", _workbook()),
        ):
            made.post(
                "/v1/documents",
                files={"file": (name, data)},
                data={
                    "title": HOSTILE.replace(LINES, ""),
                    "metadata": json.dumps({"author": HOSTILE, "language": "en"}),
                },
                headers={"Prefer": "wait=30"},
            ).raise_for_status()
        found = made.get("/v1/documents").json()["documents"]
        assert len(found) == 3, made.get("/v1/jobs").text
        yield made


def _is_harmless(text: str) -> None:
    page = Page(text)
    for tag, attributes in page.elements:
        assert tag not in ("iframe", "object", "embed", "base", "math")
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        if tag == "script":
            assert attributes["src"].startswith("/static/")
        if tag == "img":
            assert attributes["src"].startswith(("/static/", "/v1/documents/"))
        for name in ("href", "src", "action", "formaction"):
            assert (attributes.get(name) or "/").startswith(("/", "#", "http", "?")), attributes
    assert not re.search(r"<script>|<img src=x|<svg/onload|<b onclick", text)
    # What a person has typed stays as it is in the field where it can be changed.
    text = re.sub(r'(<input[^>]*) value="[^"]*"', r"\1", text)
    for char in STEERING & set(text):
        place = text.index(char)
        raise AssertionError(f"{char!r} in {text[max(0, place - 80) : place + 40]!r}")


def _ids(client: TestClient) -> list[str]:
    return [found["id"] for found in client.get("/v1/documents").json()["documents"]]


def test_every_page_shows_it_as_text(client: TestClient) -> None:
    job = client.get("/v1/jobs").json()["jobs"][-1]["id"]
    asked = client.get("/", params={"q": QUESTION})
    _is_harmless(asked.text)
    said = Page(asked.text).text
    assert "<script>alert(1)</script>" in said
    assert "{{7*7}}{%print(7*7)%}${7*7}" in said
    assert "\\u202e" in said
    addresses = ["/documents", "/admin", f"/uploads/{job}", f"/uploads/{job}/files"]
    for document_id in _ids(client):
        addresses += [
            f"/view/default/{document_id}?start=2&end=40",
            f"/documents/{document_id}/remove",
        ]
    for address in addresses:
        response = client.get(address)
        assert response.status_code == 200, address
        assert response.headers["Content-Type"].startswith("text/html")
        _is_harmless(response.text)
    shown = Page(client.get(f"/view/default/{_ids(client)[0]}?start=0&end=30").text).text
    assert "onerror=alert(2)" in shown
    streamed = client.get("/ask/stream", params={"q": QUESTION})
    pieces = re.findall(r"^data: (.*)$", streamed.text, re.MULTILINE)
    assert pieces
    for piece in pieces:
        _is_harmless(json.loads(piece)["html"] if piece.startswith("{") else piece)


def test_errors_that_repeat_what_was_sent_are_no_markup(client: TestClient) -> None:
    for address in (f"/view/default/{MARKUP}", f"/documents/{MARKUP}/remove", f"/{MARKUP}"):
        response = client.get(quote(address))
        assert response.status_code in (404, 422)
        if response.headers["Content-Type"].startswith("text/html"):
            _is_harmless(response.text)
        else:
            assert response.headers["Content-Type"] == "application/problem+json"


def test_programs_get_the_very_text(client: TestClient) -> None:
    reply = client.post("/v1/ask", json={"question": QUESTION}).json()
    citation = reply["answers"][0]["citation"]
    document = client.get(f"/v1/documents/{citation['document_id']}").json()
    start, end = citation["start"], citation["end"]
    assert document["text"][start:end] == reply["answers"][0]["text"]
    assert MARKUP in document["text"]
    assert document["metadata"]["author"].startswith(f"{MARKUP} {TEMPLATE}")
    assert citation["links"]["source"] is None
    for response in (
        client.post("/v1/ask", json={"question": QUESTION}),
        client.get("/v1/documents"),
        client.post(
            "/v1/ask", json={"question": QUESTION}, headers={"Accept": "application/ld+json"}
        ),
    ):
        assert response.headers["Content-Type"].partition(";")[0] in (
            "application/json",
            "application/ld+json",
        )
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        # The control characters are escaped, as JSON wants them.
        assert not {"\x1b", "\x07", "\x08", "\x0b"} & set(response.text)


def _selectors(value: object) -> Iterator[dict[str, Any]]:
    """The selectors of each target in some JSON, by their types."""
    if isinstance(value, dict):
        if isinstance(value.get("selector"), list):
            yield {selector["type"]: selector for selector in value["selector"]}
        for part in value.values():
            yield from _selectors(part)
    elif isinstance(value, list):
        for part in value:
            yield from _selectors(part)


def test_annotations_hold_the_very_text(client: TestClient) -> None:
    response = client.post(
        "/v1/ask", json={"question": QUESTION}, headers={"Accept": "application/ld+json"}
    )
    texts = [client.get(f"/v1/documents/{one}").json()["text"] for one in _ids(client)]
    found = list(_selectors(response.json()))
    assert found
    for selectors in found:
        position, quoted = selectors["TextPositionSelector"], selectors["TextQuoteSelector"]
        assert quoted["exact"] in [text[position["start"] : position["end"]] for text in texts]


def test_a_download_is_a_download_under_a_plain_name(client: TestClient) -> None:
    for document_id in _ids(client):
        response = client.get(f"/v1/documents/{document_id}/original")
        assert response.status_code == 200
        header = response.headers["Content-Disposition"]
        assert header.isascii()
        assert header.isprintable()
        parsed = Message()
        parsed["Content-Disposition"] = header
        assert parsed.get_content_disposition() == "attachment"
        name = parsed.get_filename()
        assert name is not None
        assert not {"/", "\\"} & set(name)
        assert not [one for one in name if unicodedata.category(one)[0] == "C"]
        assert "sandbox" in response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "text/html" not in response.headers["Content-Type"]


def test_no_line_of_the_log_is_broken_or_tells_of_it(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        client.get("/", params={"q": QUESTION})
        client.post("/v1/ask", json={"question": QUESTION})
        client.get("/v1/documents/%1b%5b2J%0a%e2%80%ae")
        client.get("/%0aforged%20line%1b")
        client.post(
            "/v1/documents",
            files={"file": (f"{HOSTILE}.pdf", b"%PDF-1.7 no such thing")},
            headers={"Prefer": "wait=20", "User-Agent": "a\x1b[31m"},
        )
    # The client of the tests has a log of its own.
    ours = [record for record in caplog.records if not record.name.startswith("httpx")]
    assert len(ours) > 5
    for record in ours:
        for formatter in (Plain(), Json()):
            line = formatter.format(record)
            assert len(line.splitlines()) == 1
            assert not STEERING & set(line)
            assert "alert(" not in line
            assert "tower" not in line


def test_a_tool_of_a_language_model_gets_text_that_steers_nothing(client: TestClient) -> None:
    for tool, more in (
        ("ask", {"question": QUESTION}),
        ("search", {"query": "tower"}),
        ("list", {}),
        ("read", {"document_id": _ids(client)[0]}),
    ):
        response = client.post(
            "/mcp",
            json={
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": tool, "arguments": more},
            },
            headers={
                "Accept": "application/json, text/event-stream",
                "MCP-Protocol-Version": "2025-06-18",
            },
        )
        result = response.json()["result"]
        assert not result.get("isError"), result
        text = "".join(part["text"] for part in result["content"])
        assert not STEERING & set(text)


@pytest.mark.slow
def test_the_terminal_shows_it_as_text(tmp_path: Path) -> None:
    folder, index = tmp_path / "documents", tmp_path / "index"
    folder.mkdir()
    (folder / "tower\x1b[2J\u202e.md").write_text(TEXT, encoding="utf-8")
    (folder / "prices.xlsx").write_bytes(_workbook())

    def said(*arguments: str) -> str:
        result = CliRunner().invoke(command_line, [*arguments, "--index", str(index)])
        assert result.exit_code in (0, 1), result.output
        return result.output

    outputs = [said("index", str(folder))]
    listed = said("list", "--json")
    for document in json.loads(listed)["documents"]:
        outputs += [said("show", document["id"])]
    outputs += [
        said("ask", "How high is the tower?", "--min-confidence", "0"),
        said("search", "tower metres high"),
        said("list"),
        said("status", "--failed"),
    ]
    for output in outputs:
        assert not (STEERING - {"\x0b", "\x85", "\u2028"}) & set(output)
        assert all(one.isprintable() or one in "\n\t" for one in output)
    assert "\x1b" not in listed
