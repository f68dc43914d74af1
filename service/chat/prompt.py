"""Where lines come from: a prompt on a terminal, or standard input."""

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, Completion

from service.chat.vocabulary import Vocabulary

if TYPE_CHECKING:
    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document
    from prompt_toolkit.history import History


class _Words(Completer):
    """Completes from a vocabulary, which may still be growing."""

    def __init__(self, vocabulary: Callable[[], Vocabulary]) -> None:
        self._vocabulary = vocabulary

    def get_completions(
        self,
        document: "Document",
        complete_event: "CompleteEvent",  # noqa: ARG002
    ) -> Iterable[Completion]:
        """What may follow the text before the cursor."""
        for text, replaced in self._vocabulary().completions(document.text_before_cursor):
            yield Completion(text, start_position=-replaced)


def typed(
    prompt: Callable[[], str], vocabulary: Callable[[], Vocabulary], history: "History"
) -> Iterator[str]:
    """The lines a person types, until Ctrl-D; Ctrl-C drops the line. Tab completes."""
    session: PromptSession[str] = PromptSession(
        message=prompt,
        history=history,
        completer=_Words(vocabulary),
        complete_while_typing=False,
        enable_history_search=True,
    )
    while True:
        try:
            yield session.prompt()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


def piped() -> Iterator[str]:
    """The lines on standard input, each as it comes."""
    yield from iter(sys.stdin.readline, "")
