"""The loop: draw questions, make examples, learn from them, keep checkpoints."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.errors import InvalidSettings, ModelError
from index.hub import missing_model, require_hub, weights_checksum
from qa.reader import Cutter
from qa.training.checkpoints import Checkpoints, Progressed
from qa.training.examples import Examples, title_of
from qa.training.fitting import autocast, logits, loss, set_dropout
from qa.training.recipe import Recipe
from qa.training.sets import Order, TrainingSet
from qa.training.windows import windows

# The mean loss of so many steps is kept.
STRETCH = 25


@dataclass(frozen=True, slots=True)
class Step:
    """What is told after each step: how many are done, the loss, the seconds that are left."""

    done: int
    loss: float
    left: float


class Trainer:
    """A model in training.

    `made_from` names all that must stay when it goes on, `further` among it.
    """

    def __init__(
        self,
        base: str,
        sets: Sequence[TrainingSet],
        recipe: Recipe,
        threads: int | None = None,
        further: Mapping[str, str] | None = None,
    ) -> None:
        require_hub("torch", "transformers")
        import torch
        from transformers import AutoConfig, AutoModelForQuestionAnswering, AutoTokenizer

        if threads is not None:
            torch.set_num_threads(threads)
        torch.manual_seed(recipe.seed)
        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(base)
            config = AutoConfig.from_pretrained(base)
            set_dropout(config, recipe.dropout)
            self.model: Any = AutoModelForQuestionAnswering.from_pretrained(
                base, config=config, dtype=torch.float32
            )
        except (OSError, ValueError) as error:
            raise missing_model(base, "reader", error) from error
        if not getattr(self.tokenizer, "is_fast", False):
            raise ModelError(f"{base}: has no fast tokenizer, which offsets need; use another base")
        self._recipe = recipe
        self._sets = sets
        self._order = Order(sets, recipe.seed)
        self._cutter = Cutter(self.tokenizer.backend_tokenizer, recipe.window)
        self._takes_types = "token_type_ids" in self.tokenizer.model_input_names
        self._optimizer = torch.optim.AdamW(
            _decayed(self.model, recipe.weight_decay), lr=recipe.rate, betas=(0.9, 0.98)
        )
        self.made_from: dict[str, Any] = {
            "base": weights_checksum(self.model.state_dict().items()),
            "sets": [[one.sha256, one.source.weight] for one in sets],
            "recipe": recipe.lasting(),
            **({} if further is None else further),
        }
        if any(one.texts for one in sets):
            self.made_from["texts"] = [one.texts for one in sets]

    @property
    def questions_a_pass(self) -> int:
        """How many questions a pass over the sets has, by their weights."""
        return self._order.length

    def run(
        self,
        examples: Examples,
        checkpoints: Checkpoints,
        report: Callable[[Step], None],
        stop: Callable[[], bool],
        every: float = 600.0,
    ) -> Progressed:
        """Train until all steps are done, or `stop` says so; then keep a checkpoint.

        Goes on from the newest checkpoint, if there is one. One is kept every so many seconds.

        Raises:
            InvalidSettings: what is there is of another training, or beyond the end of this one.
            ModelError: it cannot be read, or a checkpoint cannot be written.
        """
        progressed = self._going_on(checkpoints)
        began = saved = time.monotonic()
        first, lost = progressed.steps, list(progressed.lost)
        recent: list[float] = []
        self.model.train()
        step = first
        while step < self._recipe.steps and not stop():
            recent.append(self._step(step, examples))
            step += 1
            if len(recent) == STRETCH:
                lost.append(sum(recent) / STRETCH)
                recent.clear()
            now = time.monotonic()
            pace = (now - began) / (step - first)
            report(Step(step, (recent or lost)[-1], pace * (self._recipe.steps - step)))
            if now - saved >= every:
                self._save(checkpoints, step, progressed.seconds + now - began, lost)
                saved = now
        if step == first > 0:  # it is kept already
            return progressed
        return self._save(checkpoints, step, progressed.seconds + time.monotonic() - began, lost)

    def _save(
        self, checkpoints: Checkpoints, step: int, seconds: float, lost: Sequence[float]
    ) -> Progressed:
        ends = self._recipe.ends(step)
        progressed = Progressed(step, seconds, tuple(lost), self.made_from, ends)
        checkpoints.save(progressed, self.model, self._optimizer)
        return progressed

    def check(self, checkpoints: Checkpoints) -> None:
        """Make sure, before long work, that what is there is of this training.

        What was not noted yet when it was begun is not compared.

        Raises:
            InvalidSettings: it is of another one.
            ModelError: it cannot be read.
        """
        for one in checkpoints.all()[:1]:
            if differing := _difference(one.made_from, self.made_from):
                raise InvalidSettings(
                    "the training that was begun in this folder is another one: "
                    f"{', '.join(differing)}; give what it was begun with, or another folder"
                )

    def _going_on(self, checkpoints: Checkpoints) -> Progressed:
        self.check(checkpoints)
        kept = checkpoints.all()
        if not kept:
            return Progressed(0, 0.0, (), self.made_from)
        for one in kept:
            if one.steps <= self._recipe.steps and one.ends in (None, self._recipe.ends(one.steps)):
                checkpoints.load(one, self.model, self._optimizer)
                return one
        raise InvalidSettings(
            f"the training that was begun in this folder is at step {kept[0].steps} already, "
            f"beyond the {self._recipe.steps} that are asked for; ask for more, or name another "
            "folder"
        )

    def _step(self, step: int, examples: Examples) -> float:
        """Learn from one batch; gives the loss."""
        import torch

        recipe = self._recipe
        groups = []
        for draw in self._order.draws(step * recipe.batch, recipe.batch):
            one = self._sets[draw.set]
            question = one.questions[draw.question]
            groups.append(examples.of(question, title_of(question, titled=one.titled), draw.number))
        made = windows(self._cutter, groups, self.tokenizer.cls_token_id)
        for group in self._optimizer.param_groups:
            group["lr"] = recipe.rate_at(step)
        with autocast(recipe.precision):
            starts, ends = logits(self.model, made, self._takes_types)
        found = loss(starts, ends, made, recipe.relevance)
        found.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), recipe.clip)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return float(found.detach())

    def save(self, folder: Path) -> None:
        """Write the model as it is now, in Hugging Face format."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


def _decayed(model: Any, share: float) -> list[dict[str, Any]]:
    """The weights in two groups: matrices, which decay, and the rest, which does not."""
    matrices = [one for one in model.parameters() if one.ndim >= 2]
    rest = [one for one in model.parameters() if one.ndim < 2]
    return [
        {"params": matrices, "weight_decay": share},
        {"params": rest, "weight_decay": 0.0},
    ]


def _difference(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs between two trainings, of what was noted of the one before."""
    names = [name for name, value in before.items() if name != "recipe" and now.get(name) != value]
    return names + [
        f"{name} ({value}, now {now['recipe'].get(name)})"
        for name, value in before["recipe"].items()
        if now["recipe"].get(name) != value
    ]
