"""What all wire models are made of: their base, and the words that describe their fields."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

MOST_ANSWERS = 50
MOST_PASSAGES = 200
MOST_HITS = 200
MOST_CONDITIONS = 50
# No document is so long.
MOST_OFFSET = 2**31 - 1


def _encodable(value: str) -> str:
    # JSON can spell half of a surrogate pair, which is no character and cannot be stored or sent.
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair, which is not text") from None
    return value


Text = Annotated[str, AfterValidator(_encodable)]

START = "Where it begins: code points into the document's text, zero-based."
END = "Where it ends: code points into the document's text, exclusive."
SECTION = "The headings above it, outermost first; empty where there are none."
PAGE = "The page it begins on, one-based; null in documents without pages."
SLIDE = "The slide it begins on, one-based; null in documents without slides."
SHEET = "The name of the sheet it begins in; null in documents without sheets that have names."
CELLS = "The cells it touches, as spreadsheets name them; null in documents without cells."
PART = "The number of the message's part it stands in; null in documents that are no messages."
BOXES = (
    "Where it is printed, a box for each piece of a line, in order; empty where no layout is fixed."
)
COPIES = "Where else the same content stands."
WHERE = (
    "Conditions that documents must fit: KEY=VALUE, KEY!=VALUE, KEY>=VALUE, KEY<=VALUE or "
    "KEY~PATTERN, where a key is path, uri, title, type, id, added, pages, characters or one of "
    "the metadata."
)
ID = "The document's id; it stays the same when the document's content changes."
URI = "Where the document comes from."
TITLE = "The document's title."

EXAMPLE_ID = "6f0c2d2f0d5a4b1e"
EXAMPLE_URI = "file:///home/mara/docs/staff-handbook.md"
EXAMPLE_TITLE = "Larkfield & Moss Staff Handbook"
EXAMPLE_SECTION = ["2. Leave", "2.1 Annual leave"]
EXAMPLE_SENTENCE = (
    "Full-time staff receive 26 days of paid leave a year, plus the eight public holidays."
)
EXAMPLE_WHERE = ["language=en", "path~contracts/*.pdf"]
EXAMPLE_COPIES = ["file:///home/mara/archive/staff-handbook.md"]
EXAMPLE_SHA = "0f2c8f5d6f1e0b1c9d2a7e4b3c6f5a8d7e9b0c1d2e3f4a5b6c7d8e9f0a1b2c3d"


class Wire(BaseModel):
    """Base of all wire models; what is sent to us must not hold fields we do not know."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Sent(Wire):
    """Base of what is sent to us as JSON; nothing is taken for what it is not, as `"3"` for 3."""

    model_config = ConfigDict(strict=True)
