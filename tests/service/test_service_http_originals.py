import io
import re
import unicodedata
import zipfile
from urllib.parse import unquote

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]
from uploading import outcomes, sent

from service.host.server import Server
from service.http.originals import attachment

LATIN = "<script>alert('é')</script> The tower is 40 metres high.".encode("latin-1")


def path_of(client: TestClient, name: str, data: bytes) -> str:
    [outcome] = outcomes(sent(client, files={"file": (name, data)}))
    return f"/v1/documents/{outcome['document_id']}"


def pdf(*pages: str) -> bytes:
    written = io.BytesIO()
    canvas = Canvas(written, (300, 200), invariant=True)
    for text in pages:
        canvas.drawString(40, 100, text)
        canvas.showPage()
    canvas.save()
    return written.getvalue()


def test_the_original_comes_back_byte_for_byte_and_harmless(client: TestClient) -> None:
    path = path_of(client, "tür x.html", LATIN)
    response = client.get(f"{path}/original")
    assert response.status_code == 200
    assert response.content == LATIN
    headers = response.headers
    assert headers["Content-Type"] == "text/html"
    assert headers["Content-Disposition"] == (
        "attachment; filename=\"tur x.html\"; filename*=UTF-8''t%C3%BCr%20x.html"
    )
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["ETag"] == f'"{client.get(path).json()["sha256"]}"'
    assert headers["Content-Length"] == str(len(LATIN))
    known = client.get(f"{path}/original", headers={"If-None-Match": headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "status", "expected"),
    [
        ("bytes=0-3", 206, LATIN[:4]),
        ("bytes=4-", 206, LATIN[4:]),
        ("bytes=-5", 206, LATIN[-5:]),
        ("bytes=-500", 200, LATIN),
        ("bytes=0-500", 200, LATIN),
        (f"bytes={len(LATIN)}-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=5-2", 416, None),
        ("bytes=0-1,4-5", 200, LATIN),
        ("bytes=-", 200, LATIN),
        ("lines=0-3", 200, LATIN),
        ("bytes=" + "9" * 400 + "-", 200, LATIN),
    ],
)
def test_a_part_of_the_original(
    client: TestClient, asked: str, status: int, expected: bytes | None
) -> None:
    path = path_of(client, "tower.html", LATIN)
    response = client.get(f"{path}/original", headers={"Range": asked})
    assert response.status_code == status
    if expected is None:
        assert response.headers["Content-Range"] == f"bytes */{len(LATIN)}"
    else:
        assert response.content == expected
        assert response.headers["Content-Length"] == str(len(expected))


def test_a_range_of_what_is_not_it_any_more_is_not_given(client: TestClient) -> None:
    path = path_of(client, "tower.html", LATIN)
    old = client.get(f"{path}/original", headers={"Range": "bytes=0-3", "If-Range": '"old"'})
    assert (old.status_code, old.content) == (200, LATIN)


def test_the_original_of_a_member_is_the_member(client: TestClient) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/tower.html", LATIN)
    path = path_of(client, "castle.zip", packed.getvalue())
    response = client.get(f"{path}/original")
    assert response.content == LATIN
    assert 'filename="tower.html"' in response.headers["Content-Disposition"]


def test_what_was_not_kept_is_not_to_be_had(client: TestClient, server: Server) -> None:
    path = path_of(client, "tower.html", LATIN)
    for kept in (server.settings.index / "originals").rglob("*"):
        if kept.is_file():
            kept.unlink()
    response = client.get(f"{path}/original")
    assert response.status_code == 404
    assert response.json()["type"] == "urn:pincite:problem:lost-original"
    assert client.get("/v1/documents/nothing/original").status_code == 404


def test_a_page_is_drawn(client: TestClient) -> None:
    path = path_of(client, "tower.pdf", pdf("The tower is 40 metres high.", "The moat is deep."))
    response = client.get(f"{path}/pages/2.png", params={"width": 600})
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "image/png"
    assert response.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(response.content[16:20], "big") == 600
    assert int.from_bytes(response.content[20:24], "big") == 400
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert "Content-Encoding" not in response.headers
    first = client.get(f"{path}/pages/1.png", params={"width": 600})
    assert first.headers["ETag"] != response.headers["ETag"]
    known = {"If-None-Match": response.headers["ETag"]}
    again = client.get(f"{path}/pages/2.png", params={"width": 600}, headers=known)
    assert (again.status_code, again.content) == (304, b"")


def test_a_page_that_cannot_be_drawn_is_a_problem(client: TestClient) -> None:
    printed = path_of(client, "tower.pdf", pdf("The tower is 40 metres high."))
    text = path_of(client, "tower.html", LATIN)
    for path, status in (
        (f"{printed}/pages/2.png", 404),
        (f"{printed}/pages/0.png", 422),
        (f"{printed}/pages/x.png", 422),
        (f"{printed}/pages/{10**30}.png", 422),
        (f"{printed}/pages/1.png?width=15", 422),
        (f"{printed}/pages/1.png?width=4097", 422),
        (f"{text}/pages/1.png", 404),
        ("/v1/documents/nothing/pages/1.png", 404),
    ):
        assert client.get(path).status_code == status, path


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_a_file_name_stays_in_its_header_and_in_its_folder(name: str) -> None:
    header = attachment(name)
    header.encode("ascii")
    found = re.fullmatch(
        r"attachment; filename=\"([A-Za-z0-9 ._()-]+)\"; filename\*=UTF-8''([\w.~%!-]+)", header
    )
    assert found is not None
    shown = unquote(found[2], errors="strict")
    for one in (found[1], shown):
        assert one not in (".", "..")
        assert not set(one) & set('/\\"\r\n')
        assert one == one.strip()
    assert not any(unicodedata.category(one)[0] == "C" for one in shown)
    plain = re.sub(r"[^A-Za-z0-9]", "", name)
    assert plain in re.sub(r"[^A-Za-z0-9]", "", shown) or shown == "document"
