"""Rewrites markup that would take an HTML parser quadratic time or space; other pages stay as is.

For each start tag a parser looks through the elements that are open, and after each block it opens
all unclosed formatting elements anew. Browsers limit the depth for the same reason.
"""

import re

DEEPEST = 512
MOST_FORMATTING = 32
MOST_ATTRIBUTES = 1000

_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/><]*)")
_QUOTED = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')""")
_TAG_START = re.compile(r"<[a-zA-Z][^\s/><]*")
# Elements without content, or whose end tag is often left out and of which few nest.
_UNNESTED = (
    "area base br col embed hr img input link meta param source track wbr frame keygen basefont"
    " html head body p li dt dd tr td th thead tbody tfoot option optgroup colgroup caption rp rt"
    " path circle rect line polygon polyline ellipse use stop image animate"
)
_NOT_COUNTED = frozenset(_UNNESTED.split())
_INLINE = "a b big code em font i nobr s small strike strong tt u"
_FORMATTING = frozenset(_INLINE.split())


def flatten(text: str) -> str:
    """Return `text` without the elements below a depth of 512, whose content moves up.

    The tags left out become <hr> or, for formatting, <wbr>, so that blocks stay apart and words
    together. A tag with more than a thousand attributes loses them.
    """
    text = _without_long_tags(text)
    if text.count("<") <= MOST_FORMATTING:
        return text
    edits: list[tuple[int, int, str]] = []
    depth = formatting = extra = extra_formatting = 0
    for tag in _TAG.finditer(text):
        name = tag[2].lower()
        if name in _NOT_COUNTED:
            continue
        renamed = ""
        if name in _FORMATTING:
            if not tag[1]:
                formatting += 1
                renamed = "<wbr" if formatting > MOST_FORMATTING else ""
                extra_formatting += bool(renamed)
            elif formatting:
                formatting -= 1
                renamed = "</wbr" if extra_formatting else ""
                extra_formatting -= bool(renamed)
        elif not tag[1]:
            depth += 1
            renamed = "<hr" if depth > DEEPEST else ""
            extra += bool(renamed)
        elif depth:
            depth -= 1
            renamed = "<hr" if extra else ""
            extra -= bool(renamed)
        if renamed:
            edits.append((tag.start(), tag.end(), renamed))
    if not edits:
        return text
    pieces: list[str] = []
    done = 0
    for start, end, renamed in edits:
        pieces += [text[done:start], renamed]
        done = end
    return "".join([*pieces, text[done:]])


def _without_long_tags(text: str) -> str:
    """Cut the attributes off where hardly anything but an attack has so many."""
    chunks = text.split(">")
    if all(len(chunk) <= 2 * MOST_ATTRIBUTES for chunk in chunks):
        return text
    for at, chunk in enumerate(chunks):
        if len(chunk) > 2 * MOST_ATTRIBUTES:
            start = _TAG_START.search(chunk)
            if start and len(_QUOTED.sub("", chunk[start.end() :]).split()) > MOST_ATTRIBUTES:
                chunks[at] = chunk[: start.end()]
    return ">".join(chunks)
