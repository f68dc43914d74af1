"""What a model's manifest keeps when its folder is written again."""

import json
from pathlib import Path
from typing import Any

import pytest

from index import export

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("onnx")


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Exports weights of this revision over what is there; gives the settings that come of it."""

    def write(_: Path, target: Path) -> None:
        target.write_bytes(b"")

    def exported(revision: str, **settings: Any) -> dict[str, Any]:
        monkeypatch.setattr(export, "_trace", lambda *_: ({"dim": 3}, revision, 256))
        export.export("reader", "", tmp_path, name="n", licence="MIT", settings=settings)
        found: dict[str, Any] = json.loads((tmp_path / "model.json").read_text())["settings"]
        return found

    monkeypatch.setattr(export, "_quantize", write)
    monkeypatch.setattr(export, "_save_tokenizer", write)
    return exported


def test_a_calibration_stays_with_the_weights_that_it_was_fitted_to(written: Any) -> None:
    fitted = {"slope": 2.0}
    assert written("sha256:1", calibration=fitted) == {"dim": 3, "calibration": fitted}
    assert written("sha256:1") == {"dim": 3, "calibration": fitted}
    assert written("sha256:1", calibration={}) == {"dim": 3, "calibration": {}}
    assert written("sha256:1", calibration=fitted)["calibration"] == fitted
    assert written("sha256:2") == {"dim": 3}


def test_weights_that_are_not_known_may_be_others(written: Any) -> None:
    written("unknown", calibration={"slope": 2.0})
    assert written("unknown") == {"dim": 3}
