"""UnixFS: what a dag-pb node's data says about files and directories.

Invariants: numbers that add up (``filesize`` equals data plus ``blocksizes``) are checked when
reading; mode and mtime are kept apart and ignored; what this project does not read is an error with a
name, never an empty file.

Source: the UnixFS specification (specs.ipfs.tech/unixfs).
"""

from __future__ import annotations

from dataclasses import dataclass

from registry.core.errors import InvalidInput
from registry.core.ipld.dagpb import Link, Node, encode_node, read_field
from registry.core.ipld.varint import decode_varint, encode_varint

RAW, DIRECTORY, FILE, METADATA, SYMLINK, HAMT = range(6)
MAX_CHILDREN = 1 << 16


@dataclass(frozen=True, slots=True)
class UnixFS:
    """``kind`` is one of the constants above; ``filesize`` is None where it is not stated."""

    kind: int
    data: bytes = b""
    filesize: int | None = None
    blocksizes: tuple[int, ...] = ()
    hash_type: int | None = None
    fanout: int | None = None


def _bad(reason: str) -> InvalidInput:
    return InvalidInput(f"malformed UnixFS: {reason}", code="malformed_unixfs")


def _packed(value: bytes) -> list[int]:
    out, at = [], 0
    while at < len(value):
        number, at = decode_varint(value, at)
        out.append(number)
    return out


def decode_unixfs(node: Node) -> UnixFS:
    """What a node is. ``InvalidInput`` (``malformed_unixfs``) otherwise."""
    if node.data is None:
        raise _bad("the node has no data")
    numbers: dict[int, int] = {}
    data, sizes, at = b"", [], 0
    while at < len(node.data):
        number, value, at = read_field(node.data, at, "UnixFS")
        if number == 4:
            sizes += _packed(value) if isinstance(value, bytes) else [value]
        elif number == 2 and isinstance(value, bytes):
            data = value
        elif number in (1, 3, 5, 6, 7) and isinstance(value, int):
            numbers[number] = value
        elif number != 8:  # mtime: kept in the block, ignored here
            raise _bad(f"field {number} is not known or has the wrong type")
    kind = numbers.get(1)
    if kind is None or kind > HAMT:
        raise _bad(f"type {kind} is not known")
    if len(sizes) > MAX_CHILDREN:
        raise _bad("it has too many children")
    found = UnixFS(kind, data, numbers.get(3), tuple(sizes), numbers.get(5), numbers.get(6))
    if kind in (RAW, FILE):
        _check_sizes(found, node)
    return found


def _check_sizes(found: UnixFS, node: Node) -> None:
    if len(found.blocksizes) != len(node.links):
        raise _bad("a file states other sizes than it has parts")
    if found.filesize is not None and found.filesize != len(found.data) + sum(found.blocksizes):
        raise _bad("a file's size is not the sum of its parts")


def _number(field: int, value: int) -> bytes:
    return encode_varint(field << 3) + encode_varint(value)


def encode_unixfs(value: UnixFS) -> bytes:
    """The data of a node: type, data, filesize, blocksizes, as Kubo writes them."""
    out = bytearray(_number(1, value.kind))
    if value.data:
        out += b"\x12" + encode_varint(len(value.data)) + value.data
    if value.filesize is not None:
        out += _number(3, value.filesize)
    for size in value.blocksizes:
        out += _number(4, size)
    if value.hash_type is not None:
        out += _number(5, value.hash_type)
    if value.fanout is not None:
        out += _number(6, value.fanout)
    return bytes(out)


def file_node(links: tuple[Link, ...], sizes: tuple[int, ...]) -> bytes:
    """The block of a file in several parts; ``sizes`` are the parts' bytes."""
    return encode_node(Node(links, encode_unixfs(UnixFS(FILE, b"", sum(sizes), sizes))))


def leaf_node(data: bytes) -> bytes:
    """The block of a dag-pb leaf, as the old profile makes them."""
    return encode_node(Node((), encode_unixfs(UnixFS(FILE, data, len(data)))))


def directory_node(links: tuple[Link, ...]) -> bytes:
    """The block of a plain directory; links are sorted by their names' bytes."""
    ordered = tuple(sorted(links, key=lambda link: link.name.encode()))
    return encode_node(Node(ordered, encode_unixfs(UnixFS(DIRECTORY))))
