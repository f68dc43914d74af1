import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from email.message import EmailMessage

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uploading import outcomes, sent, until, uris

from service.engine import Engine
from service.host.server import Server

PNG = b"\x89PNG\r\n\x1a\n\0\0\0"
NOTE = {"text": "# Parking\n\nA permit costs 90 pounds.", "media_type": "text/markdown"}


def test_a_text_is_added_found_shown_and_removed(client: TestClient) -> None:
    job = sent(client, json={**NOTE, "uri": "test:parking", "title": "Cars"})
    assert (job["state"], job["counts"]["added"]) == ("done", 1)
    [outcome] = outcomes(job)
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

    def status(body: Mapping[str, object]) -> str:
        [outcome] = outcomes(sent(client, json=body))
        return str(outcome["status"])

    assert status(note) == "added"
    assert status(note) == "unchanged"
    assert status({**note, "title": "Cars"}) == "changed"
    assert status(note) == "unchanged"
    assert status({**note, "metadata": {"author": "Mara"}}) == "changed"
    assert status({**note, "metadata": {"author": "Mara"}}) == "unchanged"
    assert status({**note, "metadata": {"author": "Tom"}}) == "changed"
    assert status({**note, "text": "A permit is free."}) == "changed"
    assert uris(client) == ["test:library", "test:parking", "test:pool"]


def test_a_text_without_a_uri_gets_one_made_of_it(client: TestClient) -> None:
    [first], [again] = (outcomes(sent(client, json=NOTE)) for _ in range(2))
    assert again["status"] == "unchanged"
    assert again["document_id"] == first["document_id"]


def test_files_are_uploaded(client: TestClient) -> None:
    files = [("file", ("ä b.txt", b"The tower is 40 metres high.")), ("file", ("c.txt", b"Hello."))]
    job = sent(client, files=files)
    assert job["counts"]["added"] == 2
    assert [(file["name"], file["bytes"], file["state"]) for file in job["files"]] == [
        ("ä b.txt", 28, "done"),
        ("c.txt", 6, "done"),
    ]
    assert {"upload:%C3%A4%20b.txt", "upload:c.txt"} <= set(uris(client))


def test_one_file_can_be_given_a_uri_and_a_title(client: TestClient) -> None:
    one = {"file": ("a.txt", b"Hello there.")}
    sent(client, files=one, data={"uri": "https://a.example/x", "title": "Greeting"})
    [document] = client.get("/v1/documents?where=title=greeting").json()["documents"]
    assert document["uri"] == "https://a.example/x"
    two = [("file", ("a.txt", b"Hello.")), ("file", ("b.txt", b"Hello."))]
    for told in ({"uri": "x:y"}, {"title": "Both"}):
        assert client.post("/v1/documents", files=two, data=told).status_code == 422


def test_what_is_told_of_files_is_found_by_filters(client: TestClient) -> None:
    files = [("file", ("a.txt", b"Hello there.")), ("file", ("b.txt", b"Good day."))]
    sent(client, files=files, data={"metadata": json.dumps({"Author": "Ünal", "year": "2024"})})
    assert uris(client, where="author=ünal") == ["upload:a.txt", "upload:b.txt"]
    [document] = client.get("/v1/documents?where=uri=upload:a.txt").json()["documents"]
    assert document["metadata"]["year"] == "2024"


@pytest.mark.parametrize(
    "told",
    [
        {"metadata": "[]"},
        {"metadata": "{"},
        {"metadata": '{"year": 2024}'},
        {"metadata": json.dumps({str(number): "x" for number in range(51)})},
        {"metadata": json.dumps({"key": "x" * 1001})},
        {"metadata": json.dumps({"": "x"})},
        {"title": ""},
        {"title": "x" * 501},
        {"uri": ""},
        {"uri": "x" * 2001},
        {"uri": "file:///etc/passwd"},
        {"uri": "FILE:///etc/passwd"},
        {"uri": " file:///etc/passwd"},
        {"uri": "\tfile:///etc/passwd"},
        {"uri": "javascript:alert(1)"},
        {"uri": "data:text/html,x"},
        {"uri": "blob:x"},
        {"uri": "upload:a.zip!/b.txt"},
        {"uri": "a\nb"},
        {"more": "x"},
    ],
    ids=lambda told: "".join(f"{name}={value[:24]!r}" for name, value in told.items()),
)
def test_what_cannot_be_told_of_a_file_is_refused(
    standing_client: TestClient, told: dict[str, str]
) -> None:
    one = {"file": ("a.txt", b"Hello there.")}
    response = standing_client.post("/v1/documents", files=one, data=told)
    assert response.status_code == 422, response.text
    body = {"text": "Hello there.", **told}
    if "metadata" not in told:
        assert standing_client.post("/v1/documents", json=body).status_code == 422
    assert uris(standing_client) == ["test:library", "test:pool"]


