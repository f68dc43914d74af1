"""A part of a labelled set, drawn by chance, the same every time."""

import random
from collections.abc import Sequence
from typing import TypeVar

SEED = 0

_Item = TypeVar("_Item")


def sample(items: Sequence[_Item], most: int | None, seed: int = SEED) -> list[_Item]:
    """At most so many of the items, in their order; None for all."""
    if most is None or most >= len(items):
        return list(items)
    places = random.Random(seed).sample(range(len(items)), most)
    return [items[place] for place in sorted(places)]
