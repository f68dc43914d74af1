"""What is said of a picture for those who do not see it, as far as it says anything."""

import re

# What stands for an image's name or kind says nothing of what it shows.
_EMPTY = re.compile(
    r"(?:\S+\.(?:png|jpe?g|gif|svg|webp|bmp|tiff?|emf|wmf)"
    r"|(?:image|img|picture|photo|icon|logo|spacer|bullet|graphic|screenshot|screen shot)"
    r"[\W\d_]*)",
    re.IGNORECASE,
)
_GENERATED = re.compile(
    r"[\s.,]*(?:Description automatically generated(?: with (?:low|medium|high) confidence)?"
    r"|AI-generated content may be incorrect)\.?\s*$",
    re.IGNORECASE,
)
# The end of a longer description is of no use to look for a note that it was generated.
_LONGEST = 10_000


def alt_text(text: str | None) -> str:
    """The description as one line; empty where it is a file's name or a mere "image"."""
    line = " ".join((text or "")[:_LONGEST].split())
    line = _GENERATED.sub("", line)
    return "" if _EMPTY.fullmatch(line) else line


def mention(text: str | None) -> str:
    """How a picture stands in a text, "[Image: a map of the site]"; empty if it says nothing."""
    line = alt_text(text)
    return f"[Image: {line}]" if line else ""
