"""What canonical text is made of: the one place where characters are replaced or dropped."""

import re

_NEWLINES = re.compile("\r\n?|[\x0b\x0c\x85\u2028]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ufffe\uffff]"
)
_BLANK_LINES = re.compile("\n{3,}")
_WORD = re.compile(r"[^\W_]")


def drop_invisible(text: str) -> str:
    """Return `text` without the characters that never show, such as controls and soft hyphens.

    New lines and tabs stay, and so do the marks that shape the text around them: bidirectional
    controls, joiners and combining characters.
    """
    return _INVISIBLE.sub("", text)


def clean(text: str) -> str:
    r"""Return `text` as it stands in a document, except for white space at its two ends.

    Lines end in "\n" and not in blanks, at most one blank line stands between two lines, every
    horizontal space but the tab is U+0020, and a lone surrogate is U+FFFD. Composed characters
    and compatibility forms stay as they were. Cleaning clean text changes nothing.
    """
    text = _NEWLINES.sub("\n", text.replace("\u2029", "\n\n"))
    text = drop_invisible(_SURROGATES.sub("\ufffd", text))
    text = _SPACES.sub(" ", text)
    # A pattern such as " +\n" would take quadratic time on a long run of blanks.
    text = "\n".join([line.rstrip(" \t") for line in text.split("\n")])
    return _BLANK_LINES.sub("\n\n", text)


def one_line(text: str) -> str:
    """Return clean text on one line: every run of white space is a blank, none at the ends."""
    # Most names and values are of printable ASCII, which needs no cleaning.
    return " ".join((text if text.isascii() and text.isprintable() else clean(text)).split())


def has_words(text: str) -> bool:
    """Whether `text` has at least one letter or digit."""
    return _WORD.search(text) is not None
