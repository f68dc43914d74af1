"""What the OpenAPI description says beyond what the handlers say themselves."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.schemas import ProblemBody, TextRequest

DESCRIPTION = """\
Answers from your own documents, in their own words, with the exact place they stand.

Every answer is a verbatim quote: for each, `text[start:end]` of the cited document is the quote.
Offsets are Unicode code points, zero-based and half-open; pages are one-based. When the documents
do not hold the answer, `abstained` is true and `reason` says why.

Every error is a problem as RFC 9457 describes them, and every response names its request in
`X-Request-ID`.
"""

_REF = "#/components/schemas/{model}"
_PROBLEM_CONTENT = {
    "application/problem+json": {"schema": {"$ref": _REF.format(model="ProblemBody")}}
}
_PROBLEMS = {
    404: "There is no such document.",
    413: "The request is larger than what is taken at once.",
    415: "Nothing here reads this kind of content.",
    422: "The request is not valid, or what it holds cannot be taken.",
    503: "The index or a model cannot be used just now.",
}

SOME_FAILED: dict[int | str, dict[str, Any]] = {
    207: {
        "description": "Some went in, some did not; see outcomes.",
        "content": {"application/json": {"schema": {"$ref": _REF.format(model="OutcomesBody")}}},
    }
}

ADD_REQUEST: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": _REF.format(model="TextRequest")}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": "One or more files.",
                        },
                        "uri": {
                            "type": "string",
                            "description": "Where the file comes from; for one file only. "
                            "Without it the URI is made of the file's name.",
                            "examples": ["https://intranet.example/lease.pdf"],
                        },
                    },
                }
            },
        },
    }
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The declarations of these problems."""
    return {
        status: {"description": _PROBLEMS[status], "content": _PROBLEM_CONTENT}
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Make an app describe its problems, and what it reads by hand."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def _describe(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    models = schema["components"]["schemas"]
    for model in (ProblemBody, TextRequest):
        own = model.model_json_schema(ref_template=_REF)
        models.update(own.pop("$defs", {}))
        models[model.__name__] = own
    # What FastAPI says of errors by itself is not what they look like here.
    for model_name in ("HTTPValidationError", "ValidationError"):
        models.pop(model_name, None)
    for path in schema["paths"].values():
        for operation in path.values():
            responses = operation["responses"]
            if "422" in responses:
                responses |= {"422": problems(422)[422]}
            responses["default"] = {
                "description": "Any other problem.",
                "content": _PROBLEM_CONTENT,
            }
    schema["components"]["schemas"] = dict(sorted(models.items()))
    return schema
