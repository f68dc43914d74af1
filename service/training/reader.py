"""`pincite train reader`."""

import signal
import threading
import typing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

import typer
from pydantic import BaseModel

from index.embedding import Embedder
from index.hub import require_hub
from index.passages import Splitter
from index.retriever import Retriever
from index.store import IndexSettings
from qa.evaluation.labelled import LabelledQuestion
from qa.evaluation.page import Table
from qa.evaluation.questions import Locator, load_questions, locate
from qa.evaluation.reading import run_reader
from qa.evaluation.sampling import sample
from qa.evaluation.writing import write_text
from qa.reader import Reader
from qa.training.card import SetMeasured, Trained, card
from qa.training.checkpoints import Checkpoints
from qa.training.examples import Examples, title_of
from qa.training.located import with_texts
from qa.training.mining import Blind, Mine, Text, nearest
from qa.training.recipe import Recipe
from qa.training.sets import Order, TrainingSet, load_set, parse_source, parted
from qa.training.trainer import Step, Trainer
from service.bootstrap import (
    DEFAULT_EMBEDDER,
    open_embedder,
    open_made_with,
    open_reader,
    open_store,
)
from service.commands.output import print_json
from service.errors import INTERRUPTED
from service.evaluation.showing import aligned, complain, progress
from service.settings import Settings
from service.text import counted
from service.training.wanted import Amount, Numbers, Wanted

_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)
_PACKAGES = ("torch", "transformers", "onnx", "onnxruntime")


class SetBody(BaseModel):
    """A set that is trained on: questions, those without an answer, and those kept apart."""

    path: str
    weight: float
    questions: int
    without_answer: int
    held_out: int
    faults: int


class MeasuredBody(BaseModel):
    """Figures over questions kept apart, each of exact match, F1 and AUROC."""

    name: str
    questions: int
    fp32: tuple[float | None, float | None, float | None]
    int8: tuple[float | None, float | None, float | None]


class TrainingBody(BaseModel):
    """What was, or would be, trained; `folder` holds the reader, None where there is none yet."""

    sets: list[SetBody]
    recipe: dict[str, typing.Any]
    questions_a_pass: int
    passes: float
    steps_done: int
    folder: str | None
    measured: list[MeasuredBody]


def train(settings: Settings, wanted: Wanted, amount: Amount, numbers: Numbers) -> None:
    """Fine-tune a reader, quantize it, measure it on what it never saw, and write its card.

    Interrupted, it goes on with the last checkpoint the next time.

    Raises:
        InvalidLabels: nothing of a file can be used.
        IndexStoreError: questions are about the documents of an index that cannot be used.
        InvalidSettings: the folder holds another training, or nothing is to be trained on.
        ModelError: the base cannot be used, the hub extra is not installed, or there is no room for
            checkpoints.
    """
    wanted.check()
    sets = [
        *(load_set(parse_source(source)) for source in wanted.data),
        *_about_documents(settings, wanted),
    ]
    complain([fault for one in sets for fault in one.faults])
    recipe = Recipe(
        amount.steps_of(Order(sets, numbers["seed"]).length, numbers["batch"]), **numbers
    )
    body = _body(sets, recipe)
    if wanted.dry_run:
        _show(body, wanted)
        return
    require_hub("torch", "transformers", "onnx")
    wanted.out.mkdir(parents=True, exist_ok=True)
    embedder = open_embedder(settings.embedder or DEFAULT_EMBEDDER, settings)
    further: dict[str, str] = {"mining": wanted.mining}
    if wanted.mining == "fused":
        further["embedder"] = embedder.identity.checksum
    trainer = Trainer(wanted.base, sets, recipe, settings.threads, further)
    checkpoints = Checkpoints(wanted.out / "checkpoints")
    trainer.check(checkpoints)
    with _mine(wanted, embedder, sets) as mine:
        near = None if mine is None else mine.near
        examples = Examples(embedder.tokenize, near, recipe.mined_share, recipe.seed)
        with _stoppable() as stop:
            done = trainer.run(examples, checkpoints, _teller(), stop)
    body.steps_done = done.steps
    if done.steps < recipe.steps:
        typer.echo(
            f"pincite: interrupted after {done.steps:,} of {recipe.steps:,} steps, which are kept; "
            "run the command again to go on",
            err=True,
        )
        raise typer.Exit(INTERRUPTED)
    fp32, int8 = wanted.out / "fp32", wanted.out / "int8"
    trainer.save(fp32)
    _quantize(fp32, int8, wanted)
    measured = _measure(sets, fp32, int8, settings, wanted)
    trained = Trained(
        wanted.name,
        wanted.base,
        trainer.made_from["base"],
        wanted.licence,
        recipe,
        done.seconds,
        trainer.questions_a_pass,
        sets,
        measured,
        {package: version(package) for package in _PACKAGES},
    )
    write_text(int8 / "README.md", card(trained))
    body.folder = str(int8)
    body.measured = [MeasuredBody(**asdict(one)) for one in measured]
    _show(body, wanted)


def _about_documents(settings: Settings, wanted: Wanted) -> list[TrainingSet]:
    """The sets of questions about the documents of the index."""
    if not wanted.questions:
        return []
    store = open_store(settings)
    try:
        retriever = Retriever(store, open_embedder(store.settings.embedder.name, settings))
        locator = Locator(store, wanted.documents)
        found = []
        for source in map(parse_source, wanted.questions):
            asked, unused = load_questions(source.path)
            targets, unfit = locate(asked, locator)
            questions, unplaced = with_texts(targets, store, lambda text: nearest(retriever, text))
            found.append(parted(source, questions, [*unused, *unfit, *unplaced]))
        return found
    finally:
        store.close()


