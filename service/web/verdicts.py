"""What a person says of an answer on the page."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse, Response

from service.errors import Conflict
from service.http.access import Access, ReadAccess
from service.http.feedback import give_feedback
from service.schemas import FeedbackRequest
from service.web.forms import LONGEST, made_of, own
from service.web.showing import digest_of

router = APIRouter(include_in_schema=False)


@router.post("/feedback")
def feedback(
    access: ReadAccess,
    question: Annotated[str, Form()],
    right: Annotated[bool, Form()],
    document_id: Annotated[str | None, Form()] = None,
    start: Annotated[int | None, Form()] = None,
    end: Annotated[int | None, Form()] = None,
    digest: Annotated[str, Form()] = "",
    confidence: Annotated[float | None, Form()] = None,
    again: Annotated[str, Form(max_length=LONGEST)] = "/",
) -> Response:
    """Keep what is said of an answer, and go back to the answers.

    409 if another text stands there now: the verdict is on the one that the page showed.
    """
    said = made_of(
        FeedbackRequest,
        question=question,
        right=right,
        document_id=document_id,
        start=start,
        end=end,
        confidence=confidence,
    )
    give_feedback(said.model_copy(update={"text": _shown(said, digest, access)}), access)
    return RedirectResponse(own(again), 303)


def _shown(said: FeedbackRequest, digest: str, access: Access) -> str | None:
    """The text that the page showed; None for a reply without an answer.

    Raises:
        UnknownDocument: the document is not there.
        Conflict: another text stands there.
    """
    if said.document_id is None:
        return None
    document = access.collection.engine.store.document(said.document_id)
    text = document.text[said.start : said.end]
    if digest_of(text) != digest:
        raise Conflict(
            f"{said.document_id}: has another text at {said.start} to {said.end} now; ask again"
        )
    return text
