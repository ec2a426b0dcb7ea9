"""The log: each issuer signs and appends entries, and each entry names one record.

What is signed is said in ``registry.core.keys.signatures``, who may sign in ``registry.core.keys.authority``.
Signatures are checked here and made elsewhere (``Signer``).

Invariants of a log: ``seq`` counts up from 0; ``prev`` names the entry before, ``log`` the first one, and both are
None in the first alone, whose record is an ``Issuer``. A hole is ``log_gap``; two entries of one issuer with one
``seq``, or two that name different first entries, are ``log_fork``. A failure of any check is ``Untrusted``, never a
value.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Protocol

import msgspec

from registry.core import records
from registry.core.errors import InvalidInput, NewerVersion, NotFound, Untrusted
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, SHA2_256
from registry.core.ipld.dag import Get
from registry.core.issuers import DID_PREFIX, address_of_key, check_did, signed_by
from registry.core.keys.authority import check_may_sign
from registry.core.keys.signatures import ALG as ALG
from registry.core.keys.signatures import PAYLOAD_TYPE as PAYLOAD_TYPE
from registry.core.keys.signatures import check_signature
from registry.core.keys.signatures import pae as pae
from registry.core.keys.signatures import signing_bytes as signing_bytes
from registry.core.records import Entry, Keys

SKEW = 300  # seconds: clocks of different machines, a chain's, and one that was corrected


def nothing(cid: CID) -> bytes:
    """For an entry that rests on no other: ``NotFound``."""
    raise NotFound(f"{cid} is not at hand")


class Signer(Protocol):
    """A key that signs as one issuer."""

    @property
    def did(self) -> str:
        """The issuer's did:pkh, lower-case: of the key that opened the log."""
        ...

    @property
    def public_key(self) -> bytes:
        """The 33 bytes of the compressed public key that signs."""
        ...

    def sign(self, message: bytes) -> bytes:
        """64 bytes r || s over sha2-256 of ``message``, low s."""
        ...


def make_entry(
    signer: Signer,
    seq: int,
    prev: CID | None,
    first: CID | None,
    record: CID,
    issued_at: str,
    *,
    authority: CID | None = None,
    get: Get = nothing,
) -> Entry:
    """Sign the next entry of the signer's log, which ``first`` opens; ``authority`` is the newest change of keys before
    it, which ``get`` reads. ``InvalidInput`` if ``seq``, ``prev`` and ``first`` contradict each other."""
    check_did(signer.did)
    if seq < 0 or (seq == 0) != (prev is None) or (seq == 0) != (first is None) or (seq == 1 and first != prev):
        raise InvalidInput(
            "the first entry, and only that, has seq 0 and none before it; the second names it twice",
            code="invalid_entry",
        )
    records.check_time(issued_at)
    draft = Entry(
        v=1 if authority is None else 2,
        issuer=signer.did,
        key=signer.public_key,
        authority=authority,
        seq=seq,
        prev=None if prev is None else bytes(prev),
        log=None if first is None else bytes(first),
        record=record,
        issued_at=issued_at,
        alg=ALG,
        signature=b"",
    )
    entry = msgspec.structs.replace(draft, signature=signer.sign(signing_bytes(draft)))
    verify_entry(entry, get)
    return entry


def verify_entry(entry: Entry, get: Get = nothing) -> None:
    """``Untrusted`` unless exactly this entry was signed by the key that may sign in its place. ``get`` reads what an
    entry after a change of keys rests on; what it raises for what is absent passes through."""
    check_signature(entry)
    check_may_sign(entry, get)


def log_of(entry: Entry, cid: CID) -> bytes:
    """CID bytes of the first entry of the log that this one, whose CID is ``cid``, says to be of."""
    return bytes(cid) if entry.log is None else entry.log


def check_first(entry: Entry, record: records.Record) -> records.Issuer:
    """The ``Issuer`` that opens a log; ``record`` is what ``entry.record`` links to. ``Untrusted`` otherwise."""
    if entry.seq != 0 or entry.prev is not None:
        raise Untrusted(f"entry {entry.seq} is not the first of its log", code="log_gap")
    if not isinstance(record, records.Issuer) or records.cid(record) != entry.record:
        raise Untrusted("the first entry of a log must name its issuer's chains", code="log_without_issuer")
    return record


