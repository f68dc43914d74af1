"""The model's side of training: forward, loss, precision (torch)."""

import contextlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from qa.training.recipe import Precision
from qa.training.windows import Window

# Sequences of about one length run together, so many tokens at once: enough for the processor to
# be busy, few enough for padding to be little.
_TOKENS_AT_ONCE = 1536

# Taken for the logit of what must not be chosen; finite, so that gradients stay so.
_NEVER = -1e4


def chunks(lengths: Sequence[int], most: int = _TOKENS_AT_ONCE) -> list[list[int]]:
    """The places of sequences, in groups of like length that have at most so many tokens padded.

    A sequence that is longer by itself is a group of its own.
    """
    found: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: (lengths[place], place)):
        if found and (len(found[-1]) + 1) * lengths[place] <= most:
            found[-1].append(place)
        else:
            found.append([place])
    return found


def logits(model: Any, windows: Sequence[Window], takes_types: bool) -> tuple[Any, Any]:
    """Start and end logits, float32 `(windows, longest)`; what is not allowed has `_NEVER`."""
    import torch

    longest = max(len(window.ids) for window in windows)
    starts: list[Any] = [None] * len(windows)
    ends: list[Any] = [None] * len(windows)
    for places in chunks([len(window.ids) for window in windows]):
        part = [windows[place] for place in places]
        width = max(len(window.ids) for window in part)
        given = {
            "input_ids": _padded([window.ids for window in part], width),
            "attention_mask": _padded([[1] * len(window.ids) for window in part], width),
        }
        if takes_types:
            given["token_type_ids"] = _padded([window.types for window in part], width)
        output = model(**given)
        allowed = _padded([window.allowed for window in part], width).bool()
        for found, made in ((starts, output.start_logits), (ends, output.end_logits)):
            kept = made.float().masked_fill(~allowed, _NEVER)
            kept = torch.nn.functional.pad(kept, (0, longest - width), value=_NEVER)
            for row, place in enumerate(places):
                found[place] = kept[row]
    return torch.stack(starts), torch.stack(ends)


def _padded(rows: Sequence[Sequence[int]], width: int) -> Any:
    import torch

    return torch.tensor([[*row, *[0] * (width - len(row))] for row in rows])


def loss(starts: Any, ends: Any, windows: Sequence[Window], relevance: float) -> Any:
    """What is to be made small, a scalar.

    Of each window the cross entropy of where the answer begins and ends, all right places taken
    together (Clark and Gardner, "Simple and Effective Multi-Paragraph Reading Comprehension", 2018,
    section 3.1); "no answer" is a place like others. And, `relevance` times, of each question that
    is shown several windows, the cross entropy of which of them holds the answer, by how far its
    places outdo "no answer": so scores compare across passages.
    """
    import torch

    span = (
        _missed(starts, [window.starts for window in windows])
        + _missed(ends, [window.ends for window in windows])
    ).mean() / 2
    rows = torch.arange(len(windows))
    null = torch.tensor([window.null for window in windows])
    margin = (_over_null(starts, rows, null) + _over_null(ends, rows, null)) / 2
    groups: dict[int, list[int]] = {}
    for place, window in enumerate(windows):
        groups.setdefault(window.group, []).append(place)
    told = []
    for places in groups.values():
        right = [place for place in places if windows[place].has_answer]
        if right and len(right) < len(places):
            told.append(torch.logsumexp(margin[places], 0) - torch.logsumexp(margin[right], 0))
    if not told or not relevance:
        return span
    return span + relevance * torch.stack(told).mean()


def _missed(found: Any, right: Sequence[Sequence[int]]) -> Any:
    """Of each row, how unlikely the right places are together: minus the logarithm."""
    import torch

    is_right = torch.zeros_like(found, dtype=torch.bool)
    for row, places in enumerate(right):
        is_right[row, list(places)] = True
    at_right = torch.logsumexp(found.masked_fill(~is_right, _NEVER), 1)
    return torch.logsumexp(found, 1) - at_right


def _over_null(found: Any, rows: Any, null: Any) -> Any:
    """Of each row, by how much all places but "no answer" outdo it."""
    import torch

    others = found.clone()
    others[rows, null] = _NEVER
    return torch.logsumexp(others, 1) - found[rows, null]


def set_dropout(config: Any, share: float) -> None:
    """Set every dropout that a model's configuration names."""
    for name, value in vars(config).items():
        if "dropout" in name and isinstance(value, int | float):
            setattr(config, name, share)


def autocast(precision: Precision) -> AbstractContextManager[object]:
    """The block in which the model runs: in bfloat16 where it is asked for, or pays."""
    import torch

    if precision == "fp32" or (precision == "auto" and not _multiplies_bf16()):
        return contextlib.nullcontext()
    return torch.autocast("cpu", dtype=torch.bfloat16)  # type: ignore[no-any-return]


def _multiplies_bf16() -> bool:
    """Whether the processor multiplies in bfloat16 itself; where it does not, that is slower."""
    import torch

    return any(
        getattr(torch.cpu, name, lambda: False)()
        for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
