"""From examples to the token ids that a model is trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Encoding

from index.sentences import Range
from qa.reader import Cutter
from qa.training.examples import Example

# A text that is longer than a window is read in several; more than so many teach little.
MOST_WINDOWS = 3


@dataclass(frozen=True, slots=True)
class Window:
    """One sequence of tokens, with what is right there.

    `ids`, `types` and `allowed` have one entry a token; allowed are the tokens that an answer may
    begin or end at, and that of "no answer", at `null`. `starts` and `ends` are the tokens at which
    the answers begin and end, in step; both hold only `null` where the window has none. `group`
    numbers the question within the batch.
    """

    ids: tuple[int, ...]
    types: tuple[int, ...]
    allowed: tuple[bool, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    null: int
    group: int

    @property
    def has_answer(self) -> bool:
        """Whether an answer stands in the window."""
        return self.starts != (self.null,)


def windows(cutter: Cutter, groups: Sequence[Sequence[Example]], null_id: int) -> list[Window]:
    """The windows of a batch of questions, each with its examples; `null_id` means "no answer".

    Of an example with more than `MOST_WINDOWS`, those that hold an answer are taken first.
    """
    pairs = [(number, one) for number, group in enumerate(groups) for one in group]
    cut = cutter.windows([(one.question, one.text) for _, one in pairs])
    found = []
    for (number, example), parts in zip(pairs, cut, strict=True):
        made = [_window(part, example, number, null_id) for part in parts]
        made.sort(key=lambda window: not window.has_answer)
        found += made[:MOST_WINDOWS]
    return found


def _window(encoding: Encoding, example: Example, group: int, null_id: int) -> Window:
    null = encoding.ids.index(null_id)
    allowed = [
        sequence == 1 and start >= example.begin and end > start
        for sequence, (start, end) in zip(encoding.sequence_ids, encoding.offsets, strict=True)
    ]
    placed = [_tokens(encoding.offsets, allowed, answer) for answer in example.answers]
    answers = sorted({place for place in placed if place is not None}) or [(null, null)]
    allowed[null] = True
    return Window(
        tuple(encoding.ids),
        tuple(encoding.type_ids),
        tuple(allowed),
        tuple(first for first, _ in answers),
        tuple(last for _, last in answers),
        null,
        group,
    )


def _tokens(
    offsets: Sequence[Range], allowed: Sequence[bool], answer: Range
) -> tuple[int, int] | None:
    """The first and the last token of an answer; None where the window does not hold all of it."""
    start, end = answer
    inside = [
        place
        for place, (first, last) in enumerate(offsets)
        if allowed[place] and first < end and start < last
    ]
    if not inside:
        return None
    first, last = inside[0], inside[-1]
    if offsets[first][0] > start or offsets[last][1] < end:
        return None
    return first, last
