"""Which kind of FAISS index a number of vectors gets; how it is made, searched and added to."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.embedding import Vectors
from index.errors import InvalidSettings

EXACT = "Flat"

# How many vectors beyond those wanted FAISS is asked for at first; of an approximate kind half as
# many again as are wanted, since its scores are not quite the right ones.
_MORE = 16

# So few vectors for a list train it well enough, and so many are looked at to train all.
_FOR_A_LIST = 32
_MOST_SAMPLED = 65_536

# Where a filter leaves less than this share, all lists are looked through: those near the question
# may have nothing of what it leaves.
_SELECTIVE = 0.05


@dataclass(frozen=True, slots=True)
class Kinds:
    """What decides the kind of index; ARCHITECTURE.md has the figures behind the numbers.

    `exact_up_to` so many vectors are compared one by one. Beyond, `factory` is the kind in FAISS's
    words, or None for ours; and `effort` is with how many vectors of it a question is compared,
    about. As many as `loose`, or that share of all, may be added to or removed from an approximate
    index before it is written anew.
    """

    exact_up_to: int = 50_000
    factory: str | None = None
    effort: int = 60_000
    loose: int = 2_000
    loose_share: float = 0.02

    def chosen(self, count: int) -> str:
        """The kind for so many vectors, in FAISS's words."""
        if count <= self.exact_up_to:
            return EXACT
        return f"IVF{lists(count)},SQ8" if self.factory is None else self.factory

    def serves(self, factory: str, trained_for: int, count: int) -> bool:
        """Whether an index of a kind, trained for so many vectors, will still do for `count`."""
        if EXACT in (factory, self.chosen(count)) or self.factory is not None:
            return factory == self.chosen(count)
        return factory == self.chosen(trained_for) and trained_for <= 4 * count <= 8 * trained_for

    def is_due(self, count: int, loose: int) -> bool:
        """Whether so many of `count` vectors may not stay beside what is written."""
        return loose > max(self.loose, self.loose_share * count)


def faiss() -> Any:
    """FAISS, which takes a while to import."""
    import faiss

    return faiss


def use_one_thread() -> None:
    """Leave the other cores to others, in what this thread makes of FAISS from now on."""
    faiss().omp_set_num_threads(1)


