"""The steps of an evaluation, each over the code that answers users; their results are kept."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from index.extract import EXTRACTOR_VERSION
from qa.answers import PASSAGES
from qa.evaluation.beir import load_beir
from qa.evaluation.page import html
from qa.evaluation.questions import load_questions
from qa.evaluation.sampling import sample
from qa.evaluation.writing import digest, write_text
from service.evaluation import answers, reader, retrieval
from service.evaluation.indexes import Bench, bench
from service.evaluation.reader import ReaderSet
from service.evaluation.showing import Measured, progress
from service.evaluation.wanted import Wanted
from tests.evaluation.data import PoolData
from tests.evaluation.kept import Results, Step, code_checksum
from tests.evaluation.models import ReaderModel, embedder_identity
from tests.evaluation.parts import parts
from tests.evaluation.pool import Pool, as_queries, pooled, targets

PARTS = ("reader", "retrieval", "samples", "pool")

Result = dict[str, Any]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Run:
    """Where results go, how many questions of a set are asked (None: all), and who is told.

    Of `PARTS` that are not named in `parts` only what is kept is looked at.
    """

    results: Results
    limit: int | None
    seed: int
    tell: Tell
    parts: Collection[str] = PARTS
    passages: int = PASSAGES

    @property
    def wanted(self) -> Wanted:
        """The same for the functions of `pincite eval`."""
        return Wanted(self.limit, self.seed, None, None, as_json=False)

    def step(
        self, name: str, inputs: Mapping[str, str], measure: Callable[[], Result]
    ) -> Result | None:
        """The result of a step: the one that is kept, or what `measure` gives; None for neither.

        The part that it belongs to is the beginning of its name.
        """
        step = Step(name, {**inputs, "limit": str(self.limit), "seed": str(self.seed)})
        kept = self.results.get(step)
        if kept is not None:
            self.tell(f"{name}: kept from {kept['finished']}")
            return kept
        if name.partition("/")[0] not in self.parts:
            return None
        began = time.perf_counter()
        measured = measure()
        for ending, page in measured.pop("pages").items():
            write_text(self.results.path(step, ending), page)
        seconds = time.perf_counter() - began
        self.tell(f"{name}: {measured['questions']:,} questions, {seconds:.0f} s")
        return self.results.put(
            step,
            {
                **measured,
                "seconds": seconds,
                "finished": datetime.now(UTC).isoformat(timespec="seconds"),
                "code": code_checksum(),
            },
        )


def _files(paths: Sequence[Path]) -> dict[str, str]:
    return {f"file {count}": digest(path) for count, path in enumerate(paths, 1)}


def read_set(run: Run, data: ReaderSet, model: ReaderModel) -> Result | None:
    """A set with each question's own paragraph given: figures, and the marks of each question."""

    def measure() -> Result:
        reads, measured = reader.measure(data, model.settings, run.wanted)
        return {
            **_told(measured, len(reads), len(data.labelled.questions)),
            "marks": {
                one.question.id: [one.marked.exact, one.marked.f1]
                for one in reads
                if one.marked.answerable
            },
        }

    inputs = {**_files(data.files), "reader": model.checksum}
    return run.step(f"reader/{data.name}/{model.label}", inputs, measure)


def _told(measured: Measured, asked: int, of: int) -> Result:
    return {
        "questions": asked,
        "of": of,
        "figures": asdict(measured.figures),
        "faults": len(measured.faults),
        "pages": {".html": html(measured.report)},
    }


@contextmanager
def _index(run: Run, name: str, model: ReaderModel) -> Iterator[Bench]:
    """The index of this name among the results, and what was read of it before.

    There is one for each model of vectors and version of the extractors.
    """
    made = f"{embedder_identity().checksum[:8]}-{EXTRACTOR_VERSION}"
    folder = run.results.folder
    readings = folder / f"readings-{name}-{model.checksum[:8]}.jsonl"
    with bench(model.settings, folder / f"index-{name}-{made}", readings) as place:
        yield place


