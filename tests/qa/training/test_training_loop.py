"""Training a tiny reader: it learns, goes on where it was, and ends in one piece."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from training_made import bells, tiny_base, training_set, words

from index.errors import InvalidSettings, ModelError
from qa.evaluation.reading import run_reader
from qa.hub import HubReader
from qa.training.checkpoints import Checkpoints, Progressed
from qa.training.examples import Examples
from qa.training.recipe import Recipe
from qa.training.sets import TrainingSet
from qa.training.trainer import Step, Trainer

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

RECIPE = Recipe(steps=12, batch=4, rate=5e-3, warmup=2, cooldown=0.5, window=64)
SETS = [training_set(bells(32))]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base"))


def trained(
    base: Path,
    folder: Path,
    recipe: Recipe = RECIPE,
    *,
    sets: list[TrainingSet] = SETS,
    stop: Callable[[], bool] = lambda: False,
    tell: Callable[[Step], None] = lambda _: None,
) -> tuple[Trainer, Progressed]:
    trainer = Trainer(str(base), sets, recipe)
    examples = Examples(words, None, recipe.mined_share, recipe.seed)
    return trainer, trainer.run(examples, Checkpoints(folder), tell, stop)


def after(steps: int) -> Callable[[], bool]:
    count = itertools.count()
    return lambda: next(count) >= steps


def weights(trainer: Trainer) -> dict[str, Any]:
    return {name: one.tolist() for name, one in trainer.model.state_dict().items()}


def test_it_learns_what_is_asked(base: Path, tmp_path: Path) -> None:
    told: list[Step] = []
    recipe = Recipe(steps=100, batch=8, rate=5e-3, warmup=5, window=64, relevance=0.1)
    trainer, done = trained(base, tmp_path / "run", recipe, tell=told.append)
    assert [step.done for step in told] == list(range(1, 101))
    assert done.lost[-1] < 0.5 * done.lost[0]
    trainer.save(tmp_path / "model")
    asked = SETS[0].questions
    _, before = run_reader(HubReader(str(base)), asked)
    _, figures = run_reader(HubReader(str(tmp_path / "model")), asked)
    assert (figures.always.has_answer_exact or 0) > 0.9
    assert (before.always.has_answer_exact or 0) < 0.5
    assert (figures.auroc or 0) > 0.95


def test_a_training_that_was_stopped_ends_as_if_it_had_not_been(base: Path, tmp_path: Path) -> None:
    whole, done = trained(base, tmp_path / "whole")
    stopped, part = trained(base, tmp_path / "parts", stop=after(5))
    assert (done.steps, part.steps) == (12, 5)
    again, rest = trained(base, tmp_path / "parts", stop=after(4))
    assert rest.steps == 9
    last, end = trained(base, tmp_path / "parts")
    assert end.steps == 12
    assert weights(last) == weights(whole)
    assert weights(again) != weights(whole)
    assert weights(stopped) != weights(again)


def test_a_training_that_ended_can_be_made_longer(base: Path, tmp_path: Path) -> None:
    """It goes on from before the learning rate fell, as if it had been that long at first."""
    longer = Recipe(steps=20, batch=4, rate=5e-3, warmup=2, cooldown=0.5, window=64)
    checkpoints = Checkpoints(tmp_path / "run")
    trained(base, tmp_path / "run", stop=after(6))
    assert [one.ends for one in checkpoints.all()] == [None]
    trained(base, tmp_path / "run", stop=after(3))
    trained(base, tmp_path / "run")
    assert [(one.steps, one.ends) for one in checkpoints.all()] == [
        (12, (12, 6)),
        (9, (12, 6)),
        (6, None),
    ]
    trainer, done = trained(base, tmp_path / "run", longer)
    whole, _ = trained(base, tmp_path / "whole", longer)
    assert done.steps == 20
    assert weights(trainer) == weights(whole)


def test_a_shorter_training_than_what_is_there_is_refused(base: Path, tmp_path: Path) -> None:
    trained(base, tmp_path, stop=after(6))
    short = Recipe(steps=5, batch=4, rate=5e-3, warmup=2, cooldown=0.5, window=64)
    with pytest.raises(InvalidSettings, match=r"at step 6 already, beyond the 5"):
        trained(base, tmp_path, short)


@pytest.mark.parametrize(
    ("recipe", "sets", "named"),
    [
        (Recipe(steps=12, batch=4, rate=1e-3, warmup=2, window=64), SETS, r"rate \(0.005, now"),
        (RECIPE, [training_set(bells(32), 2.0)], "sets"),
    ],
)
def test_another_training_in_the_folder_is_refused(
    base: Path, tmp_path: Path, recipe: Recipe, sets: list[TrainingSet], named: str
) -> None:
    trained(base, tmp_path, stop=after(1))
    with pytest.raises(InvalidSettings, match=f"is another one: .*{named}"):
        trained(base, tmp_path, recipe, sets=sets)


def test_a_checkpoint_that_is_cut_is_named(base: Path, tmp_path: Path) -> None:
    trained(base, tmp_path, stop=after(1))
    (cut,) = tmp_path.glob("step-*")
    (cut / "weights.pt").write_bytes(b"PK\x03\x04")
    with pytest.raises(ModelError, match=r"step-00000001: is not a checkpoint that can be read"):
        trained(base, tmp_path)
    (cut / "state.json").write_text("{")
    with pytest.raises(ModelError, match="remove it to go on"):
        trained(base, tmp_path)


def test_an_unfinished_checkpoint_does_not_count(base: Path, tmp_path: Path) -> None:
    trained(base, tmp_path, stop=after(2))
    (tmp_path / ".step-00000009.1").mkdir()
    assert [one.steps for one in Checkpoints(tmp_path).all()] == [2]


def test_a_full_disk_is_said_and_leaves_nothing_behind(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(base, tmp_path, stop=after(1))
    (tmp_path / ".step-00000009.1").mkdir()
    save = torch.save

    def full(what: Any, path: Path) -> None:
        save(what, path)
        raise RuntimeError("PytorchStreamWriter failed writing file data/0")

    with monkeypatch.context() as patched:
        patched.setattr(torch, "save", full)
        with pytest.raises(ModelError, match=r"a checkpoint cannot be kept there .* make room"):
            trained(base, tmp_path, stop=after(1))
    assert [one.name for one in tmp_path.iterdir()] == ["step-00000001"]
    _, done = trained(base, tmp_path, stop=after(1))
    assert done.steps == 2


def test_what_programs_that_were_killed_left_is_removed(base: Path, tmp_path: Path) -> None:
    (tmp_path / ".step-00000009.1").mkdir()
    (tmp_path / ".step-00000009.1" / "weights.pt").write_bytes(b"PK")
    trained(base, tmp_path, stop=after(2))
    assert [one.name for one in tmp_path.iterdir()] == ["step-00000002"]


def test_nothing_is_written_where_no_step_was_done(base: Path, tmp_path: Path) -> None:
    _, first = trained(base, tmp_path, stop=after(1))
    (kept,) = tmp_path.iterdir()
    before = kept.stat().st_ino
    _, again = trained(base, tmp_path, stop=after(0))
    assert again == first
    assert kept.stat().st_ino == before


@pytest.mark.parametrize(
    ("further", "named"),
    [({"mining": "fused", "embedder": "1"}, "mining"), ({"mining": "lexical"}, "embedder")],
)
def test_what_decides_the_passages_must_stay(
    base: Path, tmp_path: Path, further: dict[str, str], named: str
) -> None:
    begun = {"mining": "lexical", "embedder": "1"}
    examples = Examples(words, None, 0.0, 0)
    Trainer(str(base), SETS, RECIPE, None, begun).run(
        examples, Checkpoints(tmp_path), lambda _: None, after(1)
    )
    other = Trainer(str(base), SETS, RECIPE, None, further)
    with pytest.raises(InvalidSettings, match=f"is another one: {named};"):
        other.check(Checkpoints(tmp_path))
    texts = [replace(SETS[0], texts="1" * 64)]
    Trainer(str(base), texts, RECIPE, None, begun).check(Checkpoints(tmp_path))


def test_what_was_not_noted_when_it_was_begun_is_not_compared(base: Path, tmp_path: Path) -> None:
    trained(base, tmp_path, stop=after(1))
    later = Trainer(str(base), SETS, RECIPE, None, {"mining": "lexical"})
    examples = Examples(words, None, RECIPE.mined_share, RECIPE.seed)
    done = later.run(examples, Checkpoints(tmp_path), lambda _: None, after(1))
    assert done.steps == 2
    assert Checkpoints(tmp_path).all()[0].made_from["mining"] == "lexical"


def test_a_base_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such reader"):
        Trainer(str(tmp_path / "none"), SETS, RECIPE)
