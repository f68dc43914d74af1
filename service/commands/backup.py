"""`backup` and `restore`: all that is kept, in one file."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from index.errors import InvalidSettings, UnavailableIndex
from index.files import at_home
from service.commands.options import AsJson, IndexFolder, settings_with
from service.errors import OURS
from service.text import counted, visible

if TYPE_CHECKING:
    from service.host.archive import Manifest, Report
    from service.schemas.backups import RestoreBody

_STANDARD = "-"


def backup(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            show_default=False,
            help="The file to write, such as pincite.tar.gz; - for standard output.",
        ),
    ],
    index: IndexFolder = None,
    as_json: AsJson = False,
) -> None:
    """Back up the index and what its server keeps, into one file.

    The server may be running and taking documents in. The file holds documents and the digests of
    keys, and only you can read it.
    """
    from service.host.backup import back_up

    if file == _STANDARD and as_json:
        raise InvalidSettings("--json: standard output carries the backup; name a file instead")
    settings = settings_with(index=index)
    with _output(file) as (stream, scratch), _progress("backed up") as report:
        manifest = back_up(settings, stream, scratch, report)
    if as_json:
        from service.commands.output import print_json
        from service.schemas.backups import BackupBody

        print_json(BackupBody(**_body(file, manifest)))
    else:
        _say(f"{file}: {_contents(manifest)}", err=file == _STANDARD)


def restore(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", show_default=False, help="The backup; - for standard input."
        ),
    ],
    folder: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER", show_default=False, help="A new or empty folder, for the index."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Restore a backup into a new folder, and check the index there.

    Nothing is put in place unless all of the backup is as it was made. Exit status 3 if the check
    finds something wrong.
    """
    from service.host.restore import refuse_occupied
    from service.host.restore import restore as put_back

    target = at_home(folder)
    refuse_occupied(target)
    with _input(file) as stream, _progress("restored") as report:
        manifest = put_back(stream, file, target, report)
    body = _restored(file, manifest, target)
    if as_json:
        from service.commands.output import print_json

        print_json(body)
    else:
        _say(f"{target}: {_contents(manifest)}, as of {manifest.made_at}")
        for name, place in body.named.items():
            _say(f"{place}: name it in the configuration file: [collections] {name} = ...")
        for check in body.checks:
            if not check.ok:
                _say(f"WRONG {check.name}: {check.found}")
        if body.ok:
            _say("The check found nothing wrong.")
    if not body.ok:
        raise typer.Exit(OURS)


def _restored(file: str, manifest: "Manifest", target: Path) -> "RestoreBody":
    """Look after what was restored: each index by itself."""
    from index.doctor import check
    from service.host.archive import INDEX, NAMED
    from service.schemas import CheckBody
    from service.schemas.backups import RestoreBody

    named, checks = {}, []
    for prefix in manifest.indexes:
        place = target / prefix.removeprefix(INDEX)
        if prefix.startswith(NAMED):
            named[prefix.removeprefix(NAMED).rstrip("/")] = str(place)
        checks += [
            CheckBody(name=f"{place}: {found.name}", ok=found.ok, found=found.found)
            for found in check(place).checks
        ]
    return RestoreBody(
        **_body(file, manifest),
        folder=str(target),
        named=named,
        ok=all(found.ok for found in checks),
        checks=checks,
    )


def _body(file: str, manifest: "Manifest") -> dict[str, Any]:
    """The fields of a `BackupBody`."""
    return {
        "file": file,
        "made_at": manifest.made_at,
        "pincite": manifest.pincite,
        "indexes": len(manifest.indexes),
        "files": len(manifest.members),
        "bytes": manifest.bytes,
    }


def _contents(manifest: "Manifest") -> str:
    from service.render import mib

    indexes = "1 index" if len(manifest.indexes) == 1 else f"{len(manifest.indexes):,} indexes"
    return f"{indexes}, {counted(len(manifest.members), 'file')}, {mib(manifest.bytes)}"


def _say(line: str, *, err: bool = False) -> None:
    typer.echo(visible(line), err=err)


@contextmanager
def _output(name: str) -> Iterator[tuple[BinaryIO, Path]]:
    """A stream that becomes the file when the block has ended well, and a folder with room.

    Raises:
        InvalidSettings: there is such a file, or none can be made there.
    """
    import tempfile

    if name == _STANDARD:
        if sys.stdout.isatty():
            raise InvalidSettings("-: a terminal cannot show a backup; send it to a file")
        yield sys.stdout.buffer, Path(tempfile.gettempdir())
        sys.stdout.buffer.flush()
        return
    path = at_home(name).absolute()
    if path.exists():
        raise InvalidSettings(f"{name}: is there already; name another file, or remove it")
    try:
        handle, unfinished = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    except OSError as error:
        raise InvalidSettings(f"{name}: cannot be written ({error.strerror})") from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file, path.parent
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).replace(path)
    except OSError as error:
        raise UnavailableIndex(f"{name}: cannot be written ({error})") from error
    finally:
        Path(unfinished).unlink(missing_ok=True)


@contextmanager
def _input(name: str) -> Iterator[BinaryIO]:
    """The stream of a backup.

    Raises:
        InvalidSettings: there is none of this name that can be read.
    """
    if name == _STANDARD:
        yield sys.stdin.buffer
        return
    try:
        file = at_home(name).open("rb")
    except OSError as error:
        raise InvalidSettings(f"{name}: cannot be read ({error.strerror})") from error
    with file:
        yield file


@contextmanager
def _progress(done: str) -> Iterator["Report"]:
    """Tells a person who looks on how far it is, on a line that renews itself."""
    from service.render import mib

    files, size = 0, 0

    def report(_: str, grown: int) -> None:
        nonlocal files, size
        files, size = files + 1, size + grown
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{done}: {files:,} files, {mib(size)}\033[K")
            sys.stderr.flush()

    try:
        yield report
    finally:
        if files and sys.stderr.isatty():
            sys.stderr.write("\r\033[K")
