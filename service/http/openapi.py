"""What the OpenAPI description says beyond what the handlers say themselves."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.http.header_fields import header_fields
from service.schemas import AnnotationsBody, PartialReplyBody, ProblemBody, TextRequest

DESCRIPTION = """\
Answers from your own documents, in their own words, with the exact place they stand.

Every answer is a verbatim quote: for each, `text[start:end]` of the cited document is the quote.
Offsets are Unicode code points, zero-based and half-open; pages are one-based. When the documents
do not hold the answer, `abstained` is true and `reason` says why.

Every error is a problem as RFC 9457 describes them, and every response names its request in
`X-Request-ID`.
"""

# What no handler declares as what it takes or gives.
_NOT_DECLARED = (AnnotationsBody, PartialReplyBody, ProblemBody, TextRequest)

_REF = "#/components/schemas/{model}"
_PROBLEM_CONTENT = {
    "application/problem+json": {"schema": {"$ref": _REF.format(model="ProblemBody")}}
}
_PROBLEMS = {
    400: "The request cannot be read.",
    401: "A key is needed.",
    403: "The key does not go so far.",
    404: "There is no such thing, or the key does not open it.",
    406: "It is had in none of the forms that are asked for.",
    409: "Something stands in the way.",
    412: "It is not what it was taken for.",
    413: "The request is larger than what is taken at once.",
    416: "There are no such bytes.",
    415: "Nothing here reads this kind of content.",
    422: "The request is not valid, or what it holds cannot be taken.",
    429: "There were too many requests.",
    503: "The index or a model cannot be used just now.",
}

# What a program sends; the page has a session of its own.
_SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key, as `pincite keys create` shows it. On this machine none is needed "
        "until one was made.",
    },
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The same, where another Authorization is sent.",
    },
}
_WITHOUT_KEYS = frozenset({"/healthz", "/readyz"})

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
                        "title": {
                            "type": "string",
                            "description": "Its title, in place of the one found in it; for one "
                            "file only.",
                            "examples": ["Lease of 12 March"],
                        },
                        "metadata": {
                            "type": "string",
                            "description": "What else is known of the files: a JSON object of "
                            "texts.",
                            "examples": ['{"language": "en"}'],
                        },
                    },
                }
            },
        },
    }
}


def events(**models: str) -> dict[str, Any]:
    """The content of a stream of server-sent events, each with JSON of the model that is named."""
    kinds = [
        {
            "type": "object",
            "required": ["event", "data"],
            "properties": {
                "event": {"const": event},
                "data": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "contentSchema": {"$ref": _REF.format(model=model)},
                },
            },
        }
        for event, model in models.items()
    ]
    return {"text/event-stream": {"schema": {"oneOf": kinds}}}


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
    for model in _NOT_DECLARED:
        own = model.model_json_schema(ref_template=_REF)
        models.update(own.pop("$defs", {}))
        models[model.__name__] = own
    # What FastAPI says of errors by itself is not what they look like here.
    for model_name in ("HTTPValidationError", "ValidationError"):
        models.pop(model_name, None)
    schema["components"]["securitySchemes"] = _SECURITY_SCHEMES
    for address, path in schema["paths"].items():
        for method, operation in path.items():
            fields = header_fields(method, address, operation["responses"])
            if fields:
                operation.setdefault("parameters", []).extend(fields)
            if address not in _WITHOUT_KEYS:
                operation["security"] = [{scheme: []} for scheme in _SECURITY_SCHEMES]
            responses = operation["responses"]
            if "422" in responses:
                responses |= {"422": problems(422)[422]}
            responses["default"] = {
                "description": "Any other problem.",
                "content": _PROBLEM_CONTENT,
            }
    schema["components"]["schemas"] = dict(sorted(models.items()))
    return schema
