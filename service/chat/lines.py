"""What a line typed at the prompt means; pure.

A line is a question unless all of it is a command. With a slash before it, it always is one.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

# More digits are a year, say, and a question.
_NUMBER = re.compile(r"[0-9]{1,3}")
_CONDITION = re.compile(r"\S+\s*(?:!=|>=|<=|=|~).*", re.DOTALL)


class Word(StrEnum):
    """A command that takes nothing."""

    NOTHING = ""
    MORE = "more"
    HITS = "hits"
    DOCUMENTS = "documents"
    EVERYWHERE = "everywhere"
    HELP = "help"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Ask:
    """A question, as it was typed."""

    question: str


@dataclass(frozen=True, slots=True)
class Open:
    """Open the citation with this number, from 1, of those shown last."""

    number: int


@dataclass(frozen=True, slots=True)
class Where:
    """Look only in documents that fit another condition; without one, tell those that hold."""

    condition: str | None


@dataclass(frozen=True, slots=True)
class Mistake:
    """A line that cannot be followed, and why."""

    reason: str


Command = Word | Ask | Open | Where | Mistake

_WORDS = {
    **{word.value: word for word in Word},
    "?": Word.HELP,
    "q": Word.QUIT,
    "exit": Word.QUIT,
}

# Each with what `help` says of it.
COMMANDS = {
    "1, open 1": "open the citation with that number",
    "more": "show further answers to the question",
    "hits": "show the passages that were read for it",
    "where KEY=VALUE": "look only in documents that fit, also with !=, >=, <= or ~PATTERN",
    "where": "tell which conditions hold now",
    "everywhere": "look in all documents again",
    "documents": "list the documents that are looked in",
    "help": "show this",
    "quit": "leave; so does Ctrl-D",
}
NAMES = ("documents", "everywhere", "help", "hits", "more", "open", "quit", "where")


def parse(line: str) -> Command:
    """What a line means; every line means something."""
    text = line.strip()
    if not text.startswith("/"):
        found = _command(text)
        return Ask(text) if found is None else found
    after = text[1:].strip()
    if not after:
        return Mistake("nothing stands after the slash; see: help")
    name, _, rest = after.partition(" ")
    if name.casefold() == "ask":
        return Ask(rest.strip())
    found = _command(after)
    return Mistake(f"{after}: there is no such command; see: help") if found is None else found


def _command(text: str) -> Command | None:
    word = _WORDS.get(text.casefold())
    if word is not None:
        return word
    if _NUMBER.fullmatch(text):
        return Open(int(text))
    name, _, rest = text.partition(" ")
    rest = rest.strip()
    if name.casefold() == "open" and (not rest or _NUMBER.fullmatch(rest)):
        return Open(int(rest or 1))
    if name.casefold() == "where" and (not rest or _CONDITION.fullmatch(rest)):
        return Where(rest or None)
    return None
