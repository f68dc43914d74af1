"""Forward and loss against slow, obvious ones."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_made import tiny_base

from qa.training.fitting import autocast, chunks, logits, loss, set_dropout
from qa.training.windows import Window

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow


@given(lengths=st.lists(st.integers(1, 50), max_size=30), most=st.integers(1, 120))
def test_chunks_hold_each_once_and_are_not_too_large(lengths: list[int], most: int) -> None:
    found = chunks(lengths, most)
    assert sorted(place for part in found for place in part) == list(range(len(lengths)))
    for part in found:
        assert len(part) == 1 or len(part) * max(lengths[place] for place in part) <= most


def window(allowed: Sequence[bool], answers: Sequence[tuple[int, int]], group: int = 0) -> Window:
    size = len(allowed)
    spans = answers or [(0, 0)]
    return Window(
        tuple(range(4, 4 + size)),
        (0,) * size,
        tuple(allowed),
        tuple(first for first, _ in spans),
        tuple(last for _, last in spans),
        0,
        group,
    )


def softmax_at(row: Sequence[float], places: set[int]) -> float:
    total = sum(math.exp(value) for value in row)
    return sum(math.exp(row[place]) for place in places) / total


def test_the_loss_is_what_it_is_said_to_be() -> None:
    made = [
        window([True] * 4, [(1, 2), (2, 2)], 0),
        window([True] * 4, [], 0),
        window([True] * 4, [(3, 3)], 1),
    ]
    starts = [[0.1, 1.0, -0.5, 0.3], [0.4, 0.2, 0.0, -1.0], [0.0, 0.5, 0.5, 2.0]]
    ends = [[0.0, 0.7, 1.5, 0.1], [0.9, -0.2, 0.3, 0.0], [-1.0, 0.0, 0.1, 1.0]]
    right = [({1, 2}, {2}), ({0}, {0}), ({3}, {3})]
    span = -sum(
        math.log(softmax_at(row, first)) + math.log(softmax_at(last_row, last))
        for row, last_row, (first, last) in zip(starts, ends, right, strict=True)
    ) / (2 * len(made))

    def margin(at: int) -> float:
        odds = [
            math.log(sum(math.exp(value) for value in rows[at][1:])) - rows[at][0]
            for rows in (starts, ends)
        ]
        return sum(odds) / 2

    told = -math.log(math.exp(margin(0)) / (math.exp(margin(0)) + math.exp(margin(1))))
    found = loss(torch.tensor(starts), torch.tensor(ends), made, 0.5)
    assert float(found) == pytest.approx(span + 0.5 * told, abs=1e-5)
    assert float(loss(torch.tensor(starts), torch.tensor(ends), made, 0.0)) == pytest.approx(span)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoModelForQuestionAnswering

    base = tiny_base(tmp_path_factory.mktemp("base"))
    return AutoModelForQuestionAnswering.from_pretrained(base).eval()


def test_padding_and_order_change_nothing(model: Any) -> None:
    made = [window([True] * size, []) for size in (9, 3, 14, 5)]
    with torch.inference_mode():
        starts, ends = logits(model, made, takes_types=True)
        for row, one in enumerate(made):
            ids = torch.tensor([one.ids])
            alone = model(input_ids=ids, attention_mask=torch.ones_like(ids))
            size = len(one.ids)
            for found, wanted in ((starts, alone.start_logits), (ends, alone.end_logits)):
                assert found[row, :size].tolist() == pytest.approx(wanted[0].tolist(), abs=1e-5)
                assert (found[row, size:] < -9e3).all()


def test_what_is_not_allowed_can_not_be_chosen(model: Any) -> None:
    allowed = [True, False, True, False]
    with torch.inference_mode():
        starts, _ = logits(model, [window(allowed, [])], takes_types=True)
    assert [value > -9e3 for value in starts[0].tolist()] == allowed


def test_a_window_without_text_gives_finite_gradients(model: Any) -> None:
    made = [window([True, False, False], [], 0), window([True] * 5, [(1, 1)], 0)]
    starts, ends = logits(model, made, takes_types=True)
    loss(starts, ends, made, 1.0).backward()
    gradients = [one.grad for one in model.parameters() if one.grad is not None]
    assert gradients
    assert all(torch.isfinite(one).all() for one in gradients)
    model.zero_grad()


def test_every_dropout_is_set(tmp_path: Path) -> None:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(tiny_base(tmp_path))
    set_dropout(config, 0.25)
    assert (config.hidden_dropout_prob, config.attention_probs_dropout_prob) == (0.25, 0.25)


def test_precision_is_what_is_asked_for() -> None:
    left, right = torch.ones(2, 2), torch.ones(2, 2)
    with autocast("bf16"):
        assert (left @ right).dtype == torch.bfloat16
    with autocast("fp32"):
        assert (left @ right).dtype == torch.float32
