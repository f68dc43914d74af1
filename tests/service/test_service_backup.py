import gzip
import hashlib
import io
import json
import sqlite3
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from service_fakes import fake_engine, fake_server
from typer.testing import CliRunner, Result

from index.database import DATABASE
from index.doctor import check
from index.errors import NoIndex, UnavailableIndex
from index.originals import Originals
from service.cli import app
from service.errors import UnusableBackup
from service.host.archive import MANIFEST, Manifest, is_known, writing
from service.host.backup import back_up
from service.host.collections import DEFAULT
from service.host.job_records import Upload
from service.host.keys import Scope
from service.host.restore import restore
from service.host.server import Server
from service.settings import Settings

# They copy whole indexes.
pytestmark = pytest.mark.slow

BYTES = b"The gate opens at 7 in the morning."


def silent(_: str, __: int) -> None:
    pass


def backed_up(settings: Settings, scratch: Path) -> bytes:
    stream = io.BytesIO()
    back_up(settings, stream, scratch, silent)
    return stream.getvalue()


def restored(data: bytes, folder: Path) -> Manifest:
    return restore(io.BytesIO(data), "it", folder, silent)


def upload(server: Server, collection: str, uri: str, data: bytes) -> str:
    """Send a file, as a client would; its job's id."""
    spooled = server.jobs.spool(io.BytesIO(data))
    return server.jobs.submit(collection, [Upload("gate.txt", uri, spooled, "text/plain")]).id


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def texts(server: Server, collection: str) -> dict[str, str]:
    """The text of each document of a collection by its URI."""
    with server.collections.use(collection) as one:
        store = one.engine.store
        return {summary.uri: store.document(summary.id).text for summary in store.documents()}


@dataclass(frozen=True)
class Site:
    """A server with three collections, a key, an upload that was taken in and one that waits."""

    server: Server
    settings: Settings
    key: str


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    chosen = Settings(
        index=tmp_path / "index", collections={"law": tmp_path / "law"}, drain_seconds=5
    )
    server = fake_server(chosen)
    server.collections.create("hr")
    _, key = server.keys.create("mara", Scope.WRITE, ["hr"])
    server.jobs.start()
    for collection in (DEFAULT, "hr", "law"):
        upload(server, collection, f"test:gate-{collection}", BYTES + collection.encode())
    wait_until(lambda: server.jobs.waiting().files == 0)
    yield Site(server, chosen, key)
    server.close()


def test_what_is_restored_is_what_was_backed_up(site: Site, tmp_path: Path) -> None:
    before = {name: texts(site.server, name) for name in site.server.collections.names()}
    manifest = restored(backed_up(site.settings, tmp_path), tmp_path / "back" / "index")
    assert sorted(manifest.indexes) == ["index/", "server/collections/hr/", "server/named/law/"]
    folder = tmp_path / "back" / "index"
    again = fake_server(
        Settings(index=folder, collections={"law": folder / "server" / "named" / "law"})
    )
    try:
        assert {name: texts(again, name) for name in again.collections.names()} == before
        assert list(before) == [DEFAULT, "hr", "law"]
        found = again.keys.find(site.key)
        assert found is not None
        assert found.name == "mara"
    finally:
        again.close()
    for prefix in manifest.indexes:
        report = check(folder / prefix.removeprefix("index/"))
        assert [one for one in report.checks if not one.ok] == []


def test_originals_come_with_it(site: Site, tmp_path: Path) -> None:
    for collection in (site.settings.index, site.settings.index / "server/collections/hr"):
        Originals(collection / "originals").keep(BYTES)
        (collection / "originals" / "ab").mkdir()
        (collection / "originals" / "ab" / f"{'0' * 64}.new").write_bytes(b"half")
    restored(backed_up(site.settings, tmp_path), tmp_path / "back")
    for collection in (tmp_path / "back", tmp_path / "back/server/collections/hr"):
        kept = [path for path in (collection / "originals").rglob("*") if path.is_file()]
        assert BYTES in [path.read_bytes() for path in kept]
        assert all(path.name == sha256(path.read_bytes()).hexdigest() for path in kept)


def test_an_upload_that_waits_is_taken_in_after_the_restore(site: Site, tmp_path: Path) -> None:
    site.server.jobs.close()
    job = upload(site.server, "hr", "test:late", b"The late gate opens at 9.")
    restored(backed_up(site.settings, tmp_path), tmp_path / "back")
    again = fake_server(Settings(index=tmp_path / "back", drain_seconds=5))
    try:
        again.jobs.start()
        wait_until(lambda: again.jobs.get(job).state.over)
        assert texts(again, "hr")["test:late"] == "The late gate opens at 9."
    finally:
        again.close()


