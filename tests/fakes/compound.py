"""Writes compound files, the container of old Office files and Outlook messages."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Union

SECTOR, SMALL_SECTOR, SMALLEST_LARGE = 512, 64, 4096
NONE, END, IS_FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
Tree = Mapping[str, Union[bytes, "Tree"]]


@dataclass
class _Entry:
    name: str
    kind: int  # 1 a folder, 2 a stream, 5 the root
    data: bytes = b""
    child: int = NONE
    right: int = NONE
    start: int = END
    size: int = field(default=0)


def compound_file(tree: Tree) -> bytes:
    """A compound file of these streams (bytes) and folders (mappings)."""
    entries = [_Entry("Root Entry", 5)]
    _add(entries, 0, tree)
    sectors: list[bytes] = []
    fat: list[int] = []
    small, small_fat = b"", []

    def store(data: bytes) -> int:
        count = -(-len(data) // SECTOR)
        first = len(sectors)
        sectors.extend(data[at * SECTOR :][:SECTOR].ljust(SECTOR, b"\0") for at in range(count))
        fat.extend([*range(first + 1, first + count), END] if count else [])
        return first if count else END

    for entry in entries:
        entry.size = len(entry.data)
        if entry.kind == 2 and 0 < entry.size < SMALLEST_LARGE:
            count = -(-entry.size // SMALL_SECTOR)
            entry.start = len(small_fat)
            small_fat += [*range(entry.start + 1, entry.start + count), END]
            small += entry.data.ljust(count * SMALL_SECTOR, b"\0")
        elif entry.kind == 2:
            entry.start = store(entry.data)
    entries[0].start, entries[0].size = store(small), len(small)
    small_table = store(b"".join(struct.pack("<I", one) for one in small_fat))
    directory = store(b"".join(_packed(entry) for entry in entries))
    tables = 1
    while tables * SECTOR // 4 < len(sectors) + tables:
        tables += 1
    first_table = len(sectors)
    fat += [IS_FAT] * tables
    fat += [NONE] * (tables * SECTOR // 4 - len(fat))
    sectors.append(b"".join(struct.pack("<I", one) for one in fat))
    header = struct.pack(
        "<8s16sHHHHH6xIIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        bytes(16),
        *(0x3E, 3, 0xFFFE, 9, 6),
        *(0, tables, directory, 0, SMALLEST_LARGE),
        *(small_table, -(-4 * len(small_fat) // SECTOR), END, 0, first_table),
    )
    header += b"".join(
        struct.pack("<I", first_table + at if at < tables else NONE) for at in range(1, 109)
    )
    return header + b"".join(sectors)


def _add(entries: list[_Entry], parent: int, tree: Tree) -> None:
    previous = None
    for name, content in tree.items():
        at = len(entries)
        if isinstance(content, bytes):
            entries.append(_Entry(name, 2, content))
        else:
            entries.append(_Entry(name, 1))
            _add(entries, at, content)
        if previous is None:
            entries[parent].child = at
        else:
            entries[previous].right = at
        previous = at


def _packed(entry: _Entry) -> bytes:
    name = (entry.name + "\0").encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII16xI16xIII",
        name,
        len(name),
        entry.kind,
        1,
        *(NONE, entry.right, entry.child),
        0,
        *(entry.start, entry.size, 0),
    )
