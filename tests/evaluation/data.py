"""What is measured on: which files a folder of data has, and what of them is held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from qa.evaluation.faults import Fault
from qa.evaluation.labelled import Labelled, LabelledQuestion, load_labelled
from qa.training.split import articles, held_out
from service.evaluation.reader import ReaderSet

# Some files are looked at for several sets.
_loaded = cache(load_labelled)

_ENDINGS = (".json.gz", ".json", ".jsonl.gz", ".jsonl")

# Held out of training by their articles; the figures of both are set against bars.
HELD_OUT_1 = "squad1-held-out"
HELD_OUT_2 = "squad2-held-out"
UNANSWERABLE = "squad2-held-out-unanswerable"


@dataclass(frozen=True, slots=True)
class Data:
    """A folder of data: `reader/` with `dev/` in it, `retrieval/`; any of them may be absent."""

    folder: Path

    def dev(self) -> list[ReaderSet]:
        """The sets for measuring only, whole."""
        return [whole(path) for path in _files(self.folder / "reader" / "dev")]

    def held_out(self) -> list[ReaderSet]:
        """The held-out articles of SQuAD 1.1, and those with the unanswerable questions of 2.0."""
        first = self._reader("squad1-train")
        more = [*self._reader("squad2-unanswerable"), *self._reader("squad2-train-extra")]
        answerable = _held_out(HELD_OUT_1, first)
        if answerable is None:
            return []
        both = _held_out(HELD_OUT_2, [*first, *more]) if more else None
        return [answerable] if both is None else [answerable, both]

    def pool(self) -> "PoolData | None":
        """The paragraphs to be searched and the sets whose questions are asked of all of them.

        The paragraphs of SQuADShifts, of QED's dev set, and of the held-out articles of SQuAD 1.1.
        None where QED's or all of the others are absent.
        """
        asked = [one for one in self.dev() if one.name.startswith("qed")]
        asked += [one for one in self.held_out() if one.name == HELD_OUT_1]
        rest = [path for path in _files(self.folder / "reader") if "squadshifts" in path.name]
        if not asked:
            return None
        held = _held_out(UNANSWERABLE, self._reader("squad2-unanswerable"))
        known = {one.title for data in asked for one in data.labelled.questions}
        about = [] if held is None else [q for q in held.labelled.questions if q.title in known]
        absent = None
        if held is not None and about:
            absent = ReaderSet(held.name, Labelled(tuple(about), held.labelled.faults), held.files)
        return PoolData(asked, absent, [*asked, *map(whole, rest)])

    def retrieval(self) -> list[Path]:
        """The folders in BEIR's layout."""
        found = sorted((self.folder / "retrieval").glob("*/qrels"))
        return [path.parent for path in found]

    def _reader(self, name: str) -> list[Path]:
        found = [self.folder / "reader" / (name + ending) for ending in _ENDINGS]
        return [path for path in found if path.is_file()]


@dataclass(frozen=True, slots=True)
class PoolData:
    """The sets with answers in the pool, one without any, and the sets whose paragraphs make it."""

    answerable: Sequence[ReaderSet]
    unanswerable: ReaderSet | None
    paragraphs: Sequence[ReaderSet]


def named(path: Path) -> str:
    """What a set is called: its file's name without its ending."""
    for ending in _ENDINGS:
        if path.name.endswith(ending):
            return path.name.removesuffix(ending)
    return path.name


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.name.endswith(_ENDINGS))


def whole(path: Path) -> ReaderSet:
    """All of a file."""
    return ReaderSet(named(path), _loaded(path), [path])


def _held_out(name: str, paths: Sequence[Path]) -> ReaderSet | None:
    """What of files is about held-out articles, each question once; None where nothing is."""
    found: dict[str, LabelledQuestion] = {}
    faults: list[Fault] = []
    for path in paths:
        labelled = _loaded(path)
        faults += labelled.faults
        for question, article in zip(labelled.questions, articles(labelled.questions), strict=True):
            if held_out(article):
                found.setdefault(question.id, question)
    if not found:
        return None
    return ReaderSet(name, Labelled(tuple(found.values()), tuple(faults)), list(paths))
