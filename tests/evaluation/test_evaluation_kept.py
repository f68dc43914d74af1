"""Results that are kept."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evaluation.kept import Results, Step
from tests.evaluation.steps import Run

INPUTS = st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3)


@given(st.text(max_size=5), INPUTS, st.text(max_size=5), INPUTS)
def test_a_key_tells_steps_apart(
    name: str, inputs: dict[str, str], other: str, others: dict[str, str]
) -> None:
    same = (name, inputs) == (other, others)
    assert (Step(name, inputs).key == Step(other, others).key) is same
    assert Step(name, dict(reversed(inputs.items()))).key == Step(name, inputs).key
    assert not set(Step(name, inputs).stem) & set('/\\:*?"<>|\0 \n')


def test_a_step_is_run_once(tmp_path: Path) -> None:
    told: list[str] = []
    run = Run(Results(tmp_path / "r"), None, 0, told.append)
    runs = []

    def measure() -> dict[str, object]:
        runs.append(1)
        return {"questions": 3, "of": 3, "figures": {"x": 0.5}, "pages": {".html": "<p>"}}

    first = run.step("reader/a/b", {"data": "1"}, measure)
    again = run.step("reader/a/b", {"data": "1"}, measure)
    assert first == again
    assert first is not None
    assert first["figures"] == {"x": 0.5}
    assert len(runs) == 1
    assert told[1].startswith("reader/a/b: kept from ")
    assert (tmp_path / "r" / f"{Step('reader/a/b', first['inputs']).stem}.html").exists()
    run.step("reader/a/b", {"data": "2"}, measure)
    assert len(runs) == 2
    Run(run.results, 5, 0, told.append).step("reader/a/b", {"data": "1"}, measure)
    assert len(runs) == 3


def test_what_is_not_wanted_is_looked_at_but_not_run(tmp_path: Path) -> None:
    def refuse() -> dict[str, object]:
        raise AssertionError

    made = {"questions": 1, "of": 1, "pages": {}}
    run = Run(Results(tmp_path), None, 0, lambda _: None)
    assert run.step("reader/a/b", {}, lambda: dict(made)) is not None
    other = Run(Results(tmp_path), None, 0, lambda _: None, parts=["pool"])
    assert other.step("reader/a/b", {}, refuse) is not None
    assert other.step("reader/c/b", {}, refuse) is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"key": "other"}', b"\xff"])
def test_a_damaged_result_is_none(tmp_path: Path, damage: bytes) -> None:
    results, step = Results(tmp_path), Step("a", {})
    results.put(step, {"x": 1})
    assert results.get(step) is not None
    results.path(step, ".json").write_bytes(damage)
    assert results.get(step) is None