def test_the_generation_after_a_restore_is_none_that_the_lost_state_had(
    site: Site, tmp_path: Path
) -> None:
    with site.server.collections.use(DEFAULT) as one:
        before = one.engine.store.generation
    restored(backed_up(site.settings, tmp_path), tmp_path / "back")
    again = fake_server(Settings(index=tmp_path / "back"))
    try:
        with again.collections.use(DEFAULT) as one:
            assert one.engine.store.generation > before
    finally:
        again.close()


def test_what_was_removed_is_in_no_backup(site: Site, tmp_path: Path) -> None:
    word = "Zanzibarquat"
    job = upload(site.server, DEFAULT, "test:secret", f"The word is {word}.".encode())
    wait_until(lambda: site.server.jobs.get(job).state.over)

    def holds_it(name: str) -> bool:
        restored(backed_up(site.settings, tmp_path), tmp_path / name)
        found = (tmp_path / name).rglob("*")
        return any(word.encode() in path.read_bytes() for path in found if path.is_file())

    assert holds_it("before")
    with site.server.collections.use(DEFAULT) as one:
        summary = one.engine.store.find("test:secret")
        assert summary is not None
        one.engine.remove([summary.id])
    assert not holds_it("after")


def test_while_it_is_written_to_each_backup_is_whole_and_lacks_nothing_confirmed(
    site: Site, tmp_path: Path
) -> None:
    """Uploads and removals go on; what was confirmed before a backup began is in it, or waits."""
    stop, confirmed, gone = threading.Event(), [], []

    def write() -> None:
        number = 0
        while not stop.is_set():
            uri = f"test:{number}"
            upload(site.server, "hr", uri, f"Gate {number} opens at {number}.".encode())
            confirmed.append(uri)
            number += 1
            wait_until(lambda: site.server.jobs.waiting().files < 5)
            if number % 5 == 0:
                with site.server.collections.use("hr") as one:
                    found = one.engine.store.find(f"test:{number - 5}")
                    if found is not None:
                        one.engine.remove([found.id])
                        gone.append(f"test:{number - 5}")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for round_number in range(3):
            enough = 8 * (round_number + 1)
            wait_until(lambda: len(confirmed) >= enough)  # noqa: B023 - called here
            wanted, removed = set(confirmed) - {f"test:{n}" for n in range(0, 9999, 5)}, set(gone)
            data = backed_up(site.settings, tmp_path)
            folder = tmp_path / f"back-{round_number}"
            restored(data, folder)
            for index in (folder, folder / "server" / "collections" / "hr"):
                assert [one for one in check(index).checks if not one.ok] == []
            again = fake_server(Settings(index=folder, drain_seconds=5))
            try:
                again.jobs.start()
                wait_until(lambda: again.jobs.waiting().files == 0)  # noqa: B023 - called here
                found = set(texts(again, "hr"))
            finally:
                again.close()
            assert wanted <= found
            assert not removed & found
    finally:
        stop.set()
        thread.join()


def test_without_a_server_the_index_alone_is_backed_up(tmp_path: Path) -> None:
    fake_engine(tmp_path / "index").close()
    manifest = restored(backed_up(Settings(index=tmp_path / "index"), tmp_path), tmp_path / "back")
    names = {member.name for member in manifest.members}
    assert f"index/{DATABASE}" in names
    assert all(name.startswith("index/originals/") for name in names - {f"index/{DATABASE}"})
    assert check(tmp_path / "back").ok


def test_where_there_is_no_index_there_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(NoIndex, match="there is no index to back up"):
        backed_up(Settings(index=tmp_path / "nowhere"), tmp_path)


