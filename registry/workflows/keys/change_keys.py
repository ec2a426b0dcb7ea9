"""Hand a log over to another key, revoke keys, name a recovery key, close a log; and what a log says of its keys.

Invariants: the new key lies on the disk before the entry that names it is signed; the old one stays until after that
entry is committed, and is kept then. Killed at any moment, the next use of the key finishes what was appended
(``finish``), and `keys rotate` again goes on with the key that waits. Nothing but the log decides which key signs.
"""

from __future__ import annotations

from typing import Any

import msgspec

from registry.catalog.queries.signed_records import entries
from registry.catalog.queries.signed_records.key_changes import changes_of, current_key, issuer_signed_by
from registry.core import records
from registry.core.errors import Conflict, UsageError
from registry.core.issuers import DID_PREFIX, address_of, address_of_key
from registry.core.keys.proofs import NewKey, prove
from registry.core.log import Signer
from registry.provenance.keys import replacing
from registry.workflows.log.append import appending
from registry.workflows.parts import Parts


def key_did(key: NewKey) -> str:
    """The did:pkh of a key itself, whatever log it signs."""
    return DID_PREFIX + address_of_key(key.public_key)


def change_keys(
    parts: Parts,
    signer: Signer,
    new: NewKey | None,
    *,
    revoked_from: int | None = None,
    recovery: str | None = None,
) -> dict[str, Any]:
    """Append the entry; ``new`` signs from then on (None: nobody, the log is closed). The document of `keys rotate`.

    ``UsageError`` for a place that can't be revoked from; ``Conflict`` for a key that another log is signed with.
    """
    if new is not None:
        _check_free(parts, signer.did, key_did(new))
    draft = records.Keys(
        successor=None if new is None else key_did(new), proof=None, revoked_from=revoked_from, recovery=recovery
    )

    def make(log: bytes, prev: bytes, seq: int) -> records.Keys:
        if revoked_from is not None and not 1 <= revoked_from <= seq:
            raise UsageError(f"entry {revoked_from} can't be revoked", hint=f"name one from 1 to {seq}.")
        if new is None:
            return draft
        return msgspec.structs.replace(draft, proof=prove(new, signer.did, log, prev, seq, draft))

    with appending(parts, signer) as log:
        done = log.change_keys(make)
    parts.store.pin(done.entry)
    return {"entry": str(done.entry), **describe(parts, signer.did)}


def begin(parts: Parts, signer: Signer) -> dict[str, Any]:
    """Sign the first entry of a key's log because somebody says that it has none: ``issuer, entry, new``."""
    with appending(parts, signer) as log:
        new = log.begin()
    with parts.catalog.read() as db:
        first = entries.first(db, signer.did)
    return {"issuer": signer.did, "entry": str(first), "new": new}


def _check_free(parts: Parts, issuer: str, did: str) -> None:
    with parts.catalog.read() as db:
        other = issuer_signed_by(db, did)
        taken = other != did or entries.newest(db, did) is not None
    if taken and issuer not in (other, did):
        raise Conflict(f"{did} signs another log", code="key_taken", hint="make a new key.")


def describe(parts: Parts, issuer: str) -> dict[str, Any]:
    """``issuer, key`` (that signs now; None where the log is closed), ``address, recovery`` and ``changes``."""
    with parts.catalog.read() as db:
        changes = changes_of(db, issuer)
        key = current_key(db, issuer)
        revoked = entries.revoked_of(db, issuer)
    recovery = next((one.recovery for one in reversed(changes) if one.recovery), None)
    said = [
        {
            "entry": str(one.entry),
            "seq": one.seq,
            "time": one.issued_at,
            "signer": one.signer,
            "successor": one.successor,
            "revoked_from": one.revoked_from,
            "recovery": one.recovery,
        }
        for one in changes
    ]
    address = None if key is None else address_of(key)
    return {
        "issuer": issuer,
        "key": key,
        "address": address,
        "recovery": recovery,
        "changes": said,
        "revoked": revoked,
    }


def finish(parts: Parts) -> bool:
    """Move the files of a handover that was appended; whether there was one. Nothing is opened."""
    address = replacing.waiting(parts.settings.home)
    if address is None:
        return False
    did = DID_PREFIX + address
    with parts.catalog.read() as db:
        done = issuer_signed_by(db, did) != did
    if done:
        replacing.take_over(parts.settings.home, address)
    return done
