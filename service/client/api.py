"""What the server offers, as methods that take and give what the wire models say."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from copy import copy
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack
from urllib.parse import quote

from pydantic import BaseModel

from service.client.transport import BodyT, More, Transport, Unreachable, as_json, read
from service.schemas import (
    AnswerBody,
    AskRequest,
    BatchBody,
    BatchRequest,
    CitationBody,
    CollectionBody,
    CollectionRequest,
    CollectionsBody,
    DocumentBody,
    DocumentsBody,
    FeedbackBody,
    FeedbackRequest,
    Include,
    JobBody,
    JobsBody,
    JudgementBody,
    KeyBody,
    KeyRequest,
    KeysBody,
    MadeKeyBody,
    PartialReplyBody,
    ReplyBody,
    SearchBody,
    SearchRequest,
    StageBody,
    StatsBody,
    StatusBody,
    SummaryBody,
    TextBody,
    TextRequest,
    VerdictBody,
    VerifyRequest,
)

if TYPE_CHECKING:
    import httpx

ADDRESS = "http://127.0.0.1:8000"

# The most seconds that one request can have the server wait for a job.
_MOST_WAIT = 60
# A batch may take so many seconds more for each of its questions.
_FOR_EACH = 5.0
# Between two looks at a job, in seconds.
_SOONEST, _LATEST = 0.1, 2.0

_OVER = frozenset({"done", "failed", "cancelled"})


class Options(TypedDict, total=False):
    """How to answer; see `AskOptions`. What is left out is as the server has it."""

    top_k: int
    passages: int
    min_confidence: float | None
    enough: float | None
    documents: list[str] | None
    where: list[str]
    include: list[Include] | None


_PageT = TypeVar("_PageT", DocumentsBody, FeedbackBody, JobsBody)


class Client:
    """A client of one server, and of one of its collections. Safe to use from several threads.

    Every method may raise `Refused`, with the server's problem, and `Unreachable`. What the server
    has no room for is sent again when it says, a few times; writes are made once all the same.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        collection: str = "default",
        seconds: float = 60.0,
        tries: int = 4,
        http: "httpx.Client | None" = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the server's address and a key for it: PINCITE_URL and PINCITE_KEY unless given.

        `seconds` is how long one request may take, beside what it asks the server to wait for and
        5 s for each question of `ask_many`; `tries` how often it is sent at most. `http` is what
        sends them, within its own limits and with the address as its base; it is not closed here.

        Raises:
            MissingExtra: httpx is not installed.
            InvalidSettings: the address, or the key, cannot be one.
        """
        if http is None:
            url, key = _where(url, key)
        self._transport = Transport(
            url or ADDRESS, key, seconds=seconds, tries=tries, http=http, sleep=sleep
        )
        self._collection = collection
        self._shares = False

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, if they are this client's own."""
        if not self._shares:
            self._transport.close()

    def within(self, collection: str) -> "Client":
        """A client of another collection of the same server; it shares this one's connections."""
        other = copy(self)
        other._collection = collection
        other._shares = True
        return other

    # Questions.

    def ask(self, question: str, **options: Unpack[Options]) -> ReplyBody:
        """Answer one question."""
        return self._post(ReplyBody, "/v1/ask", AskRequest(question=question, **options))

    def asking(self, question: str, **options: Unpack[Options]) -> Iterator[ReplyBody]:
        """The reply so far whenever more passages were read (`PartialReplyBody`), then the reply.

        Closing the iterator stops the reading. What the server has no room for is not sent again.
        """
        path, asked = "/v1/ask", AskRequest(question=question, **options)
        events = self._transport.events("POST", path, self._query(), lambda: as_json(asked))
        for event, data in events:
            if event == "partial":
                yield read(PartialReplyBody, data, path)
            elif event == "reply":
                yield read(ReplyBody, data, path)
                return
        raise Unreachable("the server broke the reply off; ask again")

    def ask_many(self, questions: Sequence[str], **options: Unpack[Options]) -> list[ReplyBody]:
        """Answer several questions: one reply each, in order, or none at all."""
        asked = BatchRequest(questions=list(questions), **options)
        longer = _FOR_EACH * len(asked.questions)
        return self._post(BatchBody, "/v1/ask/batch", asked, longer=longer).replies

    def search(
        self,
        query: str,
        *,
        top_k: int | None = None,
        diversity: float | None = None,
        where: Sequence[str] = (),
    ) -> SearchBody:
        """The passages that fit a query best."""
        asked = _given(query=query, top_k=top_k, diversity=diversity, where=list(where))
        return self._post(SearchBody, "/v1/search", SearchRequest.model_validate(asked))

    def verify(self, citation: CitationBody, text: str) -> VerdictBody:
        """Whether a quote still stands where its citation says, has moved, or is gone."""
        claim = VerifyRequest(
            document_id=citation.document_id,
            start=citation.start,
            end=citation.end,
            text=text,
            prefix=citation.prefix,
            suffix=citation.suffix,
            uri=citation.uri,
        )
        return self._post(VerdictBody, "/v1/verify", claim)

    def mark(
        self, question: str, right: bool, answer: AnswerBody | None = None, note: str | None = None
    ) -> JudgementBody:
        """Say that an answer is right or wrong; without one, that a reply without answers is."""
        said: dict[str, Any] = _given(question=question, right=right, note=note)
        if answer is not None:
            citation = answer.citation
            said |= {
                "document_id": citation.document_id,
                "start": citation.start,
                "end": citation.end,
                "text": answer.text,
                "confidence": answer.confidence,
            }
        return self._post(JudgementBody, "/v1/feedback", FeedbackRequest.model_validate(said))

    def feedback(self) -> Iterator[JudgementBody]:
        """What was said of answers, newest first; for administrators."""
        for page in self._pages(FeedbackBody, "/v1/feedback"):
            yield from page.feedback

    # Documents.

    def upload(
        self,
        *files: str | Path | tuple[str, bytes],
        uri: str | None = None,
        title: str | None = None,
        metadata: Mapping[str, str] | None = None,
        wait: float = 60.0,
    ) -> JobBody:
        """Send files, each a path or a name with its bytes; they are one job.

        The job as it is when it is over, or after `wait` seconds in all. `uri` and `title` are for
        one file only.
        """
        deadline = time.monotonic() + wait
        told = None if metadata is None else json.dumps(dict(metadata))
        fields = _given(uri=uri, title=title, metadata=told)
        with ExitStack() as stack:
            parts = [_part(stack, file) for file in files]

            def content() -> dict[str, Any]:
                for _, (_, stream) in parts:
                    stream.seek(0)
                return {"files": parts, "data": fields}

            job = self._upload(content, wait)
        return self.finished(job, deadline - time.monotonic())

    def upload_text(
        self,
        text: str,
        *,
        uri: str | None = None,
        title: str | None = None,
        media_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        wait: float = 60.0,
    ) -> JobBody:
        """Send a text; see `upload`."""
        deadline = time.monotonic() + wait
        told = _given(text=text, uri=uri, title=title, media_type=media_type, metadata=metadata)
        body = TextRequest.model_validate(told)
        job = self._upload(lambda: as_json(body), wait)
        return self.finished(job, deadline - time.monotonic())

    def _upload(self, content: Callable[[], dict[str, Any]], wait: float) -> JobBody:
        seconds = min(_MOST_WAIT, int(wait))
        return self._transport.send(
            JobBody,
            "POST",
            "/v1/documents",
            self._query(),
            headers={"Prefer": f"wait={seconds}"} if seconds > 0 else {},
            content=content,
            longer=max(0, seconds),
        )

    def job(self, job_id: str) -> JobBody:
        """How far an upload is."""
        return self._get(JobBody, f"/v1/jobs/{_quoted(job_id)}")

    def jobs(self, *states: str) -> Iterator[JobBody]:
        """The collection's uploads, newest first; only those in these states, if any are given."""
        for page in self._pages(JobsBody, "/v1/jobs", state=list(states)):
            yield from page.jobs

    def following(self, job_id: str) -> Iterator[JobBody | StageBody]:
        """An upload as it is taken in: how far its present file is, and the job when it changes.

        The last one is the job when it is over.
        """
        path = f"/v1/jobs/{_quoted(job_id)}/events"
        for event, data in self._transport.events("GET", path, self._query()):
            if event == "progress":
                yield read(StageBody, data, path)
            elif event in ("job", "done"):
                yield read(JobBody, data, path)
            if event == "done":
                return
        raise Unreachable("the server is being stopped; follow the job again later")

    def finished(self, job: JobBody, seconds: float) -> JobBody:
        """The job as it is when it is over, or after so many seconds."""
        deadline = time.monotonic() + seconds
        pause = _SOONEST
        while job.state not in _OVER and time.monotonic() < deadline:
            self._transport.sleep(min(pause, max(0.0, deadline - time.monotonic())))
            pause = min(_LATEST, 1.5 * pause)
            job = self.job(job.id)
        return job

    def cancel(self, job_id: str) -> JobBody:
        """Let nothing more of an upload be taken in."""
        path = f"/v1/jobs/{_quoted(job_id)}"
        return self._transport.send(JobBody, "DELETE", path, self._query())

    def documents(self, where: Sequence[str] = (), *, page: int = 100) -> Iterator[SummaryBody]:
        """The documents that fit, in the order of their URIs; `page` are asked for at once."""
        for found in self._pages(DocumentsBody, "/v1/documents", where=list(where), limit=page):
            yield from found.documents

    def document(self, document_id: str) -> DocumentBody:
        """A whole document."""
        return self._get(DocumentBody, f"/v1/documents/{_quoted(document_id)}")

    def text(self, document_id: str, start: int = 0, end: int | None = None) -> TextBody:
        """A range of a document's text: code points, zero-based and half-open."""
        path = f"/v1/documents/{_quoted(document_id)}/text"
        return self._get(TextBody, path, start=start, end=end)

    def original(self, document_id: str) -> bytes:
        """The bytes of the file that a document was read from."""
        return self._bytes(f"/v1/documents/{_quoted(document_id)}/original")

    def page_image(self, document_id: str, page: int, width: int = 1200) -> bytes:
        """A page of a PDF, one-based, as a PNG of so many pixels across at most."""
        return self._bytes(f"/v1/documents/{_quoted(document_id)}/pages/{page}.png", width=width)

    def remove(self, document_id: str) -> None:
        """Remove a document."""
        self._delete(f"/v1/documents/{_quoted(document_id)}")

    # The server.

    def collections(self) -> list[CollectionBody]:
        """The collections that the key opens."""
        return self._get(CollectionsBody, "/v1/collections").collections

    def create_collection(self, name: str) -> CollectionBody:
        """Make an empty collection; for administrators."""
        return self._post(CollectionBody, "/v1/collections", CollectionRequest(name=name))

    def remove_collection(self, name: str) -> None:
        """Remove a collection with all that is in it; for administrators."""
        self._delete(f"/v1/collections/{_quoted(name)}")

    def keys(self) -> list[KeyBody]:
        """The keys, without their secrets; for administrators."""
        return self._get(KeysBody, "/v1/keys").keys

    def create_key(self, wanted: KeyRequest) -> MadeKeyBody:
        """Make a key, which is given this once; for administrators."""
        # Made twice, there would be a key that nobody knows of.
        return self._post(MadeKeyBody, "/v1/keys", wanted, once=True)

    def revoke_key(self, key_id: str) -> None:
        """Let a key open nothing any more; for administrators."""
        self._delete(f"/v1/keys/{_quoted(key_id)}")

    def status(self) -> StatusBody:
        """What the collection's index holds and what it was made with."""
        return self._get(StatusBody, "/v1/status")

    def stats(self) -> StatsBody:
        """What the server holds and does, as far as the key opens it."""
        return self._get(StatsBody, "/v1/stats")

    # How it is sent.

    def _post(self, gives: type[BodyT], path: str, body: BaseModel, **more: Unpack[More]) -> BodyT:
        more["content"] = lambda: as_json(body)
        return self._transport.send(gives, "POST", path, self._query(), **more)

    def _get(self, gives: type[BodyT], path: str, **query: object) -> BodyT:
        return self._transport.send(gives, "GET", path, self._query(**query))

    def _bytes(self, path: str, **query: object) -> bytes:
        return bytes(self._transport.answer("GET", path, self._query(**query)).content)

    def _delete(self, path: str) -> None:
        self._transport.answer("DELETE", path, self._query())

    def _pages(self, gives: type[_PageT], path: str, **query: object) -> Iterator[_PageT]:
        cursor: str | None = None
        while True:
            page = self._get(gives, path, **query, cursor=cursor)
            yield page
            cursor = page.next_cursor
            if cursor is None:
                return

    def _query(self, **query: object) -> dict[str, object]:
        return {"collection": self._collection, **_given(**query)}


def _where(url: str | None, key: str | None) -> tuple[str, str | None]:
    """The server's address and the key for it: what is given, or what the environment says.

    A key of the environment is for the server of the environment alone.
    """
    from service import configuration
    from service.settings import remote

    if url is not None:
        return str(configuration.read("url", configuration.Web(), url)), key
    found = remote()
    return found.url or ADDRESS, found.key if key is None else key


def _given(**options: object) -> dict[str, Any]:
    """What was given: the server has its own defaults for the rest."""
    return {name: value for name, value in options.items() if value is not None}


def _part(
    stack: ExitStack, file: str | Path | tuple[str, bytes]
) -> tuple[str, tuple[str, IO[bytes]]]:
    if isinstance(file, tuple):
        name, data = file
        return "file", (name, BytesIO(data))
    path = Path(file)
    return "file", (path.name, stack.enter_context(path.open("rb")))


def _quoted(segment: str) -> str:
    return quote(segment, safe="")
