"""The language a text is written in: as it says itself, or by the statistics of its letters."""

import io
import lzma
import re
from array import array
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from py3langid.langid import LanguageIdentifier

# Fewer letters than this are often names and numbers, on which the statistics are confidently
# wrong; more than two samples do not change the answer.
FEWEST_LETTERS = 60
SAMPLE = 500
PROBABILITY = 0.6

_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9-_]*)?")
_LETTER = re.compile(r"[^\W\d_]")


def language_of(text: str) -> str | None:
    """The ISO 639-1 code of the language most of `text` is in, None where that is not clear."""
    # Titles and tables of contents stand at the beginning, so the middle is looked at too.
    middle = len(text) // 2
    sample = text if len(text) <= 2 * SAMPLE else text[:SAMPLE] + text[middle : middle + SAMPLE]
    if len(_LETTER.findall(sample)) < FEWEST_LETTERS:
        return None
    language, probability = _identifier().classify(sample)
    return language if probability >= PROBABILITY else None


def primary_language(tag: str) -> str | None:
    """The language of a tag such as "en-GB", lower-case and without region; None if it is none."""
    found = _TAG.fullmatch(tag.strip())
    return None if found is None else found[1].lower()


@cache
def _identifier() -> "LanguageIdentifier":
    import numpy as np
    from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier

    # The package's own way to load its model writes a temporary file, which a process that reads
    # documents may not.
    with (
        lzma.open(MODEL_DIR / MODEL_FILE) as file,
        np.load(io.BytesIO(file.read()), allow_pickle=False) as parts,
    ):
        return LanguageIdentifier(
            parts["ptc"],
            parts["pc"],
            parts["classes"].tolist(),
            _compact(parts["nextmove"]),
            parts["out_feat"].tolist(),
            norm_probs=True,
            tk_row=_compact(parts["nextmove_row"]),
        )


def _compact(numbers: "NDArray[np.unsignedinteger[Any]]") -> "array[int]":
    """The same in the type whose items Python reads fastest."""
    return array("H" if numbers.itemsize == 2 else "I", numbers.tobytes())
