"""JSON and JSON Lines: records are documents, anything else is readable lines."""

import json
from typing import Any

import pytest

from index.errors import DocumentTooLarge
from index.extract import Extraction, extract_all
from index.extract.formats import JSON, JSONL
from index.extract.records import readable
from index.extract.source import Budget, Limits, Reading


def read(data: str, name: str = "a.json", **fields: Any) -> Extraction:
    options = Reading(**fields)
    return extract_all(data.encode(), uri=f"file:///{name}", name=name, options=options)


def written(value: object) -> str:
    return readable(value, Budget(Limits(), "a.json"))


RECORDS = [
    {"id": 7, "title": "Parking", "text": "The zone is free.\n\nOn Sundays.", "tags": ["a", "b"]},
    {"id": 1.10, "name": "Permits", "body": "EUR 4 a year.", "lang": "en", "draft": False},
]
LINES = "\n".join(json.dumps(record) for record in RECORDS)


def test_each_line_is_a_document() -> None:
    found = read(LINES + "\n", "a.jsonl")
    assert found.problems == ()
    first, second = found.documents
    assert (first.uri, first.media_type) == ("file:///a.jsonl!/1", JSONL)
    assert first.title == "Parking"
    assert first.text == "The zone is free.\n\nOn Sundays."
    assert first.metadata == {"id": "7", "tags": "a, b"}
    assert (second.uri, second.title) == ("file:///a.jsonl!/2", "Permits")
    assert second.text == "EUR 4 a year."
    assert second.metadata == {"id": "1.1", "name": "Permits", "language": "en", "draft": "false"}


def test_each_object_of_an_array_is_a_document() -> None:
    found = read(json.dumps(RECORDS, indent=2))
    assert [(one.uri, one.media_type, one.text) for one in found.documents] == [
        ("file:///a.json!/1", JSON, "The zone is free.\n\nOn Sundays."),
        ("file:///a.json!/2", JSON, "EUR 4 a year."),
    ]


def test_lines_are_counted_with_the_blank_ones() -> None:
    found = read('\n{"text": "One."}\n\n{"text": "Two."}', "a.jsonl")
    assert [one.uri for one in found.documents] == ["file:///a.jsonl!/2", "file:///a.jsonl!/4"]


def test_broken_lines_are_named_and_the_others_read() -> None:
    found = read('{"text": "One."}\n{"text": \n[}\n{"text": "Four\u2028."}\n', "a.jsonl")
    assert [one.text for one in found.documents] == ["One.", "Four\n."]
    assert [problem.uri for problem in found.problems] == [
        "file:///a.jsonl!/2",
        "file:///a.jsonl!/3",
    ]
    assert found.problems[0].reason == (
        "a.jsonl!/2: is not valid JSON (Expecting value, column 9); mend the line"
    )


def test_chosen_fields_are_the_text_and_the_metadata() -> None:
    found = read(
        json.dumps({"q": "How long?", "a": {"long": "A year."}, "meta": {"by": "Ann"}, "x": 1}),
        "a.jsonl",
        json_text=("q", "a.long"),
        json_metadata=("meta.by", "none"),
    )
    (document,) = found.documents
    assert document.text == "How long?\n\nA year."
    assert document.metadata == {"meta.by": "Ann"}


def test_a_single_object_with_chosen_fields_is_a_record() -> None:
    (document,) = read(json.dumps(RECORDS[0]), json_text=("title", "text")).documents
    assert document.text == "Parking\n\nThe zone is free.\n\nOn Sundays."


def test_a_record_without_the_chosen_fields_is_named() -> None:
    found = read(LINES, "a.jsonl", json_text=("text",))
    assert [one.title for one in found.documents] == ["Parking"]
    assert found.problems[0].reason == "a.jsonl!/2: has no text in the fields chosen for it (text)"


def test_what_describes_a_record_may_stand_in_an_object() -> None:
    record = {"page_content": "Some text.", "metadata": {"source": "a.pdf", "page": 3, "x": {}}}
    (document,) = read(json.dumps(record), "a.jsonl").documents
    assert document.metadata == {"source": "a.pdf", "page": "3"}


def test_long_fields_describe_nothing() -> None:
    (document,) = read(json.dumps({"text": "Hi.", "raw": "x" * 501}), "a.jsonl").documents
    assert document.metadata == {}


def test_a_record_without_a_text_is_read_as_lines() -> None:
    (document,) = read('{"question": "How long?", "answer": "A year."}', "a.jsonl").documents
    assert document.text == "question: How long?\nanswer: A year."
    assert (document.title, document.title_from_name) == ("a 1", True)


def test_other_json_is_lines_of_keys_and_values() -> None:
    value = {
        "name": "Ann",
        "age": 1.50,
        "ok": True,
        "none": None,
        "empty": [],
        "address": {"city": "Köln", "geo": {"lat": 1, "lon": 2}},
        "pets": ["cat", "dog"],
        "orders": [{"id": 1, "sum": "4 EUR"}, {"id": 2}],
        "grid": [[1, 2], [3]],
        "last": "x",
    }
    assert written(value) == (
        "name: Ann\nage: 1.5\nok: true\n\n"
        "address > city: Köln\naddress > geo > lat: 1\naddress > geo > lon: 2\n\n"
        "pets: cat, dog\n\n"
        "orders > id: 1\norders > sum: 4 EUR\n\norders > id: 2\n\n"
        "grid: 1, 2\n\ngrid: 3\n\n"
        "last: x"
    )


def test_numbers_stay_as_they_are_written() -> None:
    text = '{"a": 1.10, "b": 1E400, "c": ' + "9" * 5_000 + "}"
    assert read(text).documents[0].text == f"a: 1.10\nb: 1E400\nc: {'9' * 5_000}"


def test_records_without_any_text_are_one_document() -> None:
    found = read('[{"sku": 1, "price": 2}, {"sku": 3, "price": 4}]')
    assert [one.text for one in found.documents] == ["sku: 1\nprice: 2\n\nsku: 3\nprice: 4"]
    assert found.documents[0].uri == "file:///a.json"


def test_an_object_with_a_name_has_it_as_its_title() -> None:
    assert read('{"name": "Sample 1", "n": 1}').documents[0].title == "Sample 1"


def test_invalid_json_is_refused_with_the_place() -> None:
    found = read('{"a": 1,\n "b" 2}')
    assert found.problems[0].reason.startswith(
        "a.json: is not valid JSON (Expecting ':' delimiter, line 2 column 6); "
    )


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_deep_nesting_is_refused(opening: str) -> None:
    found = read(opening * 100_000)
    assert found.documents == ()
    assert "nested too deep" in found.problems[0].reason


def test_keys_cannot_make_a_small_file_a_large_text() -> None:
    deep: object = dict.fromkeys(map(str, range(1_000)), "v")
    for _ in range(400):
        deep = {"k" * 1_000: deep}
    assert len(written(deep)) < 600 * 1_000


def test_what_is_written_out_is_limited() -> None:
    value = [["v" * 100] * 10] * 100
    with pytest.raises(DocumentTooLarge, match=r"holds more than the 1,000 characters"):
        readable(value, Budget(Limits(characters=1_000), "a.json"))


def test_too_many_records_end_the_file_and_the_first_stay() -> None:
    data = '{"text": "One."}\n' * 5
    found = extract_all(data.encode(), uri="x", name="a.jsonl", limits=Limits(members=3))
    assert len(found.documents) == 3
    assert [problem.reason.partition(";")[0] for problem in found.problems] == [
        "a.jsonl: holds more than the 3 documents that a file may"
    ]
