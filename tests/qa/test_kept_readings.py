"""Readings that are kept in a file are those of the reader, and are not read again."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qa_fakes import ScriptedReader

from index.errors import InvalidSettings
from qa.kept_readings import KeptReadings

SCRIPT = {"Where?": {"here": 2.5, "there": -1.0}, "When?": {"now": 0.1}}
TEXTS = ["It is here.", "It is there, not here.", "Now or never; now.", ""]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    asked=st.lists(
        st.tuples(st.sampled_from([*SCRIPT, "Who?"]), st.lists(st.sampled_from(TEXTS), max_size=5)),
        max_size=6,
    )
)
def test_it_reads_what_the_reader_reads_and_nothing_twice(
    tmp_path: Path, asked: list[tuple[str, list[str]]]
) -> None:
    path = tmp_path / "readings"
    path.unlink(missing_ok=True)
    plain, counted = ScriptedReader(SCRIPT), ScriptedReader(SCRIPT)
    for question, texts in asked:
        # Each time as after a start of the program.
        assert KeptReadings(counted, path).read(question, texts) == plain.read(question, texts)
    fresh = ScriptedReader(SCRIPT)
    for question, texts in asked:
        KeptReadings(fresh, path).read(question, texts)
    assert fresh.seen == []


def test_another_reader_does_not_go_by_it(tmp_path: Path) -> None:
    path = tmp_path / "readings"
    KeptReadings(ScriptedReader(SCRIPT), path).read("Where?", TEXTS)
    other = ScriptedReader({"Where?": {"never": 1.0}}, checksum="9" * 64)
    assert KeptReadings(other, path).read("Where?", TEXTS) == other.read("Where?", TEXTS)


def test_where_reading_begins_tells_readings_apart(tmp_path: Path) -> None:
    path = tmp_path / "readings"
    reader = ScriptedReader(SCRIPT)
    kept = KeptReadings(reader, path)
    kept.read("Where?", ["It is here."], [0])
    kept.read("Where?", ["It is here."], [3])
    assert len(reader.seen) == 2


def test_a_line_that_was_cut_off_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "readings"
    reader = ScriptedReader(SCRIPT)
    expected = KeptReadings(reader, path).read("Where?", TEXTS)
    whole = path.read_text()
    path.write_text(whole[:-9])
    again = ScriptedReader(SCRIPT)
    assert KeptReadings(again, path).read("Where?", TEXTS) == expected
    assert again.seen == [TEXTS[-1]]
    last = ScriptedReader(SCRIPT)
    assert KeptReadings(last, path).read("Where?", TEXTS) == expected
    assert last.seen == []


def test_a_file_whose_only_line_was_cut_off_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "readings"
    reader = ScriptedReader(SCRIPT)
    expected = KeptReadings(reader, path).read("Where?", TEXTS[:1])
    path.write_text(path.read_text()[:20])
    again = ScriptedReader(SCRIPT)
    assert KeptReadings(again, path).read("Where?", TEXTS[:1]) == expected
    assert again.seen == [TEXTS[0]]
    assert KeptReadings(ScriptedReader(SCRIPT), path).read("Where?", TEXTS[:1]) == expected


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Buy milk.\n")
    with pytest.raises(InvalidSettings, match="holds no readings; name another file"):
        KeptReadings(ScriptedReader(SCRIPT), path)
    assert path.read_text() == "Buy milk.\n"


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    kept = KeptReadings(ScriptedReader(SCRIPT), tmp_path / "nowhere" / "readings")
    with pytest.raises(InvalidSettings, match="cannot be kept there"):
        kept.read("Where?", TEXTS)


def test_it_is_the_reader_in_all_else(tmp_path: Path) -> None:
    reader = ScriptedReader(SCRIPT)
    kept = KeptReadings(reader, tmp_path / "readings")
    assert (kept.name, kept.checksum, kept.calibration) == (
        reader.name,
        reader.checksum,
        reader.calibration,
    )
