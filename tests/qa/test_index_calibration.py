"""A calibration that an index remembers, and for which models it is used."""

import json
import logging
from dataclasses import asdict, replace

import pytest
from qa_fakes import LetterEmbedder, MemoryStore, ScriptedReader

from qa.calibration import Calibration, OperatingPoint, written
from qa.index_calibration import NOTE, IndexCalibration, in_use, remember, remembered, state


def plain(own: IndexCalibration) -> dict[str, object]:
    return {**asdict(own), "calibration": written(own.calibration)}


READER = ScriptedReader({})
OWN = IndexCalibration(
    Calibration(2.0, 0.5, -1.0, 0.3, {"margin": 0.1}, (OperatingPoint(0.9, 0.7, 0.4),)),
    READER.name,
    READER.checksum,
    "letters",
    LetterEmbedder.identity.checksum,
    40,
    "2026-01-01T00:00:00+00:00",
)


def test_what_is_remembered_comes_back_whole() -> None:
    store = MemoryStore()
    assert remembered(store) is None
    remember(store, OWN)
    assert remembered(store) == OWN
    remember(store, None)
    assert remembered(store) is None


def test_an_index_without_one_goes_by_the_reader() -> None:
    store = MemoryStore()
    assert in_use(store, READER) == READER.calibration
    assert state(store, READER) == (True, "the reader's own")


def test_the_index_goes_by_its_own_with_the_models_that_it_was_fitted_with() -> None:
    store = MemoryStore()
    remember(store, OWN)
    assert in_use(store, READER) == OWN.calibration
    assert state(store, READER) == (True, "the index's own, fitted to 40 questions")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (replace(OWN, reader="old", reader_checksum="a" * 64), "the reader old (weights aaaaaaaa"),
        (replace(OWN, embedder_checksum="b" * 64), "the embedder letters (weights bbbbbbbb"),
    ],
)
def test_with_another_model_it_is_not_used_and_that_is_said_once(
    changed: IndexCalibration, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryStore()
    remember(store, changed)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert in_use(store, READER) == READER.calibration
    assert len(caplog.messages) <= 1
    ok, told = state(store, READER)
    assert ok
    assert said in told
    assert "pincite calibrate" in told


@pytest.mark.parametrize(
    "noted",
    [
        "{",
        "[]",
        "{}",
        '{"calibration": {}}',
        json.dumps({**plain(OWN), "calibration": {"slope": -1}}),
        json.dumps({**plain(OWN), "calibration": {}, "mood": "good"}),
    ],
)
def test_what_cannot_be_understood_is_not_used_and_named(noted: str) -> None:
    store = MemoryStore()
    store.set_note(NOTE, noted)
    with pytest.raises(ValueError, match="pincite calibrate --reset"):
        remembered(store)
    assert in_use(store, READER) == READER.calibration
    ok, told = state(store, READER)
    assert not ok
    assert "cannot be understood" in told
