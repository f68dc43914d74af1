"""What a person says of an answer on the page."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse, Response

from service.http.access import ReadAccess
from service.http.feedback import give_feedback
from service.schemas import FeedbackRequest
from service.web.forms import LONGEST, made_of, own

router = APIRouter(include_in_schema=False)


@router.post("/feedback")
def feedback(
    access: ReadAccess,
    question: Annotated[str, Form()],
    right: Annotated[bool, Form()],
    document_id: Annotated[str | None, Form()] = None,
    start: Annotated[int | None, Form()] = None,
    end: Annotated[int | None, Form()] = None,
    confidence: Annotated[float | None, Form()] = None,
    again: Annotated[str, Form(max_length=LONGEST)] = "/",
) -> Response:
    """Keep what is said of an answer, and go back to the answers."""
    said = made_of(
        FeedbackRequest,
        question=question,
        right=right,
        document_id=document_id,
        start=start,
        end=end,
        confidence=confidence,
    )
    give_feedback(said, access)
    return RedirectResponse(own(again), 303)
