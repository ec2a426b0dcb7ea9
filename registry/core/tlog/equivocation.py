"""Two things that an issuer signed and that can't both be of one append-only log, as evidence that anyone can check.

A document holds both halves and what shows that they exclude each other, and is checked with nothing else:

- ``entries``: two different entries with one number, with one entry before them, or of two openings;
- ``checkpoints``: two checkpoints of one size and different roots; or of different sizes, where a consistency proof
  shows that the newer tree begins with another tree (``prefix``) than the older checkpoint's;
- ``trees``: each half is an entry, or the proof that an entry is in a tree (with ``leaves``, which name that entry);
  both say something of the same entries of the log, and not the same.

``beside`` holds the changes of keys that entries rest on, and those by which who signed a checkpoint took the log
over, so that their signatures can be checked.

Invariant: ``check`` returns only where both halves carry their issuer's signature and exclude each other; anything else
is ``InvalidInput`` or ``Untrusted`` (``no_equivocation``), so nobody can be accused by a made-up document.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from registry.core import log
from registry.core.errors import Untrusted
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.tlog import issuer_log, merkle
from registry.core.tlog.checkpoint import read_hash
from registry.core.tlog.halves import (
    Beside,
    Kept,
    bad,
    contradiction,
    encoded,
    entry_half,
    packed,
    reader,
    told,
    unpacked,
)
from registry.core.tlog.issuer_log import MaySign, Signed

TYPE = "emotionet-equivocation"
VERSION = 1
MAX_BYTES = 1 << 20
ENTRIES, CHECKPOINTS, TREES = "entries", "checkpoints", "trees"
Half = bytes | tuple[bytes, CID]  # an entry's bytes; or a tlog-proof, and the entry that it proves to be in a tree


@dataclass(frozen=True)
class Equivocation:
    """Whose log it is, and in one sentence what the two halves are."""

    issuer: str
    kind: str
    text: str


def of_entries(first: bytes, second: bytes, get: Get = log.nothing) -> dict[str, Any]:
    """The document of two entries' exact bytes; ``get`` reads the changes of keys that they rest on. ``Untrusted``
    (``no_equivocation``) where they fit together."""
    read = Kept(get)
    issuer = entry_half(first, read)[1].issuer
    entry_half(second, read)
    return _checked({"kind": ENTRIES, "issuer": issuer, "halves": [packed(first), packed(second)], **read.beside()})


def of_trees(first: Half, second: Half, get: Get = log.nothing, handovers: Sequence[bytes] = ()) -> dict[str, Any]:
    """The document of two that say different things of the same entries of a log: a proof of inclusion, and another
    or an entry; ``handovers``: the blocks of the log's changes of keys, where it has some. ``Untrusted``
    (``no_equivocation``) where they fit together, or nothing shows that they don't."""
    read, halves, leaves = Kept(get, handovers), [], []
    for one in (first, second):
        halves.append(packed(one) if isinstance(one, bytes) else one[0].decode())
        leaves.append(None if isinstance(one, bytes) else packed(bytes(one[1])))
    issuer = told(halves[0], leaves[0], read, read.so_far.may_sign).issuer
    told(halves[1], leaves[1], read, read.so_far.may_sign)
    return _checked({"kind": TREES, "issuer": issuer, "halves": halves, "leaves": leaves, **read.beside()})


def of_checkpoints(
    older: Signed, newer: Signed, newer_leaves: Sequence[bytes] = (), handovers: Sequence[bytes] = ()
) -> dict[str, Any]:
    """The document of two checkpoints; ``newer_leaves``: all leaf hashes of the larger one's tree, where sizes differ;
    ``handovers``: the blocks of the log's changes of keys, where it has some.
    ``Untrusted`` (``no_equivocation``) where they fit together, or nothing shows that they don't."""
    size = older.checkpoint.size
    prefix = merkle.root(newer_leaves[:size]) if newer_leaves else older.checkpoint.root
    hashes = merkle.consistency(newer_leaves, size) if newer_leaves else []
    return by_proof(older, newer, prefix, hashes, handovers)


def by_proof(
    older: Signed, newer: Signed, prefix: bytes, hashes: Sequence[bytes], handovers: Sequence[bytes] = ()
) -> dict[str, Any]:
    """The same where somebody gave the proof that the newer tree begins with that of root ``prefix``."""
    document = {
        "kind": CHECKPOINTS,
        "issuer": older.issuer,
        "halves": [str(older.note), str(newer.note)],
        "prefix": base64.b64encode(prefix).decode(),
        "proof": [base64.b64encode(one).decode() for one in hashes],
        **Kept(log.nothing, handovers).beside(),
    }
    return _checked(document)


def _checked(said: dict[str, Any]) -> dict[str, Any]:
    document = {"type": TYPE, "v": VERSION, **said}
    check(document)
    return document


