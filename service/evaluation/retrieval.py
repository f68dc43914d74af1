"""`pincite eval retrieval`."""

import time
from pathlib import Path

from index.errors import InvalidLabels
from qa.evaluation.beir import load_beir
from qa.evaluation.page import Report
from qa.evaluation.ranked import require_measures
from qa.evaluation.sampling import sample
from qa.evaluation.search_report import examples, plots, predictions, search_figures, tables
from qa.evaluation.searching import Searcher, fill, search_all
from qa.evaluation.writing import digest, write_lines
from service.evaluation.indexes import bench
from service.evaluation.showing import Measured, circumstances, complain, present, progress
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
    measures = require_measures()
    beir = load_beir(path)
    wanted.check(beir.files)
    complain(beir.faults)
    asked = sample(list(beir.queries), wanted.limit, wanted.seed)
    with bench(settings, index.folder) as place:
        with progress("indexing", len(beir.documents), place.kept) as tell:
            store, embedder = place.engine.store, place.engine.embedder
            unread = fill(store, embedder, beir.documents, tell)
        complain(unread)
        searcher = Searcher(place.retriever, place.reader, index.passages)
        began = time.perf_counter()
        with progress("searching", len(asked), place.kept) as tell:
            queries = {id_: beir.queries[id_] for id_ in asked}
            searched, unasked = search_all(searcher, queries, tell)
        seconds = time.perf_counter() - began
        complain(unasked)
        if not searched:
            raise InvalidLabels(f"{path}: holds no query that can be asked")
        figures = search_figures(beir, searched, place.passages, index.passages, seconds)
        made_by = place.circumstances()
    if wanted.predictions is not None:
        write_lines(wanted.predictions, predictions(searched))
    faults = [*beir.faults, *unread, *unasked]
    report = Report(
        f"Retrieval on {path.resolve().name}",
        tables(figures),
        plots(beir, searched),
        examples(beir, searched),
        circumstances(
            {
                "data": str(path),
                **{f"{file.name}, SHA-256": digest(file) for file in beir.files},
                "queries": wanted.questions(len(asked), len(beir.queries)),
                "measures": measures,
                **made_by,
            }
        ),
        [str(fault) for fault in faults],
    )
    present(Measured("retrieval", figures, report, faults), wanted)
