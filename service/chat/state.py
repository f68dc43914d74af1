"""What a conversation is about just now, and how each step changes it; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from index.documents import Hit
from index.filters import EVERYTHING, Filter, parse
from qa.answers import Answer, Citation, Reply

# How many answers are shown at a time.
STEP = 3


@dataclass(frozen=True, slots=True)
class State:
    """Where is looked, the last reply, how many of its answers were shown, what numbers mean.

    `numbered` holds the citations that were shown last, in the order of their numbers.
    """

    where: Filter = EVERYTHING
    reply: Reply | None = None
    shown: int = 0
    numbered: tuple[Citation, ...] = ()

    def citation(self, number: int) -> Citation | None:
        """The citation shown under a number, which counts from 1; None if there is none."""
        return self.numbered[number - 1] if 1 <= number <= len(self.numbered) else None


def answered(state: State, reply: Reply, step: int = STEP) -> State:
    """After a reply came: its first answers are numbered."""
    first = reply.answers[:step]
    return replace(
        state,
        reply=reply,
        shown=len(first),
        numbered=tuple(answer.citation for answer in first),
    )


def more(state: State, step: int = STEP) -> tuple[State, Sequence[Answer]]:
    """The next answers of the last reply, which are numbered on; none where all were shown."""
    if state.reply is None:
        return state, ()
    following = state.reply.answers[state.shown : state.shown + step]
    if not following:
        return state, ()
    shown = state.shown + len(following)
    numbered = tuple(answer.citation for answer in state.reply.answers[:shown])
    return replace(state, shown=shown, numbered=numbered), following


def listed(state: State, found: Iterable[tuple[Hit, Citation]]) -> State:
    """After passages were shown: they are what the numbers mean."""
    return replace(state, numbered=tuple(citation for _, citation in found))


def narrowed(state: State, condition: str) -> State:
    """With one more condition that documents must fit.

    Raises:
        InvalidFilter: it is no condition.
    """
    further = parse([condition]).conditions
    return replace(state, where=Filter(state.where.conditions + further))


def widened(state: State) -> State:
    """With no condition."""
    return replace(state, where=EVERYTHING)
