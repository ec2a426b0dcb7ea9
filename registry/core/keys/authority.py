"""Which key may sign an entry: the issuer's own until a ``keys`` entry names another.

An entry after a handover links to it (``authority``), and that one to the handover before it. So whoever has an entry
and what its links reach can tell whether its key may sign for its issuer, without the rest of the log.

Invariants: a handover is signed by the key that is in force and agreed to by its successor (``proofs``), in one place
of one log. A recovery key, once named, may hand the log over too, also where nothing else may sign any more; only
itself may be exchanged for another. No key comes back. ``revoked_from`` n: of the entries from n up to that ``keys``
entry only those count that the successor signed. Who signed and who counts are two questions: an entry that does not
count any more still has its place in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from registry.core import records
from registry.core.errors import InvalidInput, Untrusted
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.issuers import is_did
from registry.core.keys.proofs import check_proof
from registry.core.keys.signatures import check_signature, signer_of
from registry.core.records import Entry, Keys

MOST = 100  # handovers of one log: none comes near, and each entry is checked with all before it


@dataclass(frozen=True)
class Change:
    """A ``keys`` entry: who signed it, and what it says from then on."""

    entry: CID
    seq: int
    issued_at: str
    signer: str
    successor: str | None  # None: nobody signs here any more, but a recovery key
    recovery: str | None
    revoked_from: int | None


@dataclass(frozen=True)
class Force:
    """Which keys are in force in a place of a log, and which ever were."""

    current: str | None
    recovery: str | None = None
    ever: frozenset[str] = frozenset()


def opening(issuer: str) -> Force:
    """Of a log in which nothing was handed over yet."""
    return Force(issuer, None, frozenset({issuer}))


def after(force: Force, change: Change) -> Force:
    """What is in force after a change. ``Untrusted`` (``bad_rotation``) where its signer may not make it."""

    def refused(why: str) -> Untrusted:
        return Untrusted(f"entry {change.seq} can't change the keys of its log: {why}", code="bad_rotation")

    if change.signer not in {force.current, force.recovery} - {None}:
        raise refused(f"{change.signer} signed it, which is not in force there")
    rescued = change.signer == force.recovery
    if change.recovery is not None and force.recovery is not None and not rescued:
        raise refused("only the recovery key may name another in its place")
    if change.revoked_from is not None and not 1 <= change.revoked_from <= change.seq:
        raise refused(f"it revokes from entry {change.revoked_from} on")
    if change.recovery is not None and not is_did(change.recovery):
        raise refused("its recovery key is none")
    recovery = change.recovery or force.recovery
    if change.successor is None:
        return Force(None, recovery, force.ever)
    stays = change.successor == force.current
    if stays and change.revoked_from is None and change.recovery is None:
        raise refused("it changes nothing")
    if change.successor in force.ever and not stays:
        raise refused(f"{change.successor} signed here before, and was replaced")
    if change.successor == recovery:
        raise refused("a recovery key lies apart: it can't be the one that signs")
    return Force(change.successor, recovery, force.ever | {change.successor})


def change_of(cid: CID, entry: Entry, said: Keys) -> Change:
    """What a ``keys`` entry, signed and in its place, says; ``said`` is its record. ``Untrusted`` for one without the
    successor's proof."""
    check_proof(entry, said)
    return Change(cid, entry.seq, entry.issued_at, signer_of(entry), said.successor, said.recovery, said.revoked_from)


def changes_before(entry: Entry, get: Get) -> list[Change]:
    """The handovers that an entry rests on, the first one first. ``Untrusted`` where one of them does not hold; what
    ``get`` raises for one that is absent passes through."""
    found: list[Change] = []
    newer = entry
    while newer.authority is not None:
        older = _entry(newer.authority, get)
        named = older.log == entry.log and older.issuer == entry.issuer and older.seq < newer.seq
        if not named or len(found) >= MOST:
            raise Untrusted(f"entry {newer.seq} of {entry.issuer} rests on another log's keys", code="bad_signature")
        check_signature(older)
        found.append(change_of(newer.authority, older, _said(older, get)))
        newer = older
    return found[::-1]


def force_before(entry: Entry, get: Get) -> Force:
    """What is in force where an entry stands, as the handovers say that it rests on."""
    force = opening(entry.issuer)
    for change in changes_before(entry, get):
        force = after(force, change)
    return force


def check_may_sign(entry: Entry, get: Get) -> None:
    """``Untrusted`` unless the key that signed an entry is the one in force. A recovery key signs ``keys`` alone."""
    signer = signer_of(entry)
    if entry.authority is None:
        if signer != entry.issuer:
            raise Untrusted(f"the key of entry {entry.seq} is not that of {entry.issuer}", code="bad_signature")
        return
    force = force_before(entry, get)
    if signer == force.current:
        return
    if signer == force.recovery:
        _said(entry, get)
        return
    who = "no key is" if force.current is None else f"that of {force.current} is"
    raise Untrusted(
        f"entry {entry.seq} of {entry.issuer} is signed by the key of {signer}, where {who} in force",
        code="bad_signature",
    )


def revoked_by(changes: Iterable[Change], entry: CID, seq: int, signer: str) -> Change | None:
    """The change that takes what an entry says out of what counts; None where it counts. The first such change."""
    found = (
        one
        for one in sorted(changes, key=lambda one: one.seq)
        if one.revoked_from is not None
        and one.revoked_from <= seq < one.seq
        and signer != one.successor
        and entry != one.entry
    )
    return next(found, None)


def why_revoked(change: Change) -> str:
    """In words, for reasons of checks and answers."""
    successor = "which closed the log" if change.successor is None else f"which only {change.successor} survives"
    return (
        f"its key was revoked from entry {change.revoked_from} on, {successor}: by entry {change.seq}, "
        f"at {change.issued_at}"
    )


def signer_at(issuer: str, changes: Sequence[Change], seq: int) -> str | None:
    """The key in force at a place, of changes that hold; None where the log is closed."""
    earlier = [one for one in changes if one.seq < seq]
    return max(earlier, key=lambda one: one.seq).successor if earlier else issuer


def _entry(cid: CID, get: Get) -> Entry:
    try:
        return records.parse_as(Entry, get(cid))
    except InvalidInput as error:
        raise Untrusted(f"{cid} is not an entry: {error}", code="not_an_entry") from error


def _said(entry: Entry, get: Get) -> Keys:
    try:
        return records.parse_as(Keys, get(entry.record))
    except InvalidInput as error:
        raise Untrusted(
            f"entry {entry.seq} of {entry.issuer} hands over no keys: {error}", code="bad_rotation"
        ) from error
