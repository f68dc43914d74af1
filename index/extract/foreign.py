"""The boundary to libraries that parse what may be hostile or broken."""

from collections.abc import Iterator
from contextlib import contextmanager

from index.errors import PinciteError, UnreadableDocument


@contextmanager
def parsing(name: str, what: str = "") -> Iterator[None]:
    """Turn whatever a parser inside fails with into an error of ours.

    `name` is the file's name and `what` a phrase for its kind, such as "an EPUB". Left out, the
    parser's words are too: of the XML inside an office file they tell a person nothing.

    Raises:
        UnreadableDocument: the parser failed; errors of ours and the lack of memory pass.
    """
    try:
        yield
    except (PinciteError, MemoryError):
        raise
    except RecursionError as error:
        raise UnreadableDocument(
            f"{name}: is nested too deep to be read; save it anew in another format"
        ) from error
    # On hostile bytes parsers fail with anything.
    except Exception as error:
        damaged = f"{what} that is damaged ({_words(error)})" if what else "damaged"
        raise UnreadableDocument(
            f"{name}: is {damaged}; open it in its own program, save it anew and index that"
        ) from error


def _words(error: Exception) -> str:
    words = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
