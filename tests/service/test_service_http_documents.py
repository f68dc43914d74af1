import io
import threading
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from fastapi.testclient import TestClient

from index.indexing import Outcome
from service.engine import Engine

PNG = b"\x89PNG\r\n\x1a\n\0\0\0"
NOTE = {"text": "# Parking\n\nA permit costs 90 pounds.", "media_type": "text/markdown"}


def test_a_text_is_added_found_shown_and_removed(client: TestClient) -> None:
    response = client.post("/v1/documents", json={**NOTE, "uri": "test:parking", "title": "Cars"})
    assert response.status_code == 201
    outcome = response.json()["outcomes"][0]
    assert (outcome["status"], outcome["passages"]) == ("added", 1)
    path = f"/v1/documents/{outcome['document_id']}"
    document = client.get(path).json()
    assert document["title"] == "Cars"
    assert document["uri"] == "test:parking"
    assert document["sections"][0]["path"] == ["Parking"]
    reply = client.post("/v1/ask", json={"question": "What costs a permit?"}).json()
    citation = reply["answers"][0]["citation"]
    assert document["text"][citation["start"] : citation["end"]] == "90"
    removed = client.delete(path)
    assert (removed.status_code, removed.content) == (204, b"")
    assert client.get(path).status_code == 404
    assert client.delete(path).status_code == 404


def test_the_same_text_twice_is_unchanged_and_another_replaces_it(client: TestClient) -> None:
    note = {**NOTE, "uri": "test:parking"}

    def status(body: dict[str, str]) -> str:
        response = client.post("/v1/documents", json=body)
        assert response.status_code == 201
        return str(response.json()["outcomes"][0]["status"])

    assert status(note) == "added"
    assert status(note) == "unchanged"
    assert status({**note, "title": "Cars"}) == "changed"
    assert status({**note, "text": "A permit is free."}) == "changed"
    listed = client.get("/v1/documents").json()["documents"]
    assert [item["uri"] for item in listed] == ["test:library", "test:parking", "test:pool"]


def test_a_text_without_a_uri_gets_one_made_of_it(client: TestClient) -> None:
    first = client.post("/v1/documents", json=NOTE).json()["outcomes"][0]
    again = client.post("/v1/documents", json=NOTE).json()["outcomes"][0]
    assert again["status"] == "unchanged"
    assert again["document_id"] == first["document_id"]


def test_files_are_uploaded(client: TestClient) -> None:
    files = [("file", ("ä b.txt", b"The tower is 40 metres high.")), ("file", ("c.txt", b"Hello."))]
    response = client.post("/v1/documents", files=files)
    assert response.status_code == 201
    assert response.json()["counts"]["added"] == 2
    uris = {item["uri"] for item in client.get("/v1/documents").json()["documents"]}
    assert {"upload:%C3%A4%20b.txt", "upload:c.txt"} <= uris


def test_one_file_can_be_given_a_uri(client: TestClient) -> None:
    one = {"file": ("a.txt", b"Hello there.")}
    response = client.post("/v1/documents", files=one, data={"uri": "https://a.example/x"})
    assert response.status_code == 201
    uris = [item["uri"] for item in client.get("/v1/documents").json()["documents"]]
    assert "https://a.example/x" in uris
    two = [("file", ("a.txt", b"Hello.")), ("file", ("b.txt", b"Hello."))]
    assert client.post("/v1/documents", files=two, data={"uri": "x:y"}).status_code == 422


def _zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_an_archive_gives_several_documents(client: TestClient) -> None:
    files = {"a/tower.txt": b"The tower is 40 metres high.", "b.md": b"# Moat\n\nIt is deep."}
    response = client.post("/v1/documents", files={"file": ("castle.zip", _zipped(files))})
    assert response.status_code == 201
    [outcome] = response.json()["outcomes"]
    assert (outcome["status"], outcome["documents"]) == ("added", 2)
    listed = client.get("/v1/documents", params={"where": "uri~upload:castle*"}).json()["documents"]
    assert [item["uri"] for item in listed] == [
        "upload:castle.zip!/a/tower.txt",
        "upload:castle.zip!/b.md",
    ]
    body = client.post("/v1/ask", json={"question": "How high is the tower?"}).json()
    assert body["answers"][0]["citation"]["uri"] == "upload:castle.zip!/a/tower.txt"


def test_what_in_an_archive_cannot_be_read_is_told(client: TestClient) -> None:
    files = {"tower.txt": b"The tower is 40 metres high.", "bad.pdf": b"%PDF-1.7 nothing"}
    response = client.post("/v1/documents", files={"file": ("castle.zip", _zipped(files))})
    assert response.status_code == 207
    first, second = response.json()["outcomes"]
    assert (first["status"], first["documents"]) == ("added", 1)
    assert (second["name"], second["status"]) == ("castle.zip!/bad.pdf", "failed")
    assert second["reason"].startswith("castle.zip!/bad.pdf: ")
    nothing = _zipped({"bad.pdf": b"%PDF-1.7 nothing"})
    refused = client.post("/v1/documents", files={"file": ("bad.zip", nothing)})
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("bad.zip!/bad.pdf: ")