def _quantize(fp32: Path, int8: Path, wanted: Wanted) -> None:
    from index.export import export

    export("reader", str(fp32), int8, name=wanted.name, licence=wanted.licence, settings={})


@contextmanager
def _mine(wanted: Wanted, embedder: Embedder, sets: Sequence[TrainingSet]) -> Iterator[Mine | None]:
    """An index of all texts that are trained on, to find misleading passages in, for the block."""
    if wanted.mining == "none":
        yield None
        return
    finder: Embedder = Blind(embedder) if wanted.mining == "lexical" else embedder
    splitter = Splitter()
    folder = wanted.out / f"texts-{wanted.mining}"
    store = open_made_with(folder, IndexSettings(finder.identity, splitter))
    try:
        texts = list(
            dict.fromkeys(
                Text(title_of(question, titled=one.titled), question.context)
                for one in sets
                for question in one.questions
            )
        )
        mine = Mine(store, finder, splitter)
        with progress("storing texts", len(texts), "what was stored is kept") as tell:
            mine.fill(texts, tell)
        yield mine
    finally:
        store.close()


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Whether an end was asked for, by Ctrl-C or a signal, during the block; the second ends it."""
    asked = threading.Event()

    def take(*_: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        typer.echo("pincite: ending after this step; once more to end at once", err=True)

    before = {number: signal.signal(number, take) for number in _INTERRUPTS}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _teller(every: int = 25) -> Callable[[Step], None]:
    """Tells a line of progress on standard error now and then."""
    recent: list[float] = []

    def tell(step: Step) -> None:
        recent.append(step.loss)
        if len(recent) == every or step.left <= 0:
            hours, minutes = divmod(round(step.left / 60), 60)
            typer.echo(
                f"step {step.done:,}: loss {sum(recent) / len(recent):.3f}, {hours} h "
                f"{minutes} min left",
                err=True,
            )
            recent.clear()

    return tell


def _measure(
    sets: Sequence[TrainingSet], fp32: Path, int8: Path, settings: Settings, wanted: Wanted
) -> list[SetMeasured]:
    """Read what was kept apart of each set with both readers."""
    readers = [open_reader(replace(settings, reader=str(folder))) for folder in (fp32, int8)]
    found = []
    for one in sets:
        asked = sample(one.held_out, wanted.measure, 0)
        if not asked:
            continue
        name = one.source.path.name
        by_fp32, by_int8 = [_figures(reader, asked, name) for reader in readers]
        found.append(SetMeasured(name, len(asked), by_fp32, by_int8))
    return found


def _figures(
    reader: Reader, asked: Sequence[LabelledQuestion], name: str
) -> tuple[float | None, float | None, float | None]:
    with progress(f"measuring on {name}", len(asked), "the checkpoints are kept") as tell:
        _, figures = run_reader(reader, asked, report=tell)
    always = figures.always
    return always.has_answer_exact, always.has_answer_f1, figures.auroc


def _body(sets: Sequence[TrainingSet], recipe: Recipe) -> TrainingBody:
    length = Order(sets, recipe.seed).length
    return TrainingBody(
        sets=[
            SetBody(
                path=str(one.source.path),
                weight=one.source.weight,
                questions=len(one.questions),
                without_answer=sum(not question.answers for question in one.questions),
                held_out=len(one.held_out),
                faults=len(one.faults),
            )
            for one in sets
        ],
        recipe=asdict(recipe),
        questions_a_pass=length,
        passes=recipe.steps * recipe.batch / length,
        steps_done=0,
        folder=None,
        measured=[],
    )


def _show(body: TrainingBody, wanted: Wanted) -> None:
    if wanted.as_json:
        print_json(body)
        return
    for table in _tables(body):
        typer.echo(table.title)
        for row in aligned(table):
            typer.echo(row)
        typer.echo()
    if body.folder is None:
        typer.echo("Nothing was trained: a dry run.")
    else:
        typer.echo(f"The reader is in {body.folder}; use it: pincite ask --reader {body.folder}")


def _tables(body: TrainingBody) -> Iterator[Table]:
    yield Table(
        f"{counted(len(body.sets), 'set')}, {body.questions_a_pass:,} questions a pass, "
        f"{body.passes:.2f} passes",
        ["", "questions", "without answer", "kept apart", "faults", "weight"],
        [
            [
                Path(one.path).name,
                f"{one.questions:,}",
                f"{one.without_answer:,}",
                f"{one.held_out:,}",
                f"{one.faults:,}",
                f"{one.weight:g}",
            ]
            for one in body.sets
        ],
    )
    yield Table(
        "Recipe", ["", ""], [[name, str(value)] for name, value in sorted(body.recipe.items())]
    )
    if body.measured:
        yield Table(
            "On articles kept apart",
            ["", "questions", "fp32 F1", "int8 F1", "fp32 AUROC", "int8 AUROC"],
            [
                [
                    one.name,
                    f"{one.questions:,}",
                    _shown(one.fp32[1], 100),
                    _shown(one.int8[1], 100),
                    _shown(one.fp32[2], 1),
                    _shown(one.int8[2], 1),
                ]
                for one in body.measured
            ],
        )


def _shown(value: float | None, times: float) -> str:
    return "–" if value is None else f"{times * value:.{1 if times > 1 else 3}f}"