def test_nothing_is_left_beside_a_backup(site: Site, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    restored(backed_up(site.settings, scratch), tmp_path / "out" / "back")
    assert list(scratch.iterdir()) == []
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["back"]


def test_a_disk_that_is_full_leaves_no_backup(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(UnavailableIndex, match=r"the backup cannot be made .*No space left"):
        back_up(site.settings, Full(), tmp_path, silent)
    before = {path.name for path in tmp_path.iterdir()}
    monkeypatch.setattr("service.host.backup._snapshot", Full().write)
    result = run("backup", "--index", str(site.settings.index), str(tmp_path / "it"))
    assert result.exit_code == 3
    assert {path.name for path in tmp_path.iterdir()} == before


def test_a_file_too_large_for_the_form_is_refused_not_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_engine(tmp_path / "index").close()
    monkeypatch.setattr("service.host.archive._LARGEST", 1000)
    with pytest.raises(UnusableBackup, match="a backup holds files of at most 1000"):
        backed_up(Settings(index=tmp_path / "index"), tmp_path)


# Hostile and damaged backups


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("small")
    with sqlite3.connect(folder / DATABASE) as connection:
        connection.execute("CREATE TABLE meta (key TEXT, value TEXT)")
        connection.execute("INSERT INTO meta VALUES ('generation', '5')")
    stream = io.BytesIO()
    with writing(stream, silent) as archive:
        with (folder / DATABASE).open("rb") as file:
            archive.add(f"index/{DATABASE}", file)
        archive.finish()
    return stream.getvalue()


def refused(data: bytes, folder: Path) -> str:
    with pytest.raises(UnusableBackup) as raised:
        restored(data, folder / "target")
    assert list(folder.iterdir()) == []
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_the_small_one_is_good(small: bytes, tmp_path: Path) -> None:
    restored(small, tmp_path / "target")
    with sqlite3.connect(tmp_path / "target" / DATABASE) as connection:
        ((generation,),) = connection.execute("SELECT value FROM meta")
    assert int(generation) > 5


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_a_damaged_backup_is_refused_or_restored_as_it_was(
    small: bytes, tmp_path: Path, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(small) - 1))
    cut = data.draw(st.booleans())
    damaged = bytearray(small)
    damaged[place] ^= data.draw(st.integers(1, 255))
    given_bytes = small[:place] if cut else bytes(damaged)
    folder = tmp_path / f"{time.monotonic_ns()}"
    folder.mkdir()
    try:
        restored(given_bytes, folder / "target")
    except UnusableBackup:
        assert list(folder.iterdir()) == []
    else:
        # Only what means nothing was touched: gzip's own header, or what follows the end.
        with sqlite3.connect(folder / "target" / DATABASE) as connection:
            assert connection.execute("SELECT count(*) FROM meta").fetchone() == (1,)


HOSTILE = [
    "../evil",
    "/etc/passwd",
    "index/../../evil",
    "index/originals/../catalog.sqlite",
    "index/originals/aa/" + "a" * 63 + "G",
    "server/collections/../state.sqlite",
    "server/collections/HR/catalog.sqlite",
    "index/catalog.sqlite\n",
    "index/catalog.sqlite-wal",
    "index/vectors.faiss",
    "C:/evil",
    "",
]


def packed(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", format=tarfile.GNU_FORMAT) as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_no_backup_has_are_refused(name: str, tmp_path: Path) -> None:
    assert not is_known(name)
    message = refused(packed([(tarfile.TarInfo(name), b"x")]), tmp_path)
    assert "it: " in message


@given(st.text())
def test_no_name_that_is_known_leads_out_of_the_folder(name: str) -> None:
    for tried in (name, f"index/{name}", f"server/{name}", f"server/collections/{name}"):
        if is_known(tried):
            assert Path("/base", tried).resolve().is_relative_to("/base")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
)
def test_what_is_no_plain_file_is_refused(kind: bytes, tmp_path: Path) -> None:
    info = tarfile.TarInfo(f"index/{DATABASE}")
    info.type, info.linkname = kind, "/etc/passwd"
    assert "which no backup" in refused(packed([(info, b"")]), tmp_path)


def test_a_header_that_announces_another_of_any_size_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("index/originals/aa/" + "a" * 64 + "/x" * 100)
    assert "which no backup" in refused(packed([(info, b"")]), tmp_path)


def with_manifest(members: list[dict[str, object]], *files: tuple[str, bytes]) -> bytes:
    manifest = {"format": "pincite-backup", "version": 1, "made_at": "", "pincite": "1"}
    content = json.dumps({**manifest, "members": members}).encode()
    made = [(tarfile.TarInfo(name), data) for name, data in files]
    return packed([*made, (tarfile.TarInfo(MANIFEST), content)])


def told(name: str, data: bytes) -> dict[str, object]:
    return {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


CATALOG = f"index/{DATABASE}"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (with_manifest([told(CATALOG, b"b")], (CATALOG, b"a")), "is not what was backed up"),
        (with_manifest([], (CATALOG, b"a")), "is not what was backed up"),
        (with_manifest([told(CATALOG, b"a")]), "is missing"),
        (with_manifest([told("../evil", b"a")]), "'../evil' is missing"),
        (with_manifest([]), "holds no index"),
        (packed([(tarfile.TarInfo(CATALOG), b"a")]), "ends too early"),
        (packed([(tarfile.TarInfo(MANIFEST), b"[]")]), "has a manifest that cannot be understood"),
        (packed([(tarfile.TarInfo(MANIFEST), b"[" * 99999)]), "that cannot be understood"),
        (
            packed([(tarfile.TarInfo(MANIFEST), b'{"format": "pincite-backup", "version": 2}')]),
            "is of version 2",
        ),
        (with_manifest([]) + b"", "holds no index"),
        (gzip.compress(b"hello" * 1000), "is damaged, or no backup"),
        (b"PK\x03\x04", "is damaged, or no backup"),
        (b"", "is damaged, or no backup"),
    ],
)
def test_what_does_not_fit_its_manifest_is_refused(data: bytes, said: str, tmp_path: Path) -> None:
    assert said in refused(data, tmp_path)


