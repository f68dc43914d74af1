"""The four tools: what each takes, what it gives, and how that reads as text.

They only read. Offsets are Unicode code points, zero-based and half-open.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pydantic import Field

from index.documents import Document
from index.errors import InvalidQuestion
from index.filters import parse
from index.retriever import MOST_CHARACTERS
from qa.answers import ANSWERS, Citation, Options, Reply, cite
from service.bodies import reply_body, search_body
from service.engine import Engine
from service.host.collections import DEFAULT
from service.http.documents import documents_page
from service.schemas import (
    EXAMPLE_WHERE,
    MOST_ANSWERS,
    MOST_CONDITIONS,
    WHERE,
    DocumentsBody,
    ReplyBody,
    SearchBody,
    Text,
    TextBody,
    Wire,
)
from service.schemas.answers import Include
from service.schemas.base import END, EXAMPLE_ID, ID, START
from service.text import (
    around,
    confidence_in_words,
    counted,
    percentage,
    place,
    range_of,
    shown,
    visible,
)

# So many characters are read at once, and so many are unless told.
MOST_READ = 20_000
READ = 8_000

_MOST_FOUND = 50
_MOST_LISTED = 200
_NEAREST = 3
_INCLUDED: tuple[Include, ...] = ("hits",)
_COLLECTION = "The collection to look in."

ArgumentsT = TypeVar("ArgumentsT", bound="Arguments")
BodyT = TypeVar("BodyT", bound=Wire)


class Arguments(Wire):
    """What every tool takes."""

    collection: Text = Field(default=DEFAULT, description=_COLLECTION, max_length=63)


class AskArguments(Arguments):
    """A question."""

    question: Text = Field(
        description="The question, as one would ask a person.", max_length=MOST_CHARACTERS
    )
    top_k: int = Field(
        default=ANSWERS, description="The most answers to give.", ge=1, le=MOST_ANSWERS
    )
    min_confidence: float | None = Field(
        default=None,
        description="Give no answer below this, from 0 to 1; the reader's own threshold unless "
        "given.",
        ge=0,
        le=1,
    )
    where: list[Text] = Field(
        default=[], description=WHERE, max_length=MOST_CONDITIONS, examples=[EXAMPLE_WHERE]
    )


class SearchArguments(Arguments):
    """A query for passages."""

    query: Text = Field(description="What to look for.", max_length=MOST_CHARACTERS)
    top_k: int = Field(default=5, description="The most passages to give.", ge=1, le=_MOST_FOUND)
    where: list[Text] = Field(
        default=[], description=WHERE, max_length=MOST_CONDITIONS, examples=[EXAMPLE_WHERE]
    )


class ReadArguments(Arguments):
    """A range of a document."""

    document_id: Text = Field(description=ID, max_length=200, examples=[EXAMPLE_ID])
    start: int = Field(default=0, description=START, ge=0)
    end: int | None = Field(
        default=None,
        description=f"{END} {READ:,} characters from start unless given; at most {MOST_READ:,} are "
        "given at once, and none beyond the document's end.",
        ge=0,
    )


class ListArguments(Arguments):
    """Which documents to list."""

    where: list[Text] = Field(
        default=[], description=WHERE, max_length=MOST_CONDITIONS, examples=[EXAMPLE_WHERE]
    )
    limit: int = Field(default=50, description="The most to give.", ge=1, le=_MOST_LISTED)
    cursor: Text | None = Field(
        default=None,
        description="Where to go on: the next_cursor of the list before, with the same conditions.",
        max_length=8_000,
    )


@dataclass(frozen=True, slots=True)
class Tool(Generic[ArgumentsT, BodyT]):
    """A tool: what it is called and for, what it takes and gives, and what it does.

    `act` gives the result and the same as text, which is safe to show. `works` tells that the
    models have to work for it, so that it must wait for its turn.
    """

    name: str
    title: str
    description: str
    takes: type[ArgumentsT]
    gives: type[BodyT]
    act: Callable[[Engine, ArgumentsT], tuple[BodyT, str]]
    works: bool = False


def _ask(engine: Engine, asked: AskArguments) -> tuple[ReplyBody, str]:
    options = Options(
        answers=asked.top_k, min_confidence=asked.min_confidence, where=parse(asked.where)
    )
    reply = engine.ask(asked.question, options)
    nearest = engine.locate(reply.hits[:_NEAREST]) if reply.abstained else []
    # The passages themselves are for who finds no answer.
    short = replace(reply, hits=tuple(hit for hit, _ in nearest))
    body = reply_body(short, asked.collection, _INCLUDED)
    return body, _reply_text(reply, [citation for _, citation in nearest])


def _reply_text(reply: Reply, nearest: Sequence[Citation]) -> str:
    lines = []
    for number, answer in enumerate(reply.answers, 1):
        citation = answer.citation
        start = citation.start - answer.sentence_start
        before, quote, after = around(answer.sentence, start, start + len(answer.text))
        sure = f"{percentage(answer.confidence)} ({confidence_in_words(answer.confidence)})"
        lines += [
            f"{number}. {before}«{quote}»{after}",
            f"   {_place(citation)}",
            f"   confidence {sure}",
            *(f"   also {_place(also)}: «{shown(also.text)}»" for also in answer.also_at),
        ]
    if reply.abstained:
        lines.append(visible(reply.reason or "The documents do not say."))
        if nearest:
            lines += ["The nearest passages:", *_passages(nearest)]
    return "\n".join(lines)


def _search(engine: Engine, asked: SearchArguments) -> tuple[SearchBody, str]:
    found = engine.locate(engine.search(asked.query, asked.top_k, parse(asked.where)))
    body = search_body(asked.query, found, asked.collection)
    lines = _passages([citation for _, citation in found])
    return body, "\n".join(lines) or "Nothing was found."


def _passages(citations: Sequence[Citation]) -> list[str]:
    return [
        line
        for number, citation in enumerate(citations, 1)
        for line in (f"{number}. {_place(citation)}", f"   {shown(citation.text)}")
    ]


def _place(citation: Citation) -> str:
    return f"{place(citation)} (document {citation.document_id})"


def _read(engine: Engine, asked: ReadArguments) -> tuple[TextBody, str]:
    document = engine.store.document(asked.document_id)
    characters = len(document.text)
    end = asked.start + READ if asked.end is None else asked.end
    if not asked.start <= min(end, characters):
        raise InvalidQuestion(
            f"characters {asked.start} to {end} were asked for, and the document has "
            f"{characters:,}; ask for 0 <= start <= end <= {characters}"
        )
    end = min(end, asked.start + MOST_READ, characters)
    body = TextBody(
        document_id=document.id,
        start=asked.start,
        end=end,
        text=document.text[asked.start : end],
        characters=characters,
    )
    return body, _read_text(document, body)


def _read_text(document: Document, body: TextBody) -> str:
    where = place(cite(document, body.start, body.end))
    left = body.characters - body.end
    more = f"\n[{counted(left, 'more character')} from {body.end} on]" if left else ""
    return f"{where}, of {body.characters:,}:\n\n{visible(body.text, keep=chr(10) + chr(9))}{more}"


def _list(engine: Engine, asked: ListArguments) -> tuple[DocumentsBody, str]:
    body = documents_page(engine.store, asked.collection, asked.where, asked.cursor, asked.limit)
    lines = [
        f"{one.id}  {shown(one.title)} ({shown(one.uri)}, {range_of(0, one.characters)})"
        for one in body.documents
    ]
    if body.next_cursor is not None:
        lines.append("There are more; go on with next_cursor.")
    return body, "\n".join(lines) or "There are no such documents."


TOOLS: tuple[Tool[Any, Any], ...] = (
    Tool(
        "ask",
        "Ask the documents",
        "Answers a question with verbatim quotes from the person's own documents, each with its "
        "exact place and how sure the answer is. Nothing is made up: where the documents do not "
        "say, there is no answer, and the nearest passages are given instead. One question at a "
        "time; cite what is quoted by its title and place.",
        AskArguments,
        ReplyBody,
        _ask,
        works=True,
    ),
    Tool(
        "search",
        "Search the documents",
        "Finds the passages that fit a query best, with their places. For reading around a "
        "subject, or where ask finds no answer.",
        SearchArguments,
        SearchBody,
        _search,
        works=True,
    ),
    Tool(
        "read",
        "Read a document",
        "Gives a range of a document's text, by the document's id and character offsets as "
        "citations have them; for what stands before and after a quote.",
        ReadArguments,
        TextBody,
        _read,
    ),
    Tool(
        "list",
        "List the documents",
        "Lists the documents that can be asked, a page at a time, with their ids, titles, sizes "
        "and metadata.",
        ListArguments,
        DocumentsBody,
        _list,
    ),
)
