"""dag-pb: nodes of links and data, as UnixFS files and directories are made of.

Invariants: ``encode_node`` writes the canonical form (links before data, hash, name, size in that
order, name and size always present); ``decode_node`` accepts what Kubo writes and refuses wrong wire
types, repeated or reordered fields, varints that are not minimal, names that are not UTF-8, and cut-off input.

Source: the IPLD dag-pb specification.
"""

from __future__ import annotations

from dataclasses import dataclass

from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.core.ipld.varint import decode_varint, encode_varint


@dataclass(frozen=True, slots=True)
class Link:
    """``name`` is "" for a file's parts; ``tsize`` (cumulative size) is what the writer says, never trusted."""

    cid: CID
    name: str
    tsize: int


@dataclass(frozen=True, slots=True)
class Node:
    """``data`` is None where the node has none."""

    links: tuple[Link, ...]
    data: bytes | None


def _bad(reason: str) -> InvalidInput:
    return InvalidInput(f"malformed dag-pb: {reason}", code="malformed_dag_pb")


def read_field(block: bytes, at: int, message: str) -> tuple[int, int | bytes, int]:
    """The protobuf field at ``at``: number, value (varint or bytes), and where it ends."""
    try:
        tag, at = decode_varint(block, at)
        kind = tag & 7
        value, at = decode_varint(block, at)
    except InvalidInput as error:
        raise _bad(f"{message}: {error}") from error
    if kind == 0:
        return tag >> 3, value, at
    if kind != 2:
        raise _bad(f"{message} has wire type {kind}")
    if at + value > len(block):
        raise _bad(f"{message} is cut off")
    return tag >> 3, bytes(block[at : at + value]), at + value


def _bytes(value: int | bytes, what: str) -> bytes:
    if isinstance(value, int):
        raise _bad(f"{what} is a number")
    return value


def _decode_link(block: bytes) -> Link:
    at, last, cid, name, size = 0, 0, None, "", 0
    while at < len(block):
        number, value, at = read_field(block, at, "a link")
        if number <= last or number > 3:
            raise _bad("a link's fields are out of order")
        last = number
        if number == 1:
            cid = CID.decode(_bytes(value, "a link's hash"))
        elif number == 2:
            try:
                name = _bytes(value, "a link's name").decode()
            except UnicodeDecodeError as error:
                raise _bad("a link's name is not UTF-8") from error
        elif isinstance(value, int):
            size = value
        else:
            raise _bad("a link's size is not a number")
    if cid is None:
        raise _bad("a link has no hash")
    return Link(cid, name, size)


def decode_node(block: bytes) -> Node:
    """The node that a block is. ``InvalidInput`` (``malformed_dag_pb`` or ``invalid_cid``) otherwise."""
    links: list[Link] = []
    data: bytes | None = None
    at, runs = 0, 0
    last = 0
    while at < len(block):
        number, value, at = read_field(block, at, "a node")
        if number == 2:
            if last == 1 and links:  # links, data, links: an old writer's order would hide them
                raise _bad("links stand on both sides of the data")
            links.append(_decode_link(_bytes(value, "a link")))
        elif number == 1:
            if data is not None:
                raise _bad("data stands twice")
            data = _bytes(value, "data")
        else:
            raise _bad(f"field {number} is not known")
        runs += number != last
        last = number
    return Node(tuple(links), data)


def _field(number: int, value: bytes) -> bytes:
    return encode_varint(number << 3 | 2) + encode_varint(len(value)) + value


def encode_node(node: Node) -> bytes:
    """A node's canonical block."""
    out = bytearray()
    for link in node.links:
        body = _field(1, bytes(link.cid)) + _field(2, link.name.encode()) + b"\x18" + encode_varint(link.tsize)
        out += _field(2, body)
    if node.data is not None:
        out += _field(1, node.data)
    return bytes(out)
