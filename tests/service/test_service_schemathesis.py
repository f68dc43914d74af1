"""The service does what its OpenAPI description says, and nothing else."""

from pathlib import Path

import pytest

from tests.fuzz.fuzz_http import fuzz


@pytest.mark.slow
def test_no_request_breaks_the_description(tmp_path: Path) -> None:
    # What it finds is on standard output; with another seed, or for longer: fuzz_http.py.
    assert fuzz(tmp_path, examples=5, seconds=None, seed=0) == 0
