"""The files of words beside the database: kept in step with it, and never trusted blindly."""

import json
import logging
import random
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from index import doctor
from index.catalog import Catalog
from index.database import DATABASE, skip_generations
from index.full_text import FOLDER, Sizes, check
from index.local_store import LocalStore
from index.passages import Splitter
from index.postings import load, save
from index.store import IndexSettings
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document, an_intake, reindex
from tests.fakes.memory_store import MemoryStore

EMBEDDER = HashEmbedder()
SETTINGS = IndexSettings(EMBEDDER.identity, Splitter())
SIZES = Sizes(least=3, tail=3, portion=4, most_tail=6, largest=8)
WORDS = ["rent", "whale", "tram", "harbor", "otter", "lamp", "tulip", "gold"]


def put(store: LocalStore | MemoryStore, *names: str, text: str = "") -> None:
    store.put(
        [
            an_intake(a_document(f"test:{n}", text or f"A {n} is here.", title=n), EMBEDDER)
            for n in names
        ]
    )


def best(store: LocalStore | MemoryStore, question: str, k: int = 20) -> dict[str, float]:
    vector = EMBEDDER.embed_questions([question])[0]
    found = store.candidates(question, vector, k)
    return {one.passage.text: one.lexical_score for one in found if one.lexical_score > 0}


def remove(store: LocalStore | MemoryStore, *names: str) -> None:
    store.remove([a_document(f"test:{name}", "").id for name in names])


def files(folder: Path) -> list[str]:
    manifest = json.loads((folder / FOLDER / "manifest.json").read_bytes())
    return list(manifest["segments"])


