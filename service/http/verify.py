"""Citations held against the documents, over HTTP."""

from fastapi import APIRouter

from qa.verifying import Claim, verify
from service.bodies import citation_body
from service.http.access import ReadAccess
from service.http.openapi import problems
from service.schemas import VerdictBody, VerifyRequest

router = APIRouter(tags=["questions"])


@router.post("/v1/verify", summary="Check a citation", responses=problems(404, 413, 422))
def verify_citation(sent: VerifyRequest, access: ReadAccess) -> VerdictBody:
    """Whether a quote still stands where a citation said, has moved, or is gone.

    Of a text that stands at several places, the one is meant that has the same text around it, or
    else the nearest.
    """
    claim = Claim(
        sent.document_id,
        sent.start,
        sent.text,
        sent.prefix,
        sent.suffix,
        sent.uri,
        sent.sha256,
    )
    verdict = verify(access.collection.engine.store, claim)
    citation = verdict.citation
    return VerdictBody(
        standing=verdict.standing,
        reason=verdict.reason,
        citation=None if citation is None else citation_body(citation, access.collection.name),
    )
