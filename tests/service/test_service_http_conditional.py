import asyncio
import base64
import gzip

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.requests import Request
from uploading import outcomes, sent

from service.errors import PreconditionFailed
from service.http.conditional import (
    compressed_tag,
    not_modified,
    range_wanted,
    require_match,
    tag,
)
from service.http.encoding import HeadAsGet
from service.http.paging import read_cursor, write_cursor

PARTS = st.lists(st.text(max_size=5), max_size=4)


def request(**headers: str) -> Request:
    raw = [
        (name.replace("_", "-").encode(), value.encode("latin-1"))
        for name, value in headers.items()
    ]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": raw})


@given(PARTS, PARTS)
def test_tags_are_equal_where_the_parts_are(one: list[str], other: list[str]) -> None:
    assert (tag(*one) == tag(*other)) == (one == other)


@pytest.mark.parametrize(
    ("listed", "known", "matches"),
    [
        (None, False, True),
        ("*", True, True),
        ('"a"', True, True),
        ('W/"a"', True, False),
        ('"b", "a"', True, True),
        ('"b" , W/"a","c"', True, False),
        ('"a-gzip"', True, True),
        ('"b"', False, False),
        ("a", False, False),
        ('"ab"', False, False),
        ("", False, False),
    ],
)
def test_conditions_on_tags(listed: str | None, known: bool, matches: bool) -> None:
    told = {} if listed is None else {"if_none_match": listed}
    assert not_modified(request(**told), '"a"') is known
    told = {} if listed is None else {"if_match": listed}
    if matches:
        require_match(request(**told), lambda: '"a"')
    else:
        with pytest.raises(PreconditionFailed):
            require_match(request(**told), lambda: '"a"')


def test_what_is_compressed_has_a_tag_of_its_own() -> None:
    etag = tag("x")
    assert compressed_tag(etag) != etag
    assert not_modified(request(if_none_match=compressed_tag(etag)), etag)


@given(
    size=st.integers(1, 40),
    first=st.none() | st.integers(0, 50),
    last=st.none() | st.integers(0, 50),
)
def test_a_range_is_the_bytes_it_names(size: int, first: int | None, last: int | None) -> None:
    asked = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    numbers = list(range(size))
    if first is not None:
        wanted = [n for n in numbers if n >= first and (last is None or n <= last)]
    else:
        wanted = [] if not last else numbers[-last:]
    if first is None and last is None:
        assert range_wanted(request(range=asked), '"a"', size) is None
    elif wanted:
        found = range_wanted(request(range=asked), '"a"', size)
        assert found is not None
        assert numbers[slice(*found)] == wanted
    else:
        with pytest.raises(HTTPException) as refused:
            range_wanted(request(range=asked), '"a"', size)
        assert refused.value.status_code == 416


# Cursors

PLACES = st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=3)


@given(query=PARTS, place=PLACES)
def test_a_cursor_comes_back_as_the_place_it_was_made_of(
    query: list[str], place: list[str]
) -> None:
    cursor = write_cursor(query, place)
    assert read_cursor(cursor, query, [str] * len(place)) == place
    with pytest.raises(HTTPException):
        read_cursor(cursor, [*query, "x"], [str] * len(place))
    with pytest.raises(HTTPException):
        read_cursor(cursor, query, [*([str] * len(place)), int])


@given(place=PLACES, data=st.data())
def test_a_cursor_that_was_changed_is_refused(place: list[str], data: st.DataObject) -> None:
    cursor = write_cursor(["q"], place)
    at = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.characters(codec="utf-8"))
    changed = cursor[:at] + other + cursor[at + 1 :]
    # The last character of base64 may hold bits that say nothing.
    if changed == cursor or at == len(cursor) - 1:
        return
    with pytest.raises(HTTPException) as refused:
        read_cursor(changed, ["q"], [str] * len(place))
    assert refused.value.status_code == 422


# Compression and HEAD


