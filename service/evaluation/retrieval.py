"""`pincite eval retrieval`."""

import time
from collections.abc import Sequence
from pathlib import Path

from index.errors import InvalidLabels
from qa.evaluation.beir import Beir, load_beir
from qa.evaluation.faults import Fault
from qa.evaluation.page import Report
from qa.evaluation.ranked import require_measures
from qa.evaluation.sampling import sample
from qa.evaluation.search_report import examples, plots, predictions, search_figures, tables
from qa.evaluation.searching import Searched, Searcher, fill, search_all
from qa.evaluation.writing import write_lines
from service.evaluation.indexes import Bench, bench
from service.evaluation.showing import (
    Measured,
    circumstances,
    complain,
    present,
    progress,
    sources,
)
from service.evaluation.wanted import Wanted, WantedIndex
from service.settings import Settings


def evaluate(path: Path, settings: Settings, wanted: Wanted, index: WantedIndex) -> None:
    """Measure retrieval on a folder in BEIR's layout.

    Raises:
        InvalidLabels: nothing in the folder can be used.
        InvalidSettings: a result cannot be put where it is wanted.
        MissingExtra: the measures' library is not installed.
        ModelError, IndexStoreError: a model or the index cannot be used.
    """
    require_measures()
    beir = load_beir(path)
    wanted.check(beir.files)
    complain(beir.faults)
    with bench(settings, index.folder) as place:
        unread = fill_index(beir, place)
        searched, measured = measure(
            path.resolve().name, beir, place, wanted, index.passages, unread
        )
    if wanted.predictions is not None:
        write_lines(wanted.predictions, predictions(searched))
    present(measured, wanted)


def fill_index(beir: Beir, place: Bench) -> list[Fault]:
    """Bring an index in step with a corpus; what of it cannot be indexed, which is said."""
    with progress("indexing", len(beir.documents), place.kept) as tell:
        unread = fill(place.engine.store, place.engine.embedder, beir.documents, tell)
    complain(unread)
    return unread


def measure(
    name: str,
    beir: Beir,
    place: Bench,
    wanted: Wanted,
    passages: int,
    unread: Sequence[Fault] = (),
) -> tuple[list[Searched], Measured]:
    """What is found for each query that is wanted in an index of a corpus, and the figures.

    The first `passages` are ranked anew. What is `unread` of the corpus is reported too.

    Raises:
        InvalidLabels: no query can be asked.
        MissingExtra: the measures' library is not installed.
    """
    measures = require_measures()
    asked = sample(list(beir.queries), wanted.limit, wanted.seed)
    searcher = Searcher(place.retriever, place.reader, passages)
    began = time.perf_counter()
    with progress("searching", len(asked), place.kept) as tell:
        queries = {id_: beir.queries[id_] for id_ in asked}
        searched, unasked = search_all(searcher, queries, tell)
    seconds = time.perf_counter() - began
    complain(unasked)
    if not searched:
        raise InvalidLabels(f"{name}: holds no query that can be asked")
    figures = search_figures(beir, searched, place.passages, passages, seconds)
    faults = [*beir.faults, *unread, *unasked]
    report = Report(
        f"Retrieval on {name}",
        tables(figures),
        plots(beir, searched),
        examples(beir, searched),
        circumstances(
            {
                **sources(beir.files),
                "queries": wanted.questions(len(asked), len(beir.queries)),
                "measures": measures,
                **place.circumstances(),
            }
        ),
        [str(fault) for fault in faults],
    )
    return searched, Measured("retrieval", figures, report, faults)