def test_the_bytes_are_kept_before_they_are_taken_in(client: TestClient, server: Server) -> None:
    response = client.post("/v1/documents", json=NOTE)
    assert response.status_code == 202
    job = server.jobs.get(response.json()["id"])
    assert response.headers["Location"] == f"/v1/jobs/{job.id}"
    assert job.files[0].upload.spooled.bytes == len(NOTE["text"])
    assert "Preference-Applied" not in response.headers


def test_a_client_that_waits_has_the_job_when_it_is_over(client: TestClient) -> None:
    response = client.post("/v1/documents", json=NOTE, headers={"Prefer": "respond-async, wait=60"})
    assert response.status_code == 200
    assert response.headers["Preference-Applied"] == "wait=60"
    assert response.json()["state"] == "done"
    assert client.post("/v1/documents", json=NOTE, headers={"Prefer": "wait=0"}).status_code == 202


def test_an_archive_gives_several_documents(client: TestClient) -> None:
    files = {"a/tower.txt": b"The tower is 40 metres high.", "b.md": b"# Moat\n\nIt is deep."}
    [outcome] = outcomes(sent(client, files={"file": ("castle.zip", _zipped(files))}))
    assert (outcome["status"], outcome["documents"]) == ("added", 2)
    assert uris(client, where="uri~upload:castle*") == [
        "upload:castle.zip!/a/tower.txt",
        "upload:castle.zip!/b.md",
    ]
    body = client.post("/v1/ask", json={"question": "How high is the tower?"}).json()
    assert body["answers"][0]["citation"]["uri"] == "upload:castle.zip!/a/tower.txt"


def test_what_in_an_archive_cannot_be_read_is_told(client: TestClient) -> None:
    files = {"tower.txt": b"The tower is 40 metres high.", "bad.pdf": b"%PDF-1.7 nothing"}
    job = sent(client, files={"file": ("castle.zip", _zipped(files))})
    assert job["state"] == "done"
    first, second = outcomes(job)
    assert (first["status"], first["documents"]) == ("added", 1)
    assert (second["name"], second["status"]) == ("castle.zip!/bad.pdf", "failed")
    assert second["reason"].startswith("castle.zip!/bad.pdf: ")
    nothing = _zipped({"bad.pdf": b"%PDF-1.7 nothing"})
    refused = sent(client, files={"file": ("bad.zip", nothing)})
    assert refused["state"] == "failed"
    assert outcomes(refused)[0]["reason"].startswith("bad.zip!/bad.pdf: ")


def test_where_some_files_fail_the_others_go_in(client: TestClient) -> None:
    files = [("file", ("a.txt", b"Hello there.")), ("file", ("b.png", PNG))]
    job = sent(client, files=files)
    assert (job["state"], job["counts"]["added"], job["counts"]["failed"]) == ("done", 1, 1)
    assert [file["state"] for file in job["files"]] == ["done", "failed"]
    [reason] = [outcome["reason"] for outcome in job["files"][1]["outcomes"]]
    assert reason.startswith("b.png: ")


def test_where_no_file_goes_in_the_job_has_failed(client: TestClient) -> None:
    job = sent(client, files=[("file", ("a.txt", b"")), ("file", ("b.png", PNG))])
    assert job["state"] == "failed"
    assert [file["state"] for file in job["files"]] == ["failed", "failed"]
    assert all(outcome["document_id"] is None for outcome in outcomes(job))


def _zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_a_message_gives_its_text_and_its_attachments(client: TestClient) -> None:
    message = EmailMessage()
    message["Subject"], message["From"] = "The tower", "mara@larkfield.example"
    message.set_content("The tower is 40 metres high, as the survey found out.")
    message.add_attachment("The moat is 7 metres deep.", filename="moat.txt")
    sent(client, files={"file": ("survey.eml", message.as_bytes())})
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
        sent(client, files={"file": ("tower.txt", tower)}, data={"uri": uri})
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


