"""An extractor that does what the file tells it to, as a parser in a document's power would."""

import ctypes
import errno
import mmap
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from index.documents import Cell, Document, Page, document_id
from index.extract import Extraction

kept: list[object] = []
jobs = 0


def extract_all(data: bytes, *, uri: str, **rest: Any) -> Extraction:
    """Do the deed that `data` names; the text tells what came of it and in which process."""
    global jobs
    jobs += 1
    deed, _, argument = data.decode().partition(" ")
    came = DEEDS[deed](argument)
    fields = came if isinstance(came, dict) else {}
    digest = fields.pop("digest", sha256(data).hexdigest())
    document = Document(
        id=document_id(uri),
        uri=uri,
        title=deed,
        media_type="text/plain",
        text=f"{came}, in process {os.getpid()}",
        sha256=digest,
    )
    return Extraction((replace(document, **fields),), (), digest)


def elsewhere(uri: str) -> dict[str, Any]:
    return {"uri": uri}


def other_bytes(_: str) -> dict[str, Any]:
    return {"digest": "0" * 64}


def beyond(_: str) -> dict[str, Any]:
    return {"pages": (Page(1, 0, 10_000),)}


def crossed(_: str) -> dict[str, Any]:
    return {"cells": (Cell(0, 3, 1, 1), Cell(2, 4, 1, 2))}


def long(characters: str) -> dict[str, Any]:
    return {"text": "x" * int(characters)}


def loop(_: str) -> None:
    while True:
        pass


def sleep(seconds: str) -> None:
    time.sleep(float(seconds))


def keep(megabytes: str) -> int:
    kept.append(mmap.mmap(-1, int(megabytes) * 2**20))
    return jobs


def need(megabytes: str) -> int:
    return len(bytearray(int(megabytes) * 2**20))


def hog(_: str) -> None:
    pieces: list[bytearray] = []
    while True:
        pieces.append(bytearray(2**20))


def overflow(_: str) -> None:
    overflow(_)


def crash(_: str) -> None:
    ctypes.string_at(0)


def crash_if_used(_: str) -> None:
    if jobs > 1:
        ctypes.string_at(0)


def leave(code: str) -> None:
    os._exit(int(code))


def fail(message: str) -> None:
    raise LookupError(message)


def chatter(_: str) -> None:
    for stream in (1, 2):
        os.write(stream, b"chatter " * 10_000)
    print("chatter")


def babble(_: str) -> None:
    """Write to every stream there is, the one that results go through among them."""
    for stream in range(3, 64):
        try:
            os.write(stream, b"\0" * 15 + b"\5" + b"words")
        except OSError:
            continue


def connect(_: str) -> None:
    socket.create_connection(("127.0.0.1", 9), timeout=1)


def resolve(_: str) -> None:
    socket.getaddrinfo("example.org", 80)


def fetch(_: str) -> None:
    urllib.request.urlopen("http://127.0.0.1:9/x")


def run(_: str) -> None:
    subprocess.run([sys.executable, "-c", "print(1)"], check=True)


def end_program(_: str) -> int:
    """End tesseract while it waits for a picture; the signal that it ended by, negative."""
    with subprocess.Popen(["tesseract", "-", "-"], stdin=subprocess.PIPE) as program:
        program.terminate()
        return program.wait(timeout=30)


def system(command: str) -> None:
    os.system(command)  # noqa: S605


def fork(_: str) -> None:
    if os.fork() == 0:
        os._exit(0)


def write(path: str) -> None:
    Path(path).write_bytes(b"x")


def append(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND))


def remove(path: str) -> None:
    Path(path).unlink()


def rename(path: str) -> None:
    Path(path).rename(path + ".bak")


def make_folder(path: str) -> None:
    Path(path).mkdir()


def scratch(_: str) -> str:
    return tempfile.gettempdir()


def read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def list_folder(path: str) -> list[str]:
    return os.listdir(path)  # noqa: PTH208


def load(path: str) -> None:
    ctypes.CDLL(path)


def database(path: str) -> None:
    sqlite3.connect(path).execute("CREATE TABLE t (c)")


def signal_parent(_: str) -> None:
    os.kill(os.getppid(), 0)


def native(name: str, *arguments: object) -> str:
    """What comes of a function of the C library, which Python does not see."""
    libc = ctypes.CDLL(None, use_errno=True)
    result = getattr(libc, name)(*arguments)
    if name == "fork" and result == 0:
        os._exit(0)
    return errno.errorcode[ctypes.get_errno()] if result == -1 else "done"


def native_open(path: str) -> str:
    return native("open", path.encode(), os.O_RDONLY)


def native_create(path: str) -> str:
    return native("open", path.encode(), os.O_WRONLY | os.O_CREAT, 0o600)


def native_remove(path: str) -> str:
    return native("unlink", path.encode())


def native_chmod(path: str) -> str:
    return native("chmod", path.encode(), 0)


def native_socket(_: str) -> str:
    return native("socket", 2, 1, 0)


def native_fork(_: str) -> str:
    return native("fork")


def native_run(path: str) -> str:
    return native("execv", path.encode(), (ctypes.c_char_p * 2)(path.encode(), None))


def native_signal(_: str) -> str:
    return native("kill", os.getppid(), 0)


def thread(_: str) -> None:
    started = threading.Thread(target=lambda: None)
    started.start()
    started.join()


DEEDS: dict[str, Callable[[str], Any]] = {
    name: deed for name, deed in list(globals().items()) if callable(deed)
}
