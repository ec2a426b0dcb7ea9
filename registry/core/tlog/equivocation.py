"""Two things that an issuer signed and that can't both be of one append-only log, as evidence that anyone can check.

A document holds both halves and what shows that they exclude each other, and is checked with nothing else:

- ``entries``: two different entries with one number, with one entry before them, or of two openings;
- ``checkpoints``: two checkpoints of one size and different roots; or of different sizes, where a consistency proof
  shows that the newer tree begins with another tree (``prefix``) than the older checkpoint's.

Invariant: ``check`` returns only where both halves carry their issuer's signature and exclude each other; anything else
is ``InvalidInput`` or ``Untrusted`` (``no_equivocation``), so nobody can be accused by a made-up document.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from registry.core import log, records
from registry.core.errors import InvalidInput, Untrusted
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.records import Entry
from registry.core.tlog import issuer_log, merkle
from registry.core.tlog.checkpoint import read_hash
from registry.core.tlog.issuer_log import Signed

TYPE = "emotionet-equivocation"
VERSION = 1
MAX_BYTES = 1 << 20
ENTRIES, CHECKPOINTS = "entries", "checkpoints"


@dataclass(frozen=True)
class Equivocation:
    """Whose log it is, and in one sentence what the two halves are."""

    issuer: str
    kind: str
    text: str


def of_entries(first: bytes, second: bytes) -> dict[str, Any]:
    """The document of two entries' exact bytes. ``Untrusted`` (``no_equivocation``) where they fit together."""
    halves = [base64.b64encode(one).decode() for one in (first, second)]
    return _checked({"kind": ENTRIES, "issuer": _entry(first)[1].issuer, "halves": halves})


def of_checkpoints(older: Signed, newer: Signed, newer_leaves: Sequence[bytes] = ()) -> dict[str, Any]:
    """The document of two checkpoints; ``newer_leaves``: all leaf hashes of the larger one's tree, where sizes differ.
    ``Untrusted`` (``no_equivocation``) where they fit together, or nothing shows that they don't."""
    size = older.checkpoint.size
    prefix = merkle.root(newer_leaves[:size]) if newer_leaves else older.checkpoint.root
    hashes = merkle.consistency(newer_leaves, size) if newer_leaves else []
    return by_proof(older, newer, prefix, hashes)


def by_proof(older: Signed, newer: Signed, prefix: bytes, hashes: Sequence[bytes]) -> dict[str, Any]:
    """The same where somebody gave the proof that the newer tree begins with that of root ``prefix``."""
    document = {
        "kind": CHECKPOINTS,
        "issuer": older.issuer,
        "halves": [str(older.note), str(newer.note)],
        "prefix": base64.b64encode(prefix).decode(),
        "proof": [base64.b64encode(one).decode() for one in hashes],
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
        raise _bad("it is too large")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise _bad("it is no JSON") from None
    if not isinstance(found, dict):
        raise _bad("it is no map")
    return check(found)


def check(document: dict[str, Any]) -> Equivocation:
    """What the document shows. ``InvalidInput`` (``bad_equivocation``), ``Untrusted`` (``bad_signature``,
    ``bad_proof``, ``no_equivocation``)."""
    halves = document.get("halves")
    if document.get("type") != TYPE or document.get("v") != VERSION:
        raise _bad("its type or version is another")
    if not isinstance(halves, list) or len(halves) != 2 or not all(isinstance(one, str) for one in halves):
        raise _bad("it needs two halves")
    if document.get("kind") == ENTRIES:
        found = _entries(*map(_unpacked, halves))
    elif document.get("kind") == CHECKPOINTS:
        found = _checkpoints(document, *halves)
    else:
        raise _bad("its kind is not known")
    if document.get("issuer") != found.issuer:
        raise _bad("it names another issuer than its halves")
    return found


def _entries(first: bytes, second: bytes) -> Equivocation:
    (one, left), (two, right) = _entry(first), _entry(second)
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


def _entry(data: bytes) -> tuple[CID, Entry]:
    cid = cid_of(data, DAG_CBOR)
    entry = records.parse_as(Entry, data)
    log.verify_entry(entry)
    return cid, entry


def _checkpoints(document: dict[str, Any], first: str, second: str) -> Equivocation:
    older, newer = issuer_log.read(first.encode()), issuer_log.read(second.encode())
    sizes = older.checkpoint.size, newer.checkpoint.size
    if older.issuer != newer.issuer or older.checkpoint.size > newer.checkpoint.size:
        raise Untrusted("these are not an older and a newer checkpoint of one log", code="no_equivocation")
    prefix, hashes = document.get("prefix"), document.get("proof")
    if not isinstance(prefix, str) or not isinstance(hashes, list) or not all(isinstance(one, str) for one in hashes):
        raise _bad("it has no proof")
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


def _unpacked(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise _bad("a half is no base64") from None


def _bad(why: str) -> InvalidInput:
    return InvalidInput(f"this is no evidence of two histories: {why}", code="bad_equivocation")
