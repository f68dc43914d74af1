"""Rewrites markup that would take an HTML parser quadratic time or space; other pages stay as is.

For each start tag a parser looks through the elements that are open, and after each block it opens
all unclosed formatting elements anew. Browsers limit the depth for the same reason.
"""

import re

DEEPEST = 512
MOST_FORMATTING = 32
MOST_ATTRIBUTES = 1000

# The text in these is no markup.
_RAW = "script style textarea title xmp iframe noembed noframes"
# What follows a tag's name, to its end; each part takes all it can, so that no text costs more
# than linear time.
_REST = r"""(?:[^>=]++|=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))?+)*+(?:>|\Z)"""
# A comment, an element whose text is no markup up to its end tag, or another tag.
_TAG = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))"
    rf"|<(?P<raw>{'|'.join(_RAW.split())})(?=[\s/>])(?P<raw_rest>{_REST}).*?(?=</(?P=raw)[\s/>]|\Z)"
    rf"|(?P<named><(?P<slash>/?)(?P<name>[a-z][^\s/>]*+))(?P<rest>{_REST})",
    re.ASCII | re.DOTALL | re.IGNORECASE,
)
_QUOTED = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')""")
# Elements without content, or whose end tag is often left out and of which few nest.
_UNNESTED = (
    "area base br col embed hr img input link meta param source track wbr frame keygen basefont"
    " html head body p li dt dd tr td th thead tbody tfoot option optgroup colgroup caption rp rt"
    " path circle rect line polygon polyline ellipse use stop image set mpath view"
    " animate animatetransform animatemotion feblend fecolormatrix fecomposite fedropshadow feflood"
    " fegaussianblur feimage femergenode femorphology feoffset fetile feturbulence"
    " mspace mprescripts none mglyph maligngroup malignmark"
)
_NOT_COUNTED = frozenset([*_UNNESTED.split(), *_RAW.split()])
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
        if tag["named"] is None or (name := tag["name"].lower()) in _NOT_COUNTED:
            continue
        renamed = ""
        if name in _FORMATTING:
            if not tag["slash"]:
                formatting += 1
                renamed = "<wbr" if formatting > MOST_FORMATTING else ""
                extra_formatting += bool(renamed)
            elif formatting:
                formatting -= 1
                renamed = "</wbr" if extra_formatting else ""
                extra_formatting -= bool(renamed)
        elif not tag["slash"]:
            depth += 1
            renamed = "<hr" if depth > DEEPEST else ""
            extra += bool(renamed)
        elif depth:
            depth -= 1
            renamed = "<hr" if extra else ""
            extra -= bool(renamed)
        if renamed:
            edits.append((*tag.span("named"), renamed))
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
    if all(len(chunk) <= 2 * MOST_ATTRIBUTES for chunk in text.split(">")):
        return text
    return _TAG.sub(_shortened, text)


def _shortened(tag: re.Match[str]) -> str:
    rest = tag["rest"] or tag["raw_rest"] or ""
    if len(rest) <= 2 * MOST_ATTRIBUTES or len(_QUOTED.sub("", rest).split()) <= MOST_ATTRIBUTES:
        return tag[0]
    start, end = tag.span("raw_rest" if tag["named"] is None else "rest")
    return f"{tag.string[tag.start() : start]}>{tag.string[end : tag.end()]}"
