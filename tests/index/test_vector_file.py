"""A vector index in a file: what is written is read, and damage is noticed or does no harm."""

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.changes import Mark
from index.embedding import Vectors
from index.vector_file import Origin, Sealed, is_whole, read, write
from index.vector_kinds import trained
from index.vectors import FaissIndex, Ids

DIM = 16
ORIGIN = Origin("catalog", 3, Mark(17, -12345678901234), 2**40)
RANDOM = np.random.default_rng(5)
ROWS = RANDOM.standard_normal((300, DIM)).astype(np.float32)
ROWS /= np.linalg.norm(ROWS, axis=1, keepdims=True)
IDS = np.cumsum(RANDOM.integers(1, 2**30, len(ROWS)))
FACTORIES = ["Flat", "SQ8", "IVF8,SQ8", "IVF8,PQ4x4fs", "IVF8,RaBitQ", "HNSW8", "PCA8,IVF4,SQ8"]


def sealed(factory: str, count: int = len(ROWS)) -> Sealed:
    index = trained(factory, ROWS)
    index.add(ROWS[:count])
    return Sealed(index, IDS[:count], factory, count, ORIGIN)


@cache
def written(factory: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "vectors", sealed(factory))
        return (Path(folder) / "vectors").read_bytes()


def lookup(ids: Ids) -> tuple[Ids, Vectors]:
    known = np.intersect1d(ids, IDS)
    return known, ROWS[np.searchsorted(IDS, known)]


def searched(found: Sealed) -> list[tuple[int, float]]:
    return FaissIndex(DIM, found, lookup).search(ROWS[7], 10)


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize("factory", FACTORIES)
def test_what_is_written_is_read(tmp_path: Path, factory: str, mapped: bool) -> None:
    given, path = sealed(factory), tmp_path / "vectors"
    write(path, given)
    found = read(path, mapped=mapped)
    assert found is not None
    assert (found.factory, found.trained_for, found.origin) == (factory, len(ROWS), ORIGIN)
    assert found.ids.tolist() == IDS.tolist()
    assert searched(found) == searched(given)
    assert searched(found)[0] == (IDS[7], pytest.approx(1))
    assert is_whole(path)
    assert [part.name for part in tmp_path.iterdir()] == ["vectors"]


def test_one_without_vectors_is_written_too(tmp_path: Path) -> None:
    for factory in FACTORIES:
        write(tmp_path / "vectors", sealed(factory, 0))
        found = read(tmp_path / "vectors")
        assert found is not None
        assert searched(found) == []


def test_one_that_was_read_to_be_changed_can_be_added_to(tmp_path: Path) -> None:
    for factory in ("Flat", "IVF8,SQ8", "IVF8,PQ4x4fs"):
        write(tmp_path / "vectors", sealed(factory, 200))
        found = read(tmp_path / "vectors", mapped=False)
        assert found is not None
        found.index.add(ROWS[200:])
        assert found.index.ntotal == len(ROWS)


def test_where_there_is_no_file_there_is_no_index(tmp_path: Path) -> None:
    assert read(tmp_path / "vectors") is None


@pytest.mark.parametrize("factory", FACTORIES)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25
)
@given(data=st.data())
def test_a_small_file_that_is_not_as_it_was_written_is_not_used(
    tmp_path: Path, factory: str, data: st.DataObject
) -> None:
    path, content = tmp_path / "vectors", bytearray(written(factory))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    assert read(path) is None
    assert read(path, mapped=False) is None
    assert not is_whole(path)


@pytest.mark.parametrize("factory", ["Flat", "SQ8", "IVF8,SQ8", "IVF8,RaBitQ"])
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25
)
@given(data=st.data())
def test_damage_to_a_large_file_makes_vectors_be_missed_but_no_score_be_wrong(
    tmp_path: Path, factory: str, data: st.DataObject
) -> None:
    path, content = tmp_path / "vectors", bytearray(written(factory))
    for _ in range(data.draw(st.integers(1, 20))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("index.vector_file._CHECKED_WHOLE", 0)
        found = read(path)
    if found is None:
        return
    products = ROWS @ ROWS[7]
    for number, score in searched(found):
        assert score == pytest.approx(products[np.searchsorted(IDS, number)], abs=1e-6)


@pytest.mark.parametrize("factory", FACTORIES)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25
)
@given(size=st.integers(0, 40_000), more=st.binary(max_size=40))
def test_a_file_that_was_cut_or_has_grown_is_not_used(
    tmp_path: Path, factory: str, size: int, more: bytes
) -> None:
    path, content = tmp_path / "vectors", written(factory)
    path.write_bytes(content[:size] if size < len(content) else content + b"x" + more)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("index.vector_file._CHECKED_WHOLE", 0)
        assert read(path) is None


def test_what_cannot_be_written_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "vectors"
    write(path, sealed("Flat", 10))
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="space"):
        write(path, sealed("Flat"))
    assert path.read_bytes() == before
    assert [part.name for part in tmp_path.iterdir()] == ["vectors"]
