"""Forms as hostile clients send them."""

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from service_fakes import fake_server

from service.host.keys import Scope
from service.host.server import Door
from service.http.app import create_app
from service.settings import Settings

PART = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
FILE = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\nA tea.\r\n--x--\r\n'
)


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, str]]:
    """A client of a service that asks for keys, and one that may write."""
    settings = Settings(index=tmp_path_factory.mktemp("keyed") / "index", max_upload_mb=1)
    server = fake_server(settings, door=Door.LOCKED)
    _, key = server.keys.create("writer", Scope.WRITE)
    with TestClient(create_app(server), base_url="http://localhost") as client:
        yield client, key


@pytest.mark.parametrize("kind", ["multipart/form-data", "Multipart/Form-Data", "multipart/mixed"])
@pytest.mark.parametrize(
    "charset",
    ["punycode", "unicode_escape", "UTF-7", "undefined", '"utf-16"', "idna", "latin-1", "utf-8 x"],
)
def test_forms_are_read_as_utf_8_whatever_they_say_of_themselves(
    keyed: tuple[TestClient, str], kind: str, charset: str
) -> None:
    client, key = keyed
    content = PART % (b"key", b"a" * 25_000) + b"--x--\r\n"
    headers = {"Content-Type": f"{kind}; boundary=x; CharSet={charset}"}
    for path, more in (("/login", {}), ("/v1/documents", {"Authorization": f"Bearer {key}"})):
        refused = client.post(path, content=content, headers=headers | more)
        assert refused.status_code == 415, path
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.json()["detail"] == "Forms are read as UTF-8; leave out charset."


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", '"us-ascii"'])
def test_a_form_may_say_that_it_is_utf_8(standing_client: TestClient, charset: str) -> None:
    content = PART % (b"question", b" ") + PART % (b"right", b"true") + b"--x--\r\n"
    headers = {"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"}
    assert standing_client.post("/feedback", content=content, headers=headers).status_code == 422


def test_what_needs_no_key_takes_no_large_body(keyed: tuple[TestClient, str]) -> None:
    client, _ = keyed
    for path in ("/login", "/logout"):
        for body in ({"data": {"key": "a" * 100_000}}, {"files": {"key": b"a" * 100_000}}):
            refused = client.post(path, **body)
            assert refused.status_code == 413
            assert "larger than the 64 KiB that are taken" in refused.json()["detail"]
    assert client.post("/login", data={"key": "a" * 7000}).status_code == 403


@pytest.mark.parametrize("half", [b"\xed\xa0\x80", b"%ED%A0%80", b"\\ud800", b"\xff\x00"])
def test_half_a_surrogate_pair_is_no_text_in_any_field(
    keyed: tuple[TestClient, str], half: bytes
) -> None:
    client, key = keyed
    headers = {
        "Content-Type": "multipart/form-data; boundary=x; charset=utf-8",
        "Authorization": f"Bearer {key}",
    }
    forms = [
        PART % (b"uri", half) + FILE % b"a.txt",
        PART % (b"title", half) + FILE % b"a.txt",
        PART % (b"metadata", b'{"a": "%s"}' % half) + FILE % b"a.txt",
        FILE % half,
    ]
    for form in forms:
        sent = client.post("/v1/documents", content=form, headers=headers)
        assert sent.status_code in (202, 422)


@pytest.mark.parametrize("field", ["uri", "title", "text", "media_type"])
def test_half_a_surrogate_pair_is_no_text_in_json(standing_client: TestClient, field: str) -> None:
    body = json.dumps({"text": "A tea."} | {field: "a\ud800"})
    headers = {"Content-Type": "application/json"}
    sent = standing_client.post("/v1/documents", content=body, headers=headers)
    assert sent.status_code == 422
