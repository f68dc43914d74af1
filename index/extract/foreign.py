"""The boundary to libraries that parse what may be hostile or broken."""

from collections.abc import Iterator
from contextlib import contextmanager

from index.errors import PinciteError, UnreadableDocument


@contextmanager
def parsing(name: str, what: str) -> Iterator[None]:
    """Turn whatever a parser inside fails with into an error of ours.

    `name` is the file's name and `what` a phrase for its kind, such as "an EPUB".

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
        words = " ".join(str(error).split())[:200]
        reason = f"{type(error).__name__}: {words}" if words else type(error).__name__
        raise UnreadableDocument(
            f"{name}: is {what} that is damaged ({reason}); open it in its own program, save it "
            "anew and index that"
        ) from error
