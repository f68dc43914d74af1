"""The card of a reader that was trained: what it is, from what, and what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from qa.training.recipe import Recipe
from qa.training.sets import TrainingSet


@dataclass(frozen=True, slots=True)
class SetMeasured:
    """Figures over questions that training never saw; scores and areas lie in [0, 1].

    Each as the fp32 weights have it and as the int8 ones have it: exact match and F1 over those
    with an answer (None where there is none), and the area under the curve of telling those from
    the others (None where there is one kind only).
    """

    name: str
    questions: int
    fp32: tuple[float | None, float | None, float | None]
    int8: tuple[float | None, float | None, float | None]


@dataclass(frozen=True, slots=True)
class Trained:
    """All that a card tells; `base_weights` is a SHA-256, `versions` are those of packages."""

    name: str
    base: str
    base_weights: str
    licence: str
    recipe: Recipe
    seconds: float
    questions_a_pass: int
    sets: Sequence[TrainingSet]
    measured: Sequence[SetMeasured]
    versions: Mapping[str, str]


def card(trained: Trained) -> str:
    """The card, in Markdown."""
    recipe = trained.recipe
    passes = recipe.steps * recipe.batch / trained.questions_a_pass
    numbers = ", ".join(
        f"{field.name} {getattr(recipe, field.name):g}"
        for field in fields(recipe)
        if isinstance(getattr(recipe, field.name), int | float)
    )
    versions = ", ".join(f"{name} {version}" for name, version in trained.versions.items())
    return f"""# {trained.name}

A reader for extractive question answering: it gives a start and an end logit for each token of a
passage; the first token stands for "no answer".

- **Base**: {trained.base} (SHA-256 over its weights {trained.base_weights}), fine-tuned end to end.
- **Licence**: {trained.licence}; see the licences of the data, too.
- **Recipe**: {numbers}, precision {recipe.precision}. {recipe.steps * recipe.batch:,} questions,
  {passes:.2f} passes, {trained.seconds / 3600:.1f} hours.
- **Data**: one article in forty of each set was kept apart, and never trained on.
- **Quantized**: weights int8, signed, a scale a column, within seven bits; activations dynamically.
- **Made with**: {versions}.

## Trained on

| set | questions | of them without an answer | times a pass | SHA-256 |
| --- | --- | --- | --- | --- |
{_rows(map(_set_row, trained.sets))}

## Measured on the articles kept apart

The best span, whatever its score against "no answer"; exact match / F1 over the questions that have
an answer, and the area under the ROC curve of telling them from the others. These may be samples.

| set | questions | fp32 EM / F1 | int8 EM / F1 | fp32 AUROC | int8 AUROC |
| --- | --- | --- | --- | --- | --- |
{_rows(map(_measured_row, trained.measured))}
"""


def _rows(rows: "map[list[str]]") -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _set_row(one: TrainingSet) -> list[str]:
    without = sum(not question.answers for question in one.questions)
    return [
        one.source.path.name,
        f"{len(one.questions):,}",
        f"{without:,}",
        f"{one.source.weight:g}",
        one.sha256[:16],
    ]


def _measured_row(one: SetMeasured) -> list[str]:
    (exact, f1, area), (exact8, f18, area8) = one.fp32, one.int8
    return [
        one.name,
        f"{one.questions:,}",
        f"{_percent(exact)} / {_percent(f1)}",
        f"{_percent(exact8)} / {_percent(f18)}",
        "" if area is None else f"{area:.3f}",
        "" if area8 is None else f"{area8:.3f}",
    ]


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"
