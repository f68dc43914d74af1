"""What is killed at any instant goes on where it was; see kill_test.py for many rounds of it."""

from pathlib import Path

import pytest

from tests.kill.kill_test import CommandTrial, run


@pytest.mark.slow
def test_work_that_is_killed_harms_nothing(tmp_path: Path) -> None:
    trial = run(8, 1, tmp_path)
    assert trial.killed.total() + trial.finished.total() == 8
    assert trial.dead


@pytest.mark.slow
def test_commands_that_are_killed_harm_nothing(tmp_path: Path) -> None:
    trial = run(2, 2, tmp_path, CommandTrial)
    assert trial.killed.total() + trial.finished.total() == 2