def test_the_same_file_twice_is_refused(tmp_path: Path) -> None:
    data = with_manifest([told(CATALOG, b"a")], (CATALOG, b"a"), (CATALOG, b"a"))
    assert "holds 'index/catalog.sqlite' twice" in refused(data, tmp_path)


def test_a_folder_that_is_not_empty_is_left_alone(small: bytes, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    for folder in (tmp_path, tmp_path / "mine"):
        with pytest.raises(UnusableBackup, match="is not empty"):
            restored(small, folder)
    assert (tmp_path / "mine").read_text() == "precious"


# The commands


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=stdin)


def test_the_commands_make_a_private_file_and_restore_it(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pincite.toml").write_text('[collections]\nlaw = "law"\n')
    made = run("backup", "--index", "index", "it.tar.gz")
    assert made.exit_code == 0, made.output
    assert made.stdout.startswith("it.tar.gz: 3 indexes, ")
    assert Path("it.tar.gz").stat().st_mode & 0o077 == 0
    done = run("restore", "it.tar.gz", "back")
    assert done.exit_code == 0, done.output
    assert f"{Path('back/server/named/law')}: name it in the configuration file" in done.stdout
    assert done.stdout.endswith("The check found nothing wrong.\n")
    assert {path.name for path in tmp_path.iterdir()} == {
        *("index", "law", "it.tar.gz", "back", "pincite.toml")
    }


def test_a_backup_goes_through_standard_streams(site: Site, tmp_path: Path) -> None:
    made = run("backup", "--index", str(site.settings.index), "-")
    assert made.exit_code == 0, made.stderr
    done = run("restore", "-", str(tmp_path / "back"), stdin=made.stdout_bytes)
    assert done.exit_code == 0, done.output


def test_mistakes_are_told_on_one_line(site: Site, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("precious")
    index = str(site.settings.index)
    for arguments, said in (
        (("backup", "--index", index, str(tmp_path / "there")), "is there already"),
        (("backup", "--index", index, str(tmp_path / "no" / "x")), "cannot be written"),
        (("backup", "--index", str(tmp_path / "nowhere"), str(tmp_path / "x")), "no index"),
        (("restore", str(tmp_path / "nowhere"), str(tmp_path / "new")), "cannot be read"),
        (("restore", str(tmp_path / "there"), str(tmp_path / "new")), "is damaged, or no backup"),
        (("restore", str(tmp_path / "there"), index), "is not empty"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2, result.output
        assert said in result.stderr
        assert result.stderr.count("\n") == 1
    assert not (tmp_path / "x").exists()
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "there").read_text() == "precious"


def test_a_damaged_index_comes_back_as_it_was_and_the_check_tells(
    site: Site, tmp_path: Path
) -> None:
    with sqlite3.connect(site.settings.index / DATABASE) as connection:
        connection.execute("UPDATE documents SET text = text || 'x'")
    assert run("backup", "--index", str(site.settings.index), str(tmp_path / "b")).exit_code == 0
    result = run("restore", str(tmp_path / "b"), str(tmp_path / "back"))
    assert result.exit_code == 3
    assert "WRONG" in result.stdout


def test_json_tells_the_same(site: Site, tmp_path: Path) -> None:
    index, file = str(site.settings.index), str(tmp_path / "b")
    made = json.loads(run("backup", "--index", index, file, "--json").stdout)
    done = json.loads(run("restore", file, str(tmp_path / "back"), "--json").stdout)
    assert made == {name: done[name] for name in made}
    assert (made["file"], made["indexes"], done["ok"]) == (file, 2, True)
    assert all(check["ok"] for check in done["checks"])
    refused_json = run("backup", "--index", index, "-", "--json")
    assert (refused_json.exit_code, refused_json.stdout) == (2, "")