def _made_with(run: Run, model: ReaderModel) -> dict[str, str]:
    return {
        "reader": model.whole,
        "embedder": embedder_identity().checksum,
        "passages": str(run.passages),
    }


def search_corpus(run: Run, folder: Path, model: ReaderModel) -> Result | None:
    """A folder in BEIR's layout: the rankings' measures."""
    beir = load_beir(folder)

    def measure() -> Result:
        with _index(run, folder.name, model) as place:
            unread = retrieval.fill_index(beir, place)
            searched, measured = retrieval.measure(
                folder.name, beir, place, run.wanted, run.passages, unread
            )
        return _told(measured, len(searched), len(beir.queries))

    inputs = {**_files(beir.files), **_made_with(run, model)}
    return run.step(f"retrieval/{folder.name}", inputs, measure)


def ask_pool(run: Run, data: PoolData, model: ReaderModel) -> list[Result]:
    """Questions asked of all paragraphs: a result for each set, and the one without answers last.

    A result has the figures of the answers and, for questions with an answer, the rankings' and
    what each part adds; and what was said of each question.
    """
    files = [path for one in data.paragraphs for path in one.files]
    pool = pooled([q for one in data.paragraphs for q in one.labelled.questions], files)
    sets = [*data.answerable, *([] if data.unanswerable is None else [data.unanswerable])]
    return [found for one in sets if (found := _ask_pool(run, pool, one, model)) is not None]


def _ask_pool(run: Run, pool: Pool, data: ReaderSet, model: ReaderModel) -> Result | None:
    def measure() -> Result:
        asked = sample(data.labelled.questions, run.limit, run.seed)
        with _index(run, "pool", model) as place:
            beir = as_queries(pool, asked)
            retrieval.fill_index(beir, place)
            made_by = {
                "documents": f"{len(pool.documents):,} paragraphs",
                "questions": data.name,
                "asked": run.wanted.questions(len(asked), len(data.labelled.questions)),
            }
            wanted = targets(place.engine.store, asked)
            judged, measured = answers.measure(
                answers.AnswerSet(data.name, wanted, made_by), place, run.passages
            )
            told = _told(measured, len(judged), len(data.labelled.questions))
            told |= {"documents": len(pool.documents), "passages": place.passages}
            told["asked"] = [
                {
                    "id": one.target.question.id,
                    "right": one.right,
                    "f1": one.f1,
                    "confidence": None if one.best is None else one.confidence,
                    "span_probability": one.span_probability,
                }
                for one in judged
            ]
            if any(one.answerable for one in judged):
                _, searched = retrieval.measure(
                    data.name, beir, place, Wanted(None, 0, None, None, as_json=False), run.passages
                )
                told["rankings"] = asdict(searched.figures)["rankings"]
                told["pages"][".search.html"] = html(searched.report)
                with progress("taking apart", len(judged), place.kept) as tell:
                    found = parts(judged, place.retriever, place.reader, run.passages, tell)
                told["parts"] = asdict(found)
        return told

    inputs = {**_files(data.files), "documents": pool.checksum, **_made_with(run, model)}
    return run.step(f"pool/{data.name}", inputs, measure)


def ask_samples(
    run: Run, folder: Path, questions: Sequence[Path], model: ReaderModel
) -> list[Result]:
    """A folder of documents, and files of questions about them: a result a file."""
    documents = {
        f"document {path.name}": digest(path)
        for path in sorted(folder.iterdir())
        if path.is_file() and path not in questions
    }

    def measured(path: Path) -> Result:
        loaded = load_questions(path)
        with _index(run, folder.name, model) as place:
            data = answers.prepare(folder, path, loaded, place, run.wanted)
            judged, found = answers.measure(data, place, run.passages)
        return _told(found, len(judged), len(loaded[0]))

    found = [
        run.step(
            f"samples/{path.stem}",
            {**documents, **_files([path]), **_made_with(run, model)},
            partial(measured, path),
        )
        for path in questions
    ]
    return [one for one in found if one is not None]