def test_large_responses_are_compressed_for_those_who_take_it(client: TestClient) -> None:
    [outcome] = outcomes(sent(client, json={"text": "The tower is high. " * 200}))
    path = f"/v1/documents/{outcome['document_id']}"
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in response.headers["Vary"]
        packed = b"".join(response.iter_raw())
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed) == plain.content
    assert len(packed) < len(plain.content) / 4
    tags = {response.headers["ETag"], plain.headers["ETag"]}
    assert len(tags) == 2
    for known in tags:
        assert client.get(path, headers={"If-None-Match": known}).status_code == 304
    assert client.delete(path, headers={"If-Match": response.headers["ETag"]}).status_code == 204
    assert "Content-Encoding" not in client.get("/healthz").headers


@pytest.mark.parametrize("path", ["/v1/documents", "/v1/collections", "/healthz", "/v1/jobs"])
def test_head_is_get_without_the_body(standing_client: TestClient, path: str) -> None:
    got, head = standing_client.get(path), standing_client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Type", "Content-Length", "ETag"):
        assert head.headers.get(name) == got.headers.get(name)
    assert standing_client.head("/v1/nothing").status_code == 404


def test_head_of_a_stream_ends_at_once(client: TestClient) -> None:
    job = sent(client, json={"text": "Hello."})["id"]
    response = client.head(f"/v1/jobs/{job}/events")
    assert (response.status_code, response.content) == (200, b"")


def test_head_of_what_never_ends_is_left_after_its_beginning() -> None:
    async def endless(scope: object, receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        while True:
            await send({"type": "http.response.body", "body": b"x", "more_body": True})  # type: ignore[operator]

    told: list[dict[str, object]] = []

    async def run() -> None:
        async def send(message: object) -> None:
            told.append(dict(message))  # type: ignore[call-overload]

        scope = {"type": "http", "method": "HEAD", "path": "/"}
        await HeadAsGet(endless)(scope, None, send)  # type: ignore[arg-type]
        assert scope["method"] == "HEAD"

    asyncio.run(run())
    assert [message["type"] for message in told] == ["http.response.start", "http.response.body"]
    assert told[1]["body"] == b""


def test_the_description_names_the_header_fields(standing_client: TestClient) -> None:
    paths = standing_client.get("/openapi.json").json()["paths"]

    def fields(method: str, path: str) -> set[str]:
        parameters = paths[path][method].get("parameters", [])
        return {one["name"] for one in parameters if one["in"] == "header"}

    assert fields("post", "/v1/documents") == {"Prefer", "Idempotency-Key"}
    assert fields("get", "/v1/documents") == {"If-None-Match"}
    assert fields("delete", "/v1/documents/{document_id}") == {"If-Match", "Idempotency-Key"}
    assert fields("get", "/v1/documents/{document_id}/original") == {"Range", "If-None-Match"}
    assert fields("post", "/v1/collections") == {"Idempotency-Key"}
    assert fields("post", "/v1/keys") == set()


@pytest.mark.parametrize(
    ("place", "kinds"),
    [
        (["\ud800", "id"], [str, str]),
        (["a", "\udfff"], [str, str]),
        ([10**30], [int]),
        ([2**63], [int]),
        ([-(2**63) - 1], [int]),
        ([True], [int]),
    ],
)
def test_a_cursor_holds_only_what_can_be_asked_for(place: list[object], kinds: list[type]) -> None:
    cursor = write_cursor(["q"], place)
    with pytest.raises(HTTPException) as refused:
        read_cursor(cursor, ["q"], kinds)
    assert refused.value.status_code == 422


def test_a_cursor_may_be_nested_as_deep_as_it_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.http.paging._seal", lambda *_: b"0" * 9)
    deep = base64.urlsafe_b64encode(b"0" * 9 + b"[" * 5_000).decode()
    with pytest.raises(HTTPException) as refused:
        read_cursor(deep, ["q"], [int])
    assert refused.value.status_code == 422