def test_a_form_that_breaks_off_is_refused_whole(standing_client: TestClient) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\nHello.\r\n'
    for content in (part % b"a.txt", part % b"a.txt" + (part % b"b.txt")[:-9]):
        response = standing_client.post(
            "/v1/documents",
            content=content,
            headers={"Content-Type": "multipart/form-data; boundary=x"},
        )
        assert response.status_code == 400
    assert uris(standing_client) == ["test:library", "test:pool"]


def test_more_files_than_a_form_may_have_are_refused(standing_client: TestClient) -> None:
    files = [("file", (f"{number}.txt", b"Hello.")) for number in range(101)]
    assert standing_client.post("/v1/documents", files=files).status_code == 400


def test_a_collection_holds_no_more_documents_than_it_may(
    client: TestClient, server: Server
) -> None:
    arrivals = server.jobs.arrivals
    arrivals._bounds = replace(arrivals._bounds, documents=3)
    sent(client, json={**NOTE, "uri": "test:parking"})
    full = client.post("/v1/documents", json={**NOTE, "uri": "test:other"})
    assert full.status_code == 409
    assert "may hold 3 documents" in full.json()["detail"]
    sent(client, json={"text": "A permit is free.", "uri": "test:parking"})


# Lists


def _pages(client: TestClient, limit: int) -> Iterator[list[str]]:
    """The URIs on each page, which is asked for when its turn comes."""
    cursor: str | None = None
    while True:
        query: dict[str, str | int] = {"limit": limit}
        if cursor is not None:
            query["cursor"] = cursor
        page = client.get("/v1/documents", params=query).json()
        assert len(page["documents"]) <= limit
        yield [document["uri"] for document in page["documents"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def test_a_list_is_gone_through_by_pages(client: TestClient) -> None:
    for number in range(7):
        sent(client, json={"text": f"Text {number}.", "uri": f"t:{number}"})
    seen = [uri for page in _pages(client, 2) for uri in page]
    assert seen == [*(f"t:{number}" for number in range(7)), "test:library", "test:pool"]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    limit=st.integers(1, 4),
    changes=st.lists(
        st.tuples(st.sampled_from(["m:0", "m:2", "m:4", "m:6", "m:8"]), st.booleans())
    ),
)
def test_what_is_there_all_the_time_is_listed_once_whatever_comes_and_goes(
    client: TestClient, engine: Engine, limit: int, changes: list[tuple[str, bool]]
) -> None:
    engine.remove([document.id for document in engine.store.documents()])
    standing = ["m:1", "m:3", "m:5", "m:7"]
    for uri in standing:
        engine.add_bytes(f"About {uri}".encode(), uri=uri, name="a.txt")
    seen: list[str] = []
    for page in _pages(client, limit):
        seen += page
        if changes:
            uri, comes = changes.pop()
            found = engine.store.find(uri)
            if comes and found is None:
                engine.add_bytes(f"About {uri}".encode(), uri=uri, name="a.txt")
            elif not comes and found is not None:
                engine.remove([found.id])
    assert [uri for uri in seen if uri in standing] == standing
    assert len(seen) == len(set(seen))


def test_a_cursor_is_good_for_its_own_list_only(client: TestClient) -> None:
    page = client.get("/v1/documents", params={"limit": 1}).json()
    cursor = page["next_cursor"]
    assert client.get("/v1/documents", params={"cursor": cursor}).status_code == 200
    refused: list[dict[str, str | int]] = [
        {"cursor": cursor, "where": "uri~test:*"},
        {"cursor": cursor[:-2]},
        {"cursor": "é"},
        {"cursor": ""},
        {"limit": 0},
        {"limit": 1001},
    ]
    for query in refused:
        assert client.get("/v1/documents", params=query).status_code == 422, query


def test_a_list_that_is_known_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/v1/documents")
    known = {"If-None-Match": first.headers["ETag"]}
    again = client.get("/v1/documents", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    sent(client, json=NOTE)
    assert client.get("/v1/documents", headers=known).status_code == 200


# Texts and removal


def test_a_range_of_the_text_is_what_citations_mean_by_it(client: TestClient) -> None:
    [outcome] = outcomes(sent(client, json={"text": "Tür 🚪 zu."}))
    path = f"/v1/documents/{outcome['document_id']}/text"
    whole = client.get(path).json()
    assert (whole["start"], whole["end"], whole["characters"]) == (0, 9, 9)
    for start in range(10):
        for end in range(start, 10):
            part = client.get(path, params={"start": start, "end": end}).json()
            assert part["text"] == whole["text"][start:end]
    for start, end in ((5, 4), (0, 10), (10, 11), (-1, 3)):
        assert client.get(path, params={"start": start, "end": end}).status_code == 422
    assert client.get("/v1/documents/nothing/text").status_code == 404


def test_a_document_that_has_changed_is_not_removed_by_mistake(client: TestClient) -> None:
    [outcome] = outcomes(sent(client, json={**NOTE, "uri": "test:parking"}))
    path = f"/v1/documents/{outcome['document_id']}"
    before = client.get(path).headers["ETag"]
    sent(client, json={"text": "A permit is free.", "uri": "test:parking"})
    refused = client.delete(path, headers={"If-Match": before})
    assert refused.status_code == 412
    now = client.get(path).headers["ETag"]
    assert client.delete(path, headers={"If-Match": f'"x", {now}'}).status_code == 204


def test_a_removal_that_is_refused_calls_nothing_off(client: TestClient, server: Server) -> None:
    [outcome] = outcomes(sent(client, json={**NOTE, "uri": "test:parking"}))
    path = f"/v1/documents/{outcome['document_id']}"
    body = {"text": "A permit is free.", "uri": "test:parking"}
    job = client.post("/v1/documents", json=body).json()["id"]
    assert client.delete(path, headers={"If-Match": '"another"'}).status_code == 412
    until(lambda: server.jobs.waiting().files == 0)
    assert client.get(f"/v1/jobs/{job}").json()["state"] == "done"
    assert client.get(f"{path}/text").json()["text"] == "A permit is free."


def test_only_what_is_sent_to_the_documents_may_be_large(client: TestClient) -> None:
    form = {"file": ("a.txt", b"x" * (9 * 2**20))}
    refused = client.post("/v1/ask", files=form)
    assert refused.status_code == 413
    assert "8 MiB" in refused.json()["detail"]


def test_what_was_accepted_before_a_removal_does_not_come_back(
    client: TestClient, server: Server
) -> None:
    [outcome] = outcomes(sent(client, json={**NOTE, "uri": "test:parking"}))
    path = f"/v1/documents/{outcome['document_id']}"
    late = [
        client.post(
            "/v1/documents", json={"text": f"A permit costs {number}.", "uri": "test:parking"}
        ).json()["id"]
        for number in range(5)
    ]
    assert client.delete(path).status_code == 204
    states = {client.get(f"/v1/jobs/{job}").json()["state"] for job in late}
    assert states <= {"done", "cancelled"}
    assert uris(client, where="uri=test:parking") == []
    sent(client, json={**NOTE, "uri": "test:parking"})
    assert uris(client, where="uri=test:parking") == ["test:parking"]


def test_documents_with_very_long_uris_are_gone_through_by_pages(
    client: TestClient, engine: Engine
) -> None:
    long = [f"t:{'x' * 1500}{number}" for number in range(4)]
    for uri in long:
        engine.add_bytes(f"About {uri[-1]}".encode(), uri=uri, name="a.txt")
    seen = [uri for page in _pages(client, 1) for uri in page]
    assert seen == [*long, "test:library", "test:pool"]
    found = [uri for page in _pages(client, 3) for uri in page]
    assert found == seen


def test_each_write_leaves_a_line_on_the_trail(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "pincite.audit"):
        job = sent(client, json={**NOTE, "title": "A secret title"})
        [outcome] = outcomes(job)
        client.delete(f"/v1/documents/{outcome['document_id']}")
        client.delete(f"/v1/jobs/{job['id']}")
        client.post("/v1/collections", json={"name": "castle"})
        client.delete("/v1/collections/castle")
        client.get("/v1/documents")
    lines = [vars(record)["facts"] for record in caplog.records if record.name == "pincite.audit"]
    assert [(line["action"], line["collection"], line["outcome"]) for line in lines] == [
        ("documents.add", "default", "accepted"),
        ("document.remove", "default", "done"),
        ("job.cancel", "default", "done"),
        ("collection.create", "castle", "done"),
        ("collection.remove", "castle", "done"),
    ]
    assert (lines[0]["job"], lines[1]["document"]) == (job["id"], outcome["document_id"])
    assert "secret" not in str(lines)
