"""Damage to sound files: strategies that give a file's bytes after some changes."""

import gzip
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.fakes.small_files import MAKERS, small, zipped

# What parsers of each kind stumble over, besides bytes of any kind.
TOKENS: dict[str, list[bytes]] = {
    "pdf": (
        b"<<|>>|[|]|( ) Tj|/Kids[2 0 R]|/Count 99999999|/Count -1|endobj|stream|endstream|obj|0 R|"
        b"/Rotate 90|/Rotate 45|/MediaBox[0 0 0 0]|/MediaBox[-9 9 1e30 -1e30]|/CropBox[9 9 8 8]|"
        b"/Prev 0|/Filter/FlateDecode|/Filter/LZWDecode|/ToUnicode 1 0 R|/Widths[1]|xref|trailer|"
        b"startxref|%%EOF|BT|ET|q|Q|cm|9999999999|-1|1e99|NaN|/UserUnit 75"
    ).split(b"|"),
    "xml": (
        b"<|>|</|/>|<?|<!--|-->|<![CDATA[|]]>|<!DOCTYPE a [<!ENTITY b 'c'>]>|&#0;|&#xFFFF;|&b;|"
        b"&amp;|xmlns=''|xml:space='preserve'|=|\"|'|-1|99999999999|1e999|NaN|true|\xff\xfe"
    ).split(b"|"),
    "text": (
        b"\n|\r|\t|\0|\f|\xef\xbb\xbf|\xff|\xc3|\xe2\x80\xae|---\n|+++\n|```\n|# |> |* |1. ||<b>|"
        b'<table>|</td>|<script>|<!--|.. note::|::\n|"|,|;|{|}|[|]|\\|:|From a@b\n|=?utf-8?q?=|'
        b"Content-Type: |multipart/mixed; boundary=|\\u0000|\\'ff|\\bin9999 |{\\*|null|1e999"
    ).split(b"|"),
}
KINDS = {"pdf": "pdf", "docx": "xml", "pptx": "xml", "xlsx": "xml", "odt": "xml", "ods": "xml"}
PACKED = ("docx", "pptx", "xlsx", "odt", "ods", "epub", "zip")


@dataclass(frozen=True, slots=True)
class Change:
    """At a place (a share of the whole), so many bytes give way to others."""

    place: float
    length: int
    content: bytes

    def applied(self, data: bytes) -> bytes:
        """The data after this change."""
        at = int(self.place * len(data))
        return data[:at] + self.content + data[at + self.length :]


@dataclass(frozen=True, slots=True)
class Value:
    """The value of an attribute (a share of all of them) gives way to another: XML stays XML."""

    place: float
    content: bytes

    def applied(self, data: bytes) -> bytes:
        """The data after this change."""
        values = list(_VALUE.finditer(data))
        if not values:
            return data
        at = values[min(int(self.place * len(values)), len(values) - 1)]
        return data[: at.start()] + b'"' + self.content + b'"' + data[at.end() :]


_VALUE = re.compile(rb'"[^"<>]*"')
VALUES = (
    b"|0|-1|1|65536|99999999999|1e999|NaN|true|A1|ZZZ9999999|A1:ZZZ999999|#REF!|../a|/|rId1|rId99|"
    b"urn:x|general|0.00%|[$-409]d|id1|en|2026-13-45T99:99|page|header|decimal|restart"
).split(b"|")


Damage = Sequence[Change | Value]


def changes(name: str) -> st.SearchStrategy[list[Change]]:
    """Changes to a file of this name's format."""
    suffix = name.rpartition(".")[2]
    tokens = TOKENS[KINDS.get(suffix, "xml" if suffix in PACKED else "text")]
    content = st.one_of(
        st.sampled_from(tokens),
        st.binary(max_size=8),
        st.tuples(st.sampled_from(tokens), st.integers(2, 300)).map(lambda it: it[0] * it[1]),
        st.sampled_from([small(other) for other in MAKERS if len(small(other)) < 1500]),
    )
    length = st.one_of(st.integers(0, 4), st.integers(0, 400))
    return st.lists(st.builds(Change, st.floats(0, 1), length, content), min_size=1, max_size=6)


def values() -> st.SearchStrategy[list[Value]]:
    """Changes to the values of attributes."""
    value = st.builds(Value, st.floats(0, 1), st.sampled_from(VALUES))
    return st.lists(value, min_size=1, max_size=10)


def files(name: str) -> st.SearchStrategy[bytes]:
    """Damaged files made from the small one called `name`, and now and then that itself."""
    whole = st.builds(damaged, st.just(small(name)), changes(name))
    suffix = name.rpartition(".")[2]
    if suffix in PACKED:
        return st.one_of(whole, inside(name), inside(name), inside(name))
    if suffix == "gz":
        packed = st.builds(damaged, st.just(gzip.decompress(small(name))), changes("a.tar"))
        return st.one_of(whole, packed.map(gzip.compress))
    return whole


def inside(name: str) -> st.SearchStrategy[bytes]:
    """Archives that are sound, but for one of the files in them."""
    with zipfile.ZipFile(io.BytesIO(small(name))) as archive:
        entries = {entry: archive.read(entry) for entry in archive.namelist()}
    telling = [entry for entry in entries if re.search(r"\.(xml|rels|opf|xhtml|txt|html)$", entry)]

    def packed(entry: str, damage: Damage, rename: bool) -> bytes:
        found = {**entries, entry: damaged(entries[entry], damage)}
        if rename:
            found[entry[::-1]] = found.pop(entry)
        return zipped(found)

    rarely = st.sampled_from([False] * 9 + [True])
    return st.builds(packed, st.sampled_from(telling), changes(name) | values(), rarely)


def damaged(data: bytes, damage: Damage) -> bytes:
    """The data after these changes, one after the other."""
    for change in damage:
        data = change.applied(data)
    return data
