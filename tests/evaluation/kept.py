"""Results that stay: a step whose result is there, for the same inputs, is not run again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from qa.evaluation.faults import parsed
from qa.evaluation.writing import write_json
from tests.paths import ROOT

# Raised when a result means something else than before.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is measured: its name ("reader/qed-dev/reader-v0"), and what decides it.

    `inputs` hold the checksums of data and models, and the settings; equal ones give an equal
    result as long as the code is the same.
    """

    name: str
    inputs: Mapping[str, str]

    @property
    def key(self) -> str:
        """A digest of the name and the inputs, in hexadecimal."""
        told = json.dumps([FORMAT, self.name, dict(self.inputs)], sort_keys=True)
        return sha256(told.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def stem(self) -> str:
        """What the step's files are called, without an ending."""
        readable = "".join(
            letter if letter.isalnum() or letter in "-." else "_" for letter in self.name
        )
        return f"{readable}-{self.key[:8]}"


class Results:
    """A folder of results, a JSON file each."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, which is made if it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def path(self, step: Step, ending: str) -> Path:
        """Where a step's file with this ending stands."""
        return self.folder / (step.stem + ending)

    def get(self, step: Step) -> dict[str, Any] | None:
        """The step's result, if it is there and whole."""
        try:
            found = parsed(self.path(step, ".json").read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return found if isinstance(found, dict) and found.get("key") == step.key else None

    def put(self, step: Step, result: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a step's result; what is kept."""
        kept = {"name": step.name, "key": step.key, "inputs": dict(step.inputs), **result}
        write_json(self.path(step, ".json"), kept)
        return kept


def code_checksum() -> str:
    """The SHA-256 of the code that is measured, in hexadecimal."""
    found = sha256()
    for folder in ("index", "qa", "service"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            found.update(f"{path.relative_to(ROOT).as_posix()}\0".encode())
            found.update(path.read_bytes() + b"\0")
    return found.hexdigest()
