"""Files of questions with their texts: both forms, and what is wrong with them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import InvalidLabels
from qa.evaluation.labelled import LabelledQuestion, load_labelled

CONTEXT = "Die Gräfin fährt 😀 nach Wien."


def squad(*questions: dict[str, Any], context: str = CONTEXT) -> dict[str, Any]:
    return {
        "version": "v2.0",
        "data": [{"title": "t", "paragraphs": [{"context": context, "qas": list(questions)}]}],
    }


def question(id_: str = "q1", start: int = 24, text: str = "Wien", **more: Any) -> dict[str, Any]:
    answers = [{"text": text, "answer_start": start}]
    return {"id": id_, "question": "Wohin?", "answers": answers, **more}


def flat(id_: str, texts: list[Any], starts: list[Any], context: str = CONTEXT) -> dict[str, Any]:
    answers = {"text": texts, "answer_start": starts}
    return {"id": id_, "title": "t", "context": context, "question": "Wohin?", "answers": answers}


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def write_flat(path: Path, *items: Any) -> Path:
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return path


def test_squad_is_read_with_and_without_answers(tmp_path: Path) -> None:
    none = {"id": "q2", "question": "Warum?", "answers": [], "is_impossible": True}
    path = write(tmp_path / "a.json", squad(question(), none))
    found = load_labelled(path)
    place = f"{path}: article 1, paragraph 1, question"
    assert found.faults == ()
    assert found.questions == (
        LabelledQuestion("q1", "Wohin?", CONTEXT, ("Wien",), f"{place} 1", (24,), "t"),
        LabelledQuestion("q2", "Warum?", CONTEXT, (), f"{place} 2", (), "t"),
    )


@pytest.mark.parametrize("indent", [None, 2])
def test_a_packed_file_is_read_too(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(json.dumps(squad(question()), indent=indent).encode()))
    assert [one.answers for one in load_labelled(path).questions] == [("Wien",)]


def test_the_flat_form_is_a_question_a_line(tmp_path: Path) -> None:
    path = write_flat(tmp_path / "a.jsonl", flat("q1", ["Wien", "nach Wien"], [24, 19]))
    found = load_labelled(path)
    assert found.questions == (
        LabelledQuestion(
            "q1", "Wohin?", CONTEXT, ("Wien", "nach Wien"), f"{path}:1", (24, 19), "t"
        ),
    )


def test_both_forms_give_the_same(tmp_path: Path) -> None:
    nested = load_labelled(write(tmp_path / "a.json", squad(question())))
    lines = load_labelled(write_flat(tmp_path / "a.jsonl", flat("q1", ["Wien"], [24])))
    told = [(one.id, one.question, one.context, one.answers) for one in nested.questions]
    assert told == [(one.id, one.question, one.context, one.answers) for one in lines.questions]


def test_what_is_wrong_is_named_by_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [
        json.dumps(flat("q1", ["Wien"], [24])),
        "",
        "broken",
        json.dumps(flat("q2", ["Wien"], [23])),
        json.dumps(flat("q1", [], [])),
        json.dumps([1]),
        json.dumps(flat("q4", ["Wien"], [24, 25])),
        json.dumps(flat("q5", ["Wien"], [True])),
        json.dumps({**flat("q6", [], []), "question": "  "}),
        json.dumps(flat("q7", ["Wien"], [2400])),
        "[" * 100_000,
        json.dumps(flat("q8", [], [])),
    ]
    path.write_bytes("\n".join(lines).encode() + b"\n\xff\n")
    found = load_labelled(path)
    assert [one.id for one in found.questions] == ["q1", "q8"]
    assert [str(fault) for fault in found.faults] == [
        f"{path}:3: is not JSON (Expecting value, at character 0)",
        f"{path}:4: has the answer 'Wien' at 23, where ' Wie' stands",
        f"{path}:5: has the id 'q1' of {path}:1",
        f"{path}:6: is not a JSON object",
        f"{path}:7: needs two lists of one length in 'answers': text and answer_start",
        f"{path}:8: has the offset True, not a whole number from 0 up",
        f"{path}:9: has no text under 'question'",
        f"{path}:10: has the answer 'Wien' at 2400, where '' stands",
        f"{path}:11: is nested too deeply",
        f"{path}:13: is not UTF-8 (at byte 0)",
    ]


def test_a_contradiction_is_a_fault(tmp_path: Path) -> None:
    content = squad(question(is_impossible=True), question("q2"))
    content["data"] += [{"paragraphs": 3}, {"paragraphs": [{"context": "x"}]}]
    found = load_labelled(write(tmp_path / "a.json", content))
    assert [one.id for one in found.questions] == ["q2"]
    assert [fault.what for fault in found.faults] == [
        "has answers and says that it is impossible",
        "has no list under 'paragraphs'",
        "has no list under 'qas'",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON"),
        (b"\x00\x01", "is not JSON"),
        (b"[1, 2]", "is in a form that is not known"),
        (b'{"data": 3}', "is in a form that is not known"),
        (b'{"data": []}', "holds no question that can be used"),
        (b'{"a": 1}', "holds no question that can be used; the first fault"),
    ],
)
def test_a_file_of_which_nothing_can_be_used_is_refused(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(InvalidLabels, match=said) as caught:
        load_labelled(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"no gzip at all", gzip.compress(b"{}" * 999)[:-20]])
def test_a_damaged_packed_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(content)
    with pytest.raises(InvalidLabels, match=r"a\.json\.gz: (cannot be read|is damaged)"):
        load_labelled(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidLabels, match="no such file"):
        load_labelled(tmp_path / "none.json")


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["data", "paragraphs", "qas", "answers", "context", "id", "question", "text"]
                ),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_any_json_gives_questions_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, content: Any
) -> None:
    path = write(tmp_path_factory.getbasetemp() / "any.json", content)
    try:
        found = load_labelled(path)
    except InvalidLabels as error:
        assert str(error).startswith(f"{path}")  # noqa: PT017 - either is right
        return
    for one in found.questions:
        assert all(answer in one.context for answer in one.answers)
