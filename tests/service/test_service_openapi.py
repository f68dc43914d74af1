"""The committed description of the service. Renew it with:

python tests/service/test_service_openapi.py
"""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from service.host.server import Server
from service.http.app import create_app
from service.settings import Settings

SNAPSHOT = Path(__file__).with_name("openapi.json")


def _described() -> dict[str, Any]:
    # No handler is called, so a server that holds nothing will do.
    bare = SimpleNamespace(settings=Settings(), observer=None)
    return create_app(cast("Server", bare)).openapi()


def _dump(description: dict[str, Any]) -> str:
    return json.dumps(description, indent=2, ensure_ascii=False) + "\n"


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)


def test_the_description_is_the_committed_one() -> None:
    committed = SNAPSHOT.read_text(encoding="utf-8")
    assert _dump(_described()) == committed, (
        "the service describes itself otherwise than in openapi.json; if that is meant, renew it: "
        "python tests/service/test_service_openapi.py"
    )


def test_every_reference_leads_somewhere() -> None:
    description = _described()
    models = description["components"]["schemas"]
    for reference in _references(description):
        assert reference.removeprefix("#/components/schemas/") in models


def test_every_operation_says_what_it_does_and_how_it_fails() -> None:
    for path, operations in _described()["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert operation["description"], path
            problems = [
                response
                for status, response in operation["responses"].items()
                if not status.startswith(("2", "3"))
            ]
            assert problems, path
            for response in problems:
                assert list(response["content"]) == ["application/problem+json"], path


def test_every_field_has_a_description() -> None:
    for name, model in _described()["components"]["schemas"].items():
        for field, value in model.get("properties", {}).items():
            assert "$ref" in value or value.get("description"), f"{name}.{field}"
            if not name.endswith("Request"):
                leads_on = list(_references(value))
                assert leads_on or "examples" in value, f"{name}.{field}"


def test_both_ways_to_add_documents_are_described() -> None:
    body = _described()["paths"]["/v1/documents"]["post"]["requestBody"]
    assert set(body["content"]) == {"application/json", "multipart/form-data"}


if __name__ == "__main__":
    SNAPSHOT.write_text(_dump(_described()), encoding="utf-8")