def test_a_message_gives_its_text_and_its_attachments(client: TestClient) -> None:
    message = EmailMessage()
    message["Subject"], message["From"] = "The tower", "mara@larkfield.example"
    message.set_content("The tower is 40 metres high, as the survey found out.")
    message.add_attachment("The moat is 7 metres deep.", filename="moat.txt")
    client.post("/v1/documents", files={"file": ("survey.eml", message.as_bytes())})
    reply = client.post("/v1/ask", json={"question": "How high is the tower?"}).json()
    citation = reply["answers"][0]["citation"]
    assert (citation["uri"], citation["title"]) == ("upload:survey.eml", "The tower")
    assert citation["part"] == "1"
    attached = client.get("/v1/documents", params={"where": "uri~upload:survey.eml!/*"}).json()
    assert len(attached["documents"]) == 1
    assert attached["documents"][0]["uri"].endswith("moat.txt")


def test_the_same_content_at_two_places_is_one_document(client: TestClient) -> None:
    tower = b"The tower is 40 metres high."
    for uri in ("test:tower", "test:again"):
        client.post("/v1/documents", files={"file": ("tower.txt", tower)}, data={"uri": uri})
    listed = client.get("/v1/documents", params={"where": "uri=test:again"}).json()["documents"]
    [summary] = listed
    assert (summary["uri"], summary["copies"]) == ("test:tower", ["test:again"])
    assert client.get(f"/v1/documents/{summary['id']}").json()["copies"] == ["test:again"]
    reply = client.post("/v1/ask", json={"question": "How high is the tower?", "top_k": 1}).json()
    [answer] = reply["answers"]
    assert answer["citation"]["uri"] == "test:tower"
    assert [place["uri"] for place in answer["also_at"]] == ["test:again"]
    ranges = {(place["start"], place["end"]) for place in [answer["citation"], *answer["also_at"]]}
    assert ranges == {(13, 15)}


def test_where_some_files_fail_the_others_go_in(client: TestClient) -> None:
    files = [("file", ("a.txt", b"Hello there.")), ("file", ("b.png", PNG))]
    response = client.post("/v1/documents", files=files)
    assert response.status_code == 207
    body = response.json()
    assert [outcome["status"] for outcome in body["outcomes"]] == ["added", "failed"]
    assert body["outcomes"][1]["reason"].startswith("b.png: ")


def test_where_no_file_goes_in_it_is_a_problem(client: TestClient) -> None:
    files = [("file", ("a.txt", b"")), ("file", ("b.png", PNG))]
    response = client.post("/v1/documents", files=files)
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    assert len(response.json()["outcomes"]) == 2
    one = client.post("/v1/documents", files={"file": ("b.png", PNG)})
    assert one.status_code == 415
    assert one.json()["type"] == "urn:pincite:problem:unsupported-format"
    empty = client.post("/v1/documents", files={"file": ("a.txt", b" ")})
    assert empty.status_code == 422
    assert empty.json()["type"] == "urn:pincite:problem:unreadable-document"


@pytest.mark.parametrize(
    ("content_type", "content", "status"),
    [
        ("text/plain", b"Hello.", 415),
        ("application/x-www-form-urlencoded", b"text=Hello", 415),
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=x", b"not multipart", 400),
        ("multipart/form-data; boundary=x", b"--x--\r\n", 422),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--x--\r\n',
            422,
        ),
        ("application/json", b'{"text": "\\udfff"}', 422),
        ("application/json", b'{"text": "x", "uri": ""}', 422),
        ("application/json", b'{"text": "x", "media_type": "image/png"}', 422),
        ("application/json", b'{"text": ""}', 422),
    ],
)
def test_what_is_no_document_is_refused(
    standing_client: TestClient, content_type: str, content: bytes, status: int
) -> None:
    response = standing_client.post(
        "/v1/documents", content=content, headers={"Content-Type": content_type}
    )
    assert response.status_code == status
    assert response.json()["status"] == status


def _endless(sent: list[int]) -> Iterator[bytes]:
    for _ in range(100):
        sent.append(2**20)
        yield b" " * 2**20


@pytest.mark.parametrize(
    ("path", "content_type", "limit"),
    [
        ("/v1/documents", "multipart/form-data; boundary=x", 1),
        ("/v1/documents", "application/json", 8),
        ("/v1/ask", "application/json", 8),
    ],
)
def test_a_body_is_not_read_beyond_its_limit(
    standing_client: TestClient, path: str, content_type: str, limit: int
) -> None:
    response = standing_client.post(
        path, content=_endless([]), headers={"Content-Type": content_type}
    )
    assert response.status_code == 413
    assert response.json()["detail"] == (
        f"The request is larger than the {limit} MiB that are taken at once."
    )
    declared = standing_client.post(
        path,
        content=b"{}",
        headers={"Content-Type": content_type, "Content-Length": str(limit * 2**20 + 1)},
    )
    assert declared.status_code == 413


def test_additions_wait_for_one_another(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once: list[int] = []
    most: list[int] = []
    original = Engine._indexer

    def counting(self: Engine) -> object:
        indexer = original(self)

        class Counting:
            def add_bytes(self, *args: object, **kwargs: object) -> list[Outcome]:
                at_once.append(1)
                most.append(len(at_once))
                try:
                    return indexer.add_bytes(*args, **kwargs)  # type: ignore[arg-type]
                finally:
                    at_once.pop()

        return Counting()

    monkeypatch.setattr(Engine, "_indexer", counting)
    threads = [
        threading.Thread(
            target=client.post,
            args=["/v1/documents"],
            kwargs={"json": {"text": f"Text {number}.", "uri": f"t:{number}"}},
        )
        for number in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == [1] * 6
    assert len(client.get("/v1/documents").json()["documents"]) == 8