def check_successor(newer: Entry, older: Entry, older_cid: CID) -> None:
    """``Untrusted`` unless ``newer`` is the entry right after ``older``, whose CID is ``older_cid``."""
    if newer.issuer != older.issuer:
        raise Untrusted(f"a log has one issuer: {newer.issuer} can't follow {older.issuer}", code="log_gap")
    if newer.seq != older.seq + 1:
        code = "log_fork" if newer.seq == older.seq else "log_gap"
        raise Untrusted(f"entry {newer.seq} of {newer.issuer} can't come right after entry {older.seq}", code=code)
    if newer.prev != bytes(older_cid):
        raise Untrusted(f"{newer.issuer} has two different entries {older.seq}: its log forks", code="log_fork")
    if newer.log != log_of(older, older_cid):
        raise Untrusted(
            f"entries {older.seq} and {newer.seq} of {newer.issuer} name different first entries", code="log_fork"
        )
    if newer.authority not in (older.authority, older_cid):
        raise Untrusted(
            f"entry {newer.seq} of {newer.issuer} rests on other keys than entry {older.seq}", code="bad_signature"
        )


def check_heeds(newer: Entry, older: Entry, older_cid: CID, get: Get) -> None:
    """``Untrusted`` where ``newer`` goes on as if ``older``, right before it, had not changed the keys. What ``older``
    says need not be at hand."""
    if newer.authority == older_cid:
        return
    try:
        said = records.parse(get(older.record))
    except NewerVersion as error:
        if error.kind == "keys":
            raise
        return
    except (NotFound, InvalidInput, Untrusted):
        return
    if isinstance(said, Keys):
        raise Untrusted(
            f"entry {newer.seq} of {newer.issuer} passes over entry {older.seq}, which changed the keys",
            code="bad_signature",
        )


def read_entry(cid: CID, get: Get) -> Entry:
    """The entry at ``cid``, its signature checked. ``Untrusted`` if these bytes are no entry."""
    try:
        entry = records.parse_as(Entry, get(cid))
    except NewerVersion:
        raise
    except InvalidInput as error:
        raise Untrusted(f"{cid} is not an entry: {error}", code="not_an_entry") from error
    verify_entry(entry, get)
    return entry


def position_of_newer(data: bytes) -> tuple[str, int] | None:
    """Issuer and place in the log of an entry that came after this program (``NewerVersion``), where the issuer's key
    signed it in today's way; None where that can't be told, and then nothing in it counts."""
    value = encoding.decode(data)
    assert isinstance(value, dict)
    signature, issuer, seq, key = value.pop("signature", None), *(value.get(name) for name in ("issuer", "seq", "key"))
    if not (isinstance(signature, bytes) and isinstance(key, bytes) and type(seq) is int and seq >= 0):
        return None
    with suppress(Untrusted):
        own = DID_PREFIX + address_of_key(key)  # after a change of keys it can't be told
        if own == issuer and signed_by(key, signature, pae(PAYLOAD_TYPE, encoding.encode(value))):
            return own, seq
    return None


def walk_back(newest: CID, until: CID | None, get: Get) -> Iterator[tuple[CID, Entry]]:
    """Every entry from ``newest`` back to ``until`` (None: the first), both included, each one checked.

    ``get`` must verify what it returns. It ends after ``newest.seq - until.seq + 1`` entries at most.
    ``Untrusted``: ``bad_signature``, ``log_gap``, or ``log_fork`` where ``until`` is not on the way.
    What ``get`` raises for an entry that is absent or unreadable passes through unchanged.
    """
    last = read_entry(until, get) if until is not None else None
    cid, entry = newest, read_entry(newest, get)
    while True:
        if last is not None and entry.issuer != last.issuer:
            raise Untrusted(f"{newest} and {until} are of different issuers' logs", code="log_gap")
        if last is not None and until is not None and log_of(entry, cid) != log_of(last, until):
            raise Untrusted(f"{newest} and {until} name different first entries: the log forks", code="log_fork")
        if last is not None and entry.seq <= last.seq and cid != until:
            code = "log_fork" if entry.seq == last.seq else "log_gap"
            raise Untrusted(f"{until} is not on the way back from {newest}: the log forks", code=code)
        yield cid, entry
        if cid == until or entry.prev is None:
            return
        older_cid = _prev(entry)
        older = read_entry(older_cid, get)
        check_successor(entry, older, older_cid)
        check_heeds(entry, older, older_cid, get)
        cid, entry = older_cid, older


def _prev(entry: Entry) -> CID:
    try:
        return CID.decode(entry.prev or b"")
    except InvalidInput as error:
        raise Untrusted(f"entry {entry.seq} names no entry before it", code="log_gap") from error


def clearly_before(earlier: str, later: str) -> bool:
    """Whether a time lies further before another than clocks may differ by (``SKEW``). Both as records hold them."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds() > SKEW


def anchor_digest(entry: CID) -> bytes:
    """The 32 bytes that are anchored for an entry: its CID's sha2-256 digest."""
    if entry.codec != DAG_CBOR or entry.hash_code != SHA2_256:
        raise InvalidInput(f"{entry} is no entry's CID", code="not_an_entry")
    return entry.digest