def to_bytes(document: dict[str, Any]) -> bytes:
    """The document as a file."""
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def is_one(head: bytes) -> bool:
    """Whether a file that begins so says to be such a document."""
    return head.lstrip()[:1] == b"{" and TYPE.encode() in head


def read(data: bytes) -> Equivocation:
    """What a file shows. ``InvalidInput`` (``bad_equivocation``) for what is no such document, else as ``check``."""
    if len(data) > MAX_BYTES:
        raise bad("it is too large")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise bad("it is no JSON") from None
    if not isinstance(found, dict):
        raise bad("it is no map")
    return check(found)


def check(document: dict[str, Any]) -> Equivocation:
    """What the document shows. ``InvalidInput`` (``bad_equivocation``), ``Untrusted`` (``bad_signature``,
    ``bad_proof``, ``no_equivocation``)."""
    halves = document.get("halves")
    if document.get("type") != TYPE or document.get("v") != VERSION:
        raise bad("its type or version is another")
    if not isinstance(halves, list) or len(halves) != 2 or not all(isinstance(one, str) for one in halves):
        raise bad("it needs two halves")
    get = reader(document.get("beside", []))
    if document.get("kind") == ENTRIES:
        found = _entries(unpacked(halves[0]), unpacked(halves[1]), get)
    elif document.get("kind") == TREES:
        found = _trees(halves, document.get("leaves"), get)
    elif document.get("kind") == CHECKPOINTS:
        found = _checkpoints(document, halves[0], halves[1], get.may_sign)
    else:
        raise bad("its kind is not known")
    if document.get("issuer") != found.issuer:
        raise bad("it names another issuer than its halves")
    return found


def _trees(halves: list[str], leaves: object, get: Beside) -> Equivocation:
    if not isinstance(leaves, list) or len(leaves) != len(halves):
        raise bad("it does not name the entries that its proofs are of")
    one, two = (told(half, leaf, get, get.may_sign) for half, leaf in zip(halves, leaves, strict=True))
    at = contradiction(one.known, two.known)
    if one.issuer != two.issuer or at is None:
        raise Untrusted("both can be of one log", code="no_equivocation")
    where = f"entry {at[0]}" if at[1] == 1 else f"entries {at[0]} to {at[0] + at[1] - 1}"
    return Equivocation(one.issuer, TREES, f"{one.issuer} signed {one.text} and {two.text}: they differ in {where}")


def _entries(first: bytes, second: bytes, get: Get) -> Equivocation:
    (one, left), (two, right) = entry_half(first, get), entry_half(second, get)
    if one == two or left.issuer != right.issuer:
        raise Untrusted("these are not two entries of one issuer", code="no_equivocation")
    said = f"{left.issuer} signed two entries"
    if log.log_of(left, one) != log.log_of(right, two):
        return Equivocation(left.issuer, ENTRIES, f"{said} of different openings: {one} and {two}")
    if left.seq == right.seq:
        return Equivocation(left.issuer, ENTRIES, f"{said} with the number {left.seq}: {one} and {two}")
    if left.prev is not None and left.prev == right.prev:
        return Equivocation(left.issuer, ENTRIES, f"{said} right after one entry: {one} and {two}")
    raise Untrusted(f"entries {left.seq} and {right.seq} can be of one log", code="no_equivocation")


def _checkpoints(document: dict[str, Any], first: str, second: str, may_sign: MaySign) -> Equivocation:
    older, newer = (issuer_log.read(encoded(one), may_sign) for one in (first, second))
    sizes = older.checkpoint.size, newer.checkpoint.size
    if older.issuer != newer.issuer or older.checkpoint.size > newer.checkpoint.size:
        raise Untrusted("these are not an older and a newer checkpoint of one log", code="no_equivocation")
    prefix, hashes = document.get("prefix"), document.get("proof")
    if not isinstance(prefix, str) or not isinstance(hashes, list) or not all(isinstance(one, str) for one in hashes):
        raise bad("it has no proof")
    begins = read_hash(prefix)
    if sizes[0] == sizes[1]:
        begins = newer.checkpoint.root
    else:
        proof = [read_hash(one) for one in hashes]
        merkle.check_consistency(sizes[0], begins, sizes[1], newer.checkpoint.root, proof)
    if begins == older.checkpoint.root:
        raise Untrusted("the newer tree goes on from the older one", code="no_equivocation")
    text = f"{older.issuer} signed a tree of {sizes[0]} entries and one of {sizes[1]} that does not go on from it"
    if sizes[0] == sizes[1]:
        text = f"{older.issuer} signed two different trees of {sizes[0]} entries"
    return Equivocation(older.issuer, CHECKPOINTS, text)
