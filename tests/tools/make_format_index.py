"""Make the index that the tests keep of today's format, in tests/index/formats/.

Run it as ``python -m tests.tools.make_format_index`` once a format is final, and never again: what
it made then is what later versions have to read. So it refuses to write over a file.
"""

import shutil
import sqlite3
import sys
import tempfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from index.database import DATABASE
from index.documents import Cell, Document, Part, Problem, Section, document_id
from index.embedding import OnnxEmbedder
from index.extract import extract
from index.local_store import LocalStore
from index.migrations import FORMAT_VERSION
from index.passages import Splitter
from index.store import IndexSettings, Intake, Origin
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import an_entry, an_intake, reindex
from tests.paths import EMBEDDER, ROOT, SEEDS

FOLDER = "file:///documents/"
PRICES = "Lamp | 40\nAttic key | 7.50"


def seed(name: str) -> Document:
    """One of the sample documents."""
    return extract((SEEDS / name).read_bytes(), uri=FOLDER + name, name=name)


def prices() -> Document:
    """A sheet that is called by its file's name."""
    uri = FOLDER + "archive.zip!/prices.ods"
    return Document(
        id=document_id(uri),
        uri=uri,
        title="prices",
        media_type="application/vnd.oasis.opendocument.spreadsheet",
        text=PRICES,
        sha256=sha256(PRICES.encode()).hexdigest(),
        sections=(Section(("Net",), 0, len(PRICES)),),
        parts=(Part("sheet", "Net", 0, len(PRICES)),),
        cells=(Cell(0, 4, 1, 1), Cell(7, 9, 1, 2), Cell(10, 19, 2, 1), Cell(22, 26, 2, 2)),
        title_from_name=True,
    )


def make(folder: Path) -> None:
    """Make an index in a new folder that uses all there is."""
    old, splitter = HashEmbedder(8), Splitter()
    store = LocalStore.create(folder, IndexSettings(old.identity, splitter))
    changelog = seed("changelog.md")
    copy = replace(changelog, uri=FOLDER + "copies/changelog.md")
    store.put(
        [
            an_intake(document, old, splitter, recipe="2")
            for document in (changelog, seed("faq.html"), seed("office-lease.pdf"), copy)
        ]
    )
    archive = Origin(FOLDER + "archive.zip", sha256(b"archive").hexdigest(), "2/ocr")
    reason = "archive.zip!/setup.exe: looks like a program, which is not read"
    problem = Problem(FOLDER + "archive.zip!/setup.exe", reason, unsupported=True)
    store.put([Intake(archive, [an_entry(prices(), old, splitter)], [problem])])
    reindex(store, OnnxEmbedder(EMBEDDER), splitter)
    unfinished = HashEmbedder(4, "unfinished")
    store.begin(IndexSettings(unfinished.identity, splitter))
    entry = an_entry(store.document(store.pending(1)[0]), unfinished, splitter)
    store.fill([(entry.document, entry.passages, entry.vectors)])
    store.close()
    connection = sqlite3.connect(folder / DATABASE)
    connection.execute("VACUUM")
    connection.close()


def main() -> None:
    """Write the file."""
    path = ROOT / "tests" / "index" / "formats" / f"format-{FORMAT_VERSION}.sqlite"
    if path.exists():
        sys.exit(f"{path}: is there already, and must stay as it is")
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder) / "index")
        shutil.copy(Path(folder) / "index" / DATABASE, path)


if __name__ == "__main__":
    main()