def problems(folder: Path) -> list[str]:
    catalog = Catalog.open(folder)
    with catalog.transaction(write=False):
        found = check(folder, catalog)
    catalog.close()
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index whose words are in files."""
    folder = tmp_path / "index"
    store = LocalStore.create(folder, SETTINGS, sizes=SIZES)
    put(store, *WORDS)
    store.fold_words()
    store.close()
    assert problems(folder) == []
    return folder


def opened(folder: Path) -> LocalStore:
    return LocalStore.open(folder, sizes=SIZES)


class Asked(Exception):
    """FTS5 was asked."""


@pytest.fixture
def no_fts5(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Asked

    monkeypatch.setattr("index.passage_tables.PassageTables.bm25", refuse)


def test_a_small_index_has_no_files(tmp_path: Path) -> None:
    store = LocalStore.create(tmp_path / "index", SETTINGS)
    put(store, *WORDS)
    store.save_vectors()
    assert best(store, "whale").keys() == {"A whale is here."}
    store.close()
    assert not (tmp_path / "index" / FOLDER).exists()


@pytest.mark.usefixtures("no_fts5")
def test_the_files_are_asked_and_what_came_or_went_since_counts(folder: Path) -> None:
    store, other = opened(folder), opened(folder)
    assert best(store, "whale").keys() == {"A whale is here."}
    put(other, "newt")
    assert best(store, "newt").keys() == {"A newt is here."}
    remove(other, "whale", "newt")
    assert best(store, "newt whale lamp").keys() == {"A lamp is here."}
    put(other, "mole", "crab", "bat")
    assert best(store, "mole crab tram").keys() == {
        f"A {n} is here." for n in ("mole", "crab", "tram")
    }
    other.fold_words()
    put(other, "wren")
    assert best(store, "wren mole lamp").keys() == {
        f"A {n} is here." for n in ("mole", "wren", "lamp")
    }
    store.close()
    other.close()
    assert problems(folder) == []


def test_while_too_much_is_not_in_the_files_fts5_is_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = opened(folder), LocalStore.open(folder)  # which does not fold
    names = [f"newt{n}" for n in range(SIZES.most_tail + 1)]
    put(other, *names)
    assert len(best(store, " ".join(names))) == len(names)
    store.fold_words()
    put(other, "wren")
    monkeypatch.setattr("index.passage_tables.PassageTables.bm25", None)
    assert len(best(store, " ".join([*names, "wren"]))) == len(names) + 1
    store.close()
    other.close()


@pytest.mark.parametrize("damage", ["gone", "cut", "nonsense", "other index", "no manifest"])
def test_files_that_do_not_fit_are_not_used_and_made_anew(
    folder: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    words = folder / FOLDER
    first = words / files(folder)[0]
    manifest = json.loads((words / "manifest.json").read_bytes())
    match damage:
        case "gone":
            first.unlink()
        case "cut":
            first.write_bytes(first.read_bytes()[:-1])
        case "nonsense":
            (words / "manifest.json").write_bytes(b"[]")
        case "other index":
            (words / "manifest.json").write_text(json.dumps(manifest | {"catalog": "x"}))
        case "no manifest":
            (words / "manifest.json").unlink()
    store = opened(folder)
    assert best(store, "whale tram").keys() == {"A whale is here.", "A tram is here."}
    store.fold_words()
    assert problems(folder) == []
    assert len(files(folder)) >= 1
    put(store, "newt")
    assert best(store, "newt tram").keys() == {"A newt is here.", "A tram is here."}
    store.close()


def spoilt(whole: bytes, place: int) -> bytes:
    return whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]


QUESTION = "whale tram rent gold"


@pytest.fixture
def right(folder: Path) -> dict[str, float]:
    """What the question finds where the files are as they were written."""
    store = opened(folder)
    found = best(store, QUESTION)
    store.close()
    assert found.keys() == {f"A {word} is here." for word in ("whale", "tram", "rent", "gold")}
    return found


def test_a_file_with_other_content_does_no_harm(folder: Path, right: dict[str, float]) -> None:
    chance = random.Random(3)
    path = folder / FOLDER / files(folder)[0]
    whole = path.read_bytes()
    for _ in range(150):
        path.write_bytes(spoilt(whole, chance.randrange(len(whole))))
        store = opened(folder)
        assert best(store, QUESTION) == pytest.approx(right)
        store.close()


def test_other_content_of_a_large_file_changes_the_ranks_of_few(
    folder: Path, right: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.postings._CHECKED_WHOLE", 0)
    chance = random.Random(3)
    path = folder / FOLDER / files(folder)[0]
    segment, whole = load(path), path.read_bytes()
    lists = segment.places.nbytes, segment.counts.nbytes
    places = len(whole) - lists[1] - segment.lengths.nbytes - lists[0]
    for _ in range(150):
        at = chance.randrange(len(whole))
        path.write_bytes(spoilt(whole, at))
        store = opened(folder)
        found = best(store, QUESTION)
        store.close()
        is_in_lists = places <= at < places + lists[0] or at >= len(whole) - lists[1]
        assert found.keys() <= {f"A {word} is here." for word in WORDS}
        differing = [
            text
            for text in right.keys() | found.keys()
            if found.get(text, 0.0) != pytest.approx(right.get(text, 0.0))
        ]
        # One that has the word is taken for another; each of the two has then another score.
        assert len(differing) <= (2 if is_in_lists else 0)


def test_other_content_is_noticed_before_it_spreads(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.postings._CHECKED_WHOLE", 0)
    chance = random.Random(4)
    backup = folder.with_name("backup")
    shutil.copytree(folder, backup)
    [name] = files(folder)
    whole = (folder / FOLDER / name).read_bytes()
    places = {chance.randrange(len(whole)) for _ in range(20)} | {len(whole) - 1}
    for place in places:
        shutil.rmtree(folder)
        shutil.copytree(backup, folder)
        (folder / FOLDER / name).write_bytes(spoilt(whole, place))
        store = LocalStore.open(folder, sizes=replace(SIZES, largest=100))
        put(store, "newt", "mole", "crab")
        store.fold_words()
        assert problems(folder) == []
        assert best(store, "whale newt").keys() == {"A whale is here.", "A newt is here."}
        store.close()


def test_files_that_cannot_be_merged_are_made_anew(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = folder / FOLDER / files(folder)[0]
    segment = load(path)
    path.unlink()
    save(replace(segment, numbers=segment.numbers[::-1].copy()), path)
    store = LocalStore.open(folder, sizes=replace(SIZES, largest=100))
    put(store, "newt", "mole", "crab")
    assert "do not ascend); the files are made anew" in caplog.text
    store.fold_words()
    assert problems(folder) == []
    store.close()


def test_files_that_are_made_anew_hold_less_at_first_and_nothing_is_missed(
    tmp_path: Path, no_fts5: None
) -> None:
    sizes = replace(SIZES, tail=1_000, portion=8)
    store = LocalStore.create(tmp_path / "index", SETTINGS, sizes=sizes)
    names = [f"animal{number}" for number in range(12)]
    put(store, *names[:10])
    store.fold_words()
    put(store, names[10])
    assert len(best(store, " ".join(names))) == 11
    # Made anew by another, in the middle of which it is looked for.
    shutil.rmtree(tmp_path / "index" / FOLDER)
    other = LocalStore.open(tmp_path / "index", sizes=replace(sizes, tail=1))
    put(other, names[11])
    other.close()
    assert best(store, " ".join(names)).keys() == {f"A {name} is here." for name in names}
    store.close()


def test_the_doctor_finds_other_content(folder: Path) -> None:
    path = folder / FOLDER / files(folder)[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 0xFF]))
    assert problems(folder) != []
    path.write_bytes(whole)
    assert problems(folder) == []


def test_a_database_restored_from_a_backup_is_not_answered_from_later_files(
    folder: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "backup.sqlite"
    shutil.copyfile(folder / DATABASE, backup)
    store = opened(folder)
    put(store, "newt", "mole", "crab")
    remove(store, "whale")
    store.fold_words()
    store.close()
    shutil.copyfile(backup, folder / DATABASE)
    connection = sqlite3.connect(folder / DATABASE)
    skip_generations(connection)
    connection.commit()
    connection.close()
    store = opened(folder)
    assert best(store, "newt whale").keys() == {"A whale is here."}
    put(store, "wren", "heron", "bat")
    assert best(store, "newt whale wren").keys() == {"A whale is here.", "A wren is here."}
    store.fold_words()
    assert best(store, "newt whale wren").keys() == {"A whale is here.", "A wren is here."}
    store.close()
    assert problems(folder) == []


def test_another_edition_has_files_of_its_own(folder: Path) -> None:
    store = opened(folder)
    finer = Splitter(tokens=8, overlap=0)
    put(store, "long", text="The whale sings. The otter sleeps. The heron waits. The newt swims.")
    reindex(store, EMBEDDER, finer)
    assert "The newt swims." in "".join(best(store, "newt"))
    store.fold_words()
    assert problems(folder) == []
    put(store, "wren")
    assert best(store, "wren").keys() == {"A wren is here."}
    store.close()


def test_of_removed_passages_the_files_are_rid_in_time(folder: Path) -> None:
    store = opened(folder)
    before = files(folder)
    remove(store, *WORDS[:5])
    store.fold_words()
    assert best(store, " ".join(WORDS)).keys() == {f"A {word} is here." for word in WORDS[5:]}
    assert not {*before} & {*files(folder)}
    put(store, "newt", "mole", "crab")
    assert len(best(store, " ".join([*WORDS, "newt", "mole", "crab"]))) == 6
    store.close()
    assert problems(folder) == []


def test_where_the_files_cannot_be_written_the_change_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("index.full_text.save", refuse)
    store = opened(folder)
    with caplog.at_level(logging.WARNING):
        put(store, "newt", "mole", "crab")
    assert "the files of words could not be written: disk full" in caplog.text
    assert best(store, "newt").keys() == {"A newt is here."}
    store.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_it_finds_what_looking_at_every_passage_finds(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    oracle = MemoryStore(SETTINGS)
    folder = tmp_path / "index"
    stores = [LocalStore.create(folder, SETTINGS, sizes=SIZES)]
    stores.append(opened(folder))
    for _ in range(40):
        at = chance.randrange(2)
        name = chance.choice("abcdefghijklmnop")
        act = chance.choice(["put", "put", "put", "remove", "fold", "reopen", "group"])
        if act in ("put", "group"):
            names = [name] if act == "put" else chance.sample("abcdefghijklmnop", 7)
            text = " ".join(chance.choices(WORDS, k=chance.randint(1, 9)))
            for side in (stores[at], oracle):
                put(side, *names, text=f"{text} {name}")
        elif act == "remove" and oracle.find(f"test:{name}") is not None:
            one = oracle.find(f"test:{name}")
            assert one is not None
            for side in (stores[at], oracle):
                side.remove([one.id])
        elif act == "fold":
            stores[at].fold_words()
        elif act == "reopen":
            stores[at].close()
            stores[at] = opened(folder)
        question = " ".join(chance.choices(WORDS, k=2))
        for store in stores:
            assert best(store, question, 1000) == pytest.approx(best(oracle, question, 1000))
    for store in stores:
        store.close()
    assert problems(folder) == []


def test_a_server_writes_the_files_behind_where_they_are_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(folder / FOLDER)
    store = opened(folder)
    store.write_vectors_behind()
    assert best(store, "whale").keys() == {"A whale is here."}
    store._copies.wait()
    assert problems(folder) == []
    monkeypatch.setattr("index.passage_tables.PassageTables.bm25", None)
    assert best(store, "tram").keys() == {"A tram is here."}
    store.close()


def test_the_doctor_names_the_folder_to_delete(folder: Path) -> None:
    path = folder / FOLDER / files(folder)[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 0xFF]))
    [words] = [one for one in doctor.check(folder).checks if one.name == "words"]
    assert not words.ok
    assert f"delete {folder / FOLDER}" in words.found
    shutil.rmtree(folder / FOLDER)
    assert doctor.check(folder).ok
