"""The conversation: takes a line, does what it says, and keeps what came of it."""

from collections.abc import Callable
from dataclasses import dataclass

from index.errors import InvalidFilter, InvalidQuestion, UnknownDocument
from qa.answers import PASSAGES, Options
from service.chat.lines import COMMANDS, Ask, Mistake, Open, Where, Word, parse
from service.chat.opening import Opener
from service.chat.state import STEP, State, answered, listed, more, narrowed, widened
from service.engine import Engine
from service.errors import ANSWERED, NOT_SAID, USERS_MISTAKE
from service.render import Page
from service.text import counted, visible

_NEAREST = 3
_MOST_ANSWERS = 50
_DOCUMENTS_SHOWN = 50
# What a person may have got wrong in a line; whatever else fails, fails for the next line, too.
_MISTAKES = (InvalidQuestion, InvalidFilter, UnknownDocument)


@dataclass(frozen=True, slots=True)
class Manner:
    """How questions are answered; see `Options`. `step` is how many answers show at a time."""

    step: int = STEP
    passages: int = PASSAGES
    min_confidence: float | None = None


class Chat:
    """A conversation with an index, a line at a time."""

    def __init__(
        self,
        engine: Engine,
        page: Page,
        opener: Opener,
        complain: Callable[[str], None],
        manner: Manner = Manner(),
        state: State = State(),  # noqa: B008 - immutable
    ) -> None:
        """Take what answers, where to write, what opens citations, and whom to tell of mistakes."""
        self.state = state
        self._engine = engine
        self._page = page
        self._opener = opener
        self._complain = complain
        self._manner = manner

    def take(self, line: str) -> int | None:
        """Follow a line: its exit code as `ask` would have it; None to leave.

        Raises:
            PinciteError: the index or a model cannot be used.
        """
        try:
            return self._follow(line)
        except _MISTAKES as error:
            return self._mistake(str(error))

    def _follow(self, line: str) -> int | None:
        match parse(line):
            case Ask(question):
                return self._ask(question)
            case Open(number):
                return self._open(number)
            case Where(condition):
                return self._where(condition)
            case Mistake(reason):
                return self._mistake(reason)
            case Word.MORE:
                self._more()
            case Word.HITS:
                self._hits()
            case Word.DOCUMENTS:
                self._documents()
            case Word.EVERYWHERE:
                self.state = widened(self.state)
                self._page.line("Looking in all documents.")
            case Word.HELP:
                self._page.line("Type a question, or:")
                self._page.table([(f"  {name}", meaning) for name, meaning in COMMANDS.items()])
                self._page.line("With / before it a line is always a command; /ask asks anything.")
            case Word.QUIT:
                return None
        return ANSWERED

    def _mistake(self, reason: str) -> int:
        self._complain(reason)
        return USERS_MISTAKE

    def _ask(self, question: str) -> int:
        options = Options(
            answers=_MOST_ANSWERS,
            passages=self._manner.passages,
            min_confidence=self._manner.min_confidence,
            where=self.state.where,
        )
        reply = self._engine.ask(question, options)
        self.state = answered(self.state, reply, self._manner.step)
        if reply.abstained:
            nearest = self._engine.locate(reply.hits[:_NEAREST])
            self.state = listed(self.state, nearest)
            self._page.reply(reply, nearest)
            return NOT_SAID
        self._page.answers(reply.answers[: self.state.shown])
        self._tell_of_more()
        return ANSWERED

    def _tell_of_more(self) -> None:
        reply = self.state.reply
        left = 0 if reply is None else len(reply.answers) - self.state.shown
        if left and self._page.is_terminal:
            self._page.line()
            self._page.line(f"{counted(left, 'further answer')}: more", style="dim")

    def _open(self, number: int) -> int:
        citation = self.state.citation(number)
        if citation is None:
            numbered = len(self.state.numbered)
            known = f"there are 1 to {numbered}" if numbered else "ask something first"
            return self._mistake(f"{number}: no citation has this number; {known}")
        document = self._engine.store.document(citation.document_id)
        if document.text[citation.start : citation.end] != citation.text:
            return self._mistake("the document has changed since; ask again")
        self._opener(document, citation)
        return ANSWERED

    def _where(self, condition: str | None) -> int:
        if condition is not None:
            self.state = narrowed(self.state, condition)
        if not self.state.where:
            self._page.line("Looking in all documents; narrow it: where KEY=VALUE")
            return ANSWERED
        documents = self._engine.store.documents()
        fitting = len(self.state.where.select(documents))
        self._page.line(
            f"Looking in {fitting:,} of {counted(len(documents), 'document')}, those that fit: "
            f"{visible(str(self.state.where))}"
        )
        return ANSWERED

    def _more(self) -> None:
        first = self.state.shown + 1
        self.state, following = more(self.state, self._manner.step)
        if not following:
            self._page.line("There are no further answers.")
            return
        self._page.answers(following, first)
        self._tell_of_more()

    def _hits(self) -> None:
        reply = self.state.reply
        if reply is None or not reply.hits:
            self._page.line("No passages were read; ask something first.")
            return
        found = self._engine.locate(reply.hits)
        self.state = listed(self.state, found)
        self._page.hits(found, scores=True)

    def _documents(self) -> None:
        documents = self.state.where.select(self._engine.store.documents())
        self._page.documents(documents[:_DOCUMENTS_SHOWN], self.state.where)
        left = len(documents) - _DOCUMENTS_SHOWN
        if left > 0:
            self._page.line(f"and {left:,} more; narrow it (where KEY=VALUE), or: pincite list")
