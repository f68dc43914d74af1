"""A folder of documents that changes at random, and what an index of it has to hold."""

import random
import shutil
from pathlib import Path

from index.extract import extract_all
from index.files import file_uri
from tests.fakes.small_files import zipped

SUBJECTS = ("warranty", "rent", "parking", "bridge", "cinema", "handbook", "meeting", "garden")

# Between so many and so many files stand in the folder.
FEWEST, MOST = 30, 60


class ChangingFolder:
    """Files of several formats; every sentence in them has a word of its own."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self.path = folder
        self.path.mkdir()
        self._rng = rng
        self._count = 0
        # The words of sentences that have been taken away, and those that stand in a file.
        self.removed: set[str] = set()
        self._standing: dict[Path, set[str]] = {}

    def change(self, times: int) -> None:
        """Do so many random things: add, edit, delete, move, copy, touch."""
        often = [self._add, self._edit, self._delete]
        acts = [*often, *often, self._move, self._copy, self._touch]
        for _ in range(times):
            files = sorted(self._standing)
            if len(files) < FEWEST:
                act = self._add
            elif len(files) > MOST:
                act = self._delete
            else:
                act = self._rng.choice(acts)
            act(self._rng.choice(files) if files else self.path)

    def texts(self) -> dict[str, str]:
        """The text of each document in the folder, by its URI."""
        found: dict[str, str] = {}
        for path in sorted(self._standing):
            extraction = extract_all(path.read_bytes(), uri=file_uri(path), name=str(path))
            found |= {document.uri: document.text for document in extraction.documents}
        return found

    def _sentence(self) -> tuple[str, str]:
        self._count += 1
        word = f"zq{self._count:06}"
        subjects = " ".join(self._rng.choices(SUBJECTS, k=8))
        return word, f"The {subjects} is {word}."

    def _text(self, path: Path) -> str:
        sentences = [self._sentence() for _ in range(self._rng.randint(3, 25))]
        self._standing[path] = {word for word, _ in sentences}
        lines = [sentence for _, sentence in sentences]
        return "\n\n".join(" ".join(lines[at : at + 5]) for at in range(0, len(lines), 5))

    def _add(self, _: Path) -> None:
        self._count += 1
        below = self._rng.choice(["", "a", "b/c"])
        suffix = self._rng.choice(["txt", "txt", "md", "html", "zip"])
        self._write(self.path / below / f"{self._count}.{suffix}")

    def _edit(self, path: Path) -> None:
        before = self._standing[path]
        self._write(path)
        self._remove(before)

    def _write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = self._text(path)
        if path.suffix == ".zip":
            half = text.rfind("\n\n", 0, len(text) // 2)
            files = {"one.txt": text[: half + 1] or "Nothing.", "in/two.txt": text[half + 1 :]}
            path.write_bytes(zipped(files))
        elif path.suffix == ".html":
            paragraphs = "".join(f"<p>{part}</p>" for part in text.split("\n\n"))
            path.write_text(f"<html><h1>Notes</h1>{paragraphs}</html>", encoding="utf-8")
        else:
            path.write_text(text, encoding="utf-8")

    def _delete(self, path: Path) -> None:
        path.unlink()
        self._remove(self._standing.pop(path))

    def _move(self, path: Path) -> None:
        self._count += 1
        target = path.with_name(f"moved-{self._count}{path.suffix}")
        path.rename(target)
        self._standing[target] = self._standing.pop(path)

    def _copy(self, path: Path) -> None:
        self._count += 1
        target = path.with_name(f"copy-{self._count}{path.suffix}")
        shutil.copyfile(path, target)
        self._standing[target] = set(self._standing[path])

    def _touch(self, path: Path) -> None:
        path.touch()

    def _remove(self, words: set[str]) -> None:
        left = set().union(*self._standing.values()) if self._standing else set()
        self.removed |= words - left
