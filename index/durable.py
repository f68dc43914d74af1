"""Files that outlast a crash of the machine."""

import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

# How the name of a file ends that is being written.
_UNFINISHED = ".new"


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A file to be written, which appears at `path` after the block: whole, and on the disk.

    Until then it lies beside it, under a longer name, and the block may read it as well; if the
    block fails, nothing is left of it.

    Raises:
        OSError: it cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.{uuid.uuid4().hex}{_UNFINISHED}")
    try:
        with unfinished.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    put_on_disk(path.parent)


def put_on_disk(folder: Path) -> None:
    """Make sure that the names in a folder outlast a crash; Windows does so by itself.

    Raises:
        OSError: the folder cannot be opened, or its disk fails.
    """
    if sys.platform == "win32":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