def lists(count: int) -> int:
    """How many lists an inverted file over so many vectors has: a power of two near 2 x the root.

    Never so many that there are fewer than four vectors for each.
    """
    return int(max(1, min(2 ** round(math.log2(2 * math.sqrt(max(1, count)))), count // 4)))


def sample_size(factory: str, count: int) -> int:
    """How many of `count` vectors are looked at to train a kind."""
    if factory == EXACT:
        return 0
    ours = factory == f"IVF{lists(count)},SQ8"
    enough = max(2_048, _FOR_A_LIST * lists(count)) if ours else _MOST_SAMPLED
    return min(count, enough, _MOST_SAMPLED)


def check_factory(factory: str, dim: int) -> None:
    """Make sure that a kind can be made and filtered.

    Raises:
        InvalidSettings: it is none that FAISS knows, or one that takes no filter.
    """
    parameters(_made(factory, dim), 1, 1.0, np.zeros(1, dtype=np.uint8))


def trained(factory: str, sample: Vectors) -> Any:
    """An empty index of a kind, trained on float32 `(n, dim)` rows.

    Raises:
        InvalidSettings: FAISS does not know the kind, or needs more rows for it.
    """
    index = _made(factory, sample.shape[1])
    inverted = faiss().try_extract_index_ivf(index)
    if inverted is not None:
        inverted.cp.spherical = True
        inverted.cp.min_points_per_centroid = 1
    try:
        if not index.is_trained:
            index.train(sample)
    except RuntimeError as error:
        raise InvalidSettings(
            f"vector_index: {factory!r} cannot be made of {len(sample):,} vectors "
            f"({_reason(error)}); name another, or none"
        ) from error
    return index


def _made(factory: str, dim: int) -> Any:
    try:
        return faiss().index_factory(dim, factory, faiss().METRIC_INNER_PRODUCT)
    except RuntimeError as error:
        raise InvalidSettings(
            f"vector_index: {factory!r} is nothing that FAISS can make of {dim} dimensions "
            f"({_reason(error)}); see index_factory in its documentation"
        ) from error


def _reason(error: RuntimeError) -> str:
    return str(error).rpartition(":")[2].strip() or "no reason given"


def is_extensible(index: Any) -> bool:
    """Whether vectors can be added to and taken from an index that was written."""
    faiss_ = faiss()
    # Those for fast scans lay their codes out in blocks, which is not undone by `without`.
    return isinstance(index, (faiss_.IndexIVF, faiss_.IndexFlatCodes)) and not isinstance(
        index, faiss_.IndexIVFFastScan
    )


def without(index: Any, gone: NDArray[np.bool_]) -> None:
    """Take out the vectors at these positions; those that stay move up, in their order."""
    if not gone.any():
        return
    faiss_ = faiss()
    bitmap = packed(gone)
    index.remove_ids(faiss_.IDSelectorBitmap(bitmap))
    if not isinstance(index, faiss_.IndexIVF):
        return
    moved = np.cumsum(~gone) - 1
    for number in range(index.nlist):
        size = index.invlists.list_size(number)
        if size:
            positions = faiss_.rev_swig_ptr(index.invlists.get_ids(number), size)
            positions[:] = moved[positions]


def packed(allowed: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A mask as the bits that FAISS takes."""
    return np.packbits(allowed, bitorder="little")


def parameters(
    index: Any, effort: int, share: float, allowed: NDArray[np.uint8] | None
) -> tuple[Any, bool]:
    """How to search: FAISS's parameters, and whether all of the index will be looked at.

    `share` is how much of the index `allowed`, a bitmap of positions, leaves.

    Raises:
        InvalidSettings: the index takes no filter.
    """
    faiss_ = faiss()
    selector = None if allowed is None else faiss_.IDSelectorBitmap(allowed)
    if isinstance(index, faiss_.IndexPreTransform):
        inner, whole = parameters(faiss_.downcast_index(index.index), effort, share, allowed)
        return faiss_.SearchParametersPreTransform(index_params=inner), whole
    if isinstance(index, faiss_.IndexIVF):
        probes = index.nlist
        if share >= _SELECTIVE:
            probes = min(probes, math.ceil(index.nlist * effort / max(1, index.ntotal) / share))
        return faiss_.SearchParametersIVF(sel=selector, nprobe=probes), probes == index.nlist
    if isinstance(index, faiss_.IndexHNSW):
        beam = index.ntotal
        if share >= _SELECTIVE:
            beam = min(beam, math.ceil(max(16, effort // 250) / share))
        return faiss_.SearchParametersHNSW(sel=selector, efSearch=beam), beam == index.ntotal
    if isinstance(index, faiss_.IndexFlatCodes):
        return faiss_.SearchParameters(sel=selector), True
    raise InvalidSettings(
        f"vector_index: FAISS's {type(index).__name__} takes no filter; name an IVF, HNSW or flat "
        "kind, without refinement, which is done anyway"
    )


def nearest(
    index: Any, vector: Vectors, wanted: int, allowed: NDArray[np.bool_] | None, effort: int
) -> NDArray[np.int64]:
    """The positions of the nearest of a `(dim,)` vector, in no particular order: `wanted` and more.

    Enough more that, by the index's own scores, no vector left out is as near as the last wanted.
    Fewer where there are fewer. `allowed` says of each position whether it counts.
    """
    count = index.ntotal if allowed is None else int(np.count_nonzero(allowed))
    if count == 0:
        return np.empty(0, dtype=np.int64)
    bits = None if allowed is None else packed(allowed)
    share = count / index.ntotal
    row = np.ascontiguousarray(vector, dtype=np.float32)[None]
    search, whole = parameters(index, effort, share, bits)
    exact = isinstance(index, faiss().IndexFlat)
    asked = min(wanted + _MORE + (0 if exact else wanted // 2), count)
    # FAISS fills up with -1 where fewer are found, and leaves open which of several equally near
    # vectors it gives: so it is asked for more until the last one given is farther away.
    while True:
        scores, positions = index.search(row, asked, params=search)
        known = (positions[0] >= 0) & (positions[0] < index.ntotal)
        found: NDArray[np.int64] = positions[0][known]
        if len(found) < asked and not whole:
            search, whole = parameters(index, effort, 0.0, bits)
            continue
        if len(found) < asked or asked == count:
            return found
        kept = np.sort(scores[0][known])[::-1]
        if kept[-1] < kept[wanted - 1]:
            return found
        asked = min(4 * asked, count)
