"""Witnesses: ask those that are set up for cosignatures of this home's checkpoints; cosign the checkpoints of others.

Invariant: a witness that is silent, refuses or lies stops nothing: it is told, and its cosignature is missing.
"""

from __future__ import annotations

import calendar
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from registry.catalog.queries.signed_records.key_changes import changes_of
from registry.core import records
from registry.core.errors import EmotionetError, InvalidInput, Untrusted, not_read
from registry.core.issuers import address_of
from registry.core.keys.authority import signer_at
from registry.core.log import Signer
from registry.core.tlog import checkpoint as checkpoints
from registry.core.tlog import equivocation, issuer_log, merkle
from registry.core.tlog.issuer_log import Signed
from registry.core.tlog.note import Note, Signature, read_signatures
from registry.core.tlog.proof import read_add_checkpoint
from registry.provenance.witnessing.state import FOLDER, Witness
from registry.provenance.witnessing.trusted import read_witness
from registry.workflows.log.checkpoints import add_cosignatures, leaves, newest
from registry.workflows.parts import Parts

_MOST_BYTES = 1 << 20


def witness_of(parts: Parts, name: str | None = None) -> Witness:
    """This home's witness; ``name``: what it is called where it is made now."""

    def now() -> int:
        return calendar.timegm(time.strptime(parts.now(), "%Y-%m-%dT%H:%M:%SZ"))

    return Witness(parts.settings.home / FOLDER, now, name, partial(handovers, parts))


def handovers(parts: Parts, issuer: str) -> list[bytes]:
    """The blocks of the changes of keys of an issuer's log that the catalog knows: each entry, and what it says."""
    with parts.catalog.read() as db:
        known = [one.entry for one in changes_of(db, issuer)]
    said = [parts.store.get(one) for one in known]
    return [*said, *(parts.store.get(records.parse_as(records.Entry, one).record) for one in said)]


def publish_checkpoint(parts: Parts, signer: Signer) -> tuple[Signed, list[dict[str, Any]]]:
    """Sign a checkpoint of all entries and ask each witness that has an address; what each said (``witness, cosigned,
    reason``)."""
    from registry.provenance.witnessing.services import ask_witness  # with httpx, which most commands do without

    signed, told = newest(parts, signer), list[dict[str, Any]]()
    hashes = leaves(parts, signer.did, 0, signed.checkpoint.size)
    for one in map(read_witness, parts.settings.witnesses):
        if one.url is None:
            continue
        try:
            signed = add_cosignatures(parts, signed, [ask_witness(one, signed, hashes)])
            told.append({"witness": one.key.name, "cosigned": True, "reason": ""})
        except EmotionetError as error:
            told.append({"witness": one.key.name, "cosigned": False, "reason": str(error)})
    return signed, told


def take_cosignatures(parts: Parts, signer: Signer, path: Path) -> Signed:
    """Keep the cosignatures in a file, as `emotionet witness FILE` wrote them, under the newest checkpoint.
    ``Untrusted`` where one does not verify, ``InvalidInput`` where none is of a witness that is set up."""
    signed = newest(parts, signer)
    lines = read_signatures(_read(path).decode(errors="replace"))
    found: list[Signature] = []
    for key in (read_witness(one).key for one in parts.settings.witnesses):
        note = Note(signed.note.text, lines)
        if checkpoints.cosigned_at(note, key) is not None:
            found += [one for one in lines if (one.name, one.id) == (key.name, key.id)]
    if not found:
        raise InvalidInput(
            f"{path} holds no cosignature of a witness that is set up here",
            code="bad_signature",
            hint="name the witness's key in EMOTIONET_WITNESSES.",
        )
    return add_cosignatures(parts, signed, found)


def cosign_log(witness: Witness, signed: Signed, hashes: Sequence[bytes]) -> Signature:
    """Cosign the checkpoint of a log of which all leaf hashes are at hand and are those of its tree.

    ``Untrusted``: ``log_fork`` where it excludes what was cosigned before (kept as evidence), ``bad_proof`` where it
    is smaller.
    """
    before = witness.latest(signed.checkpoint.origin)
    last = None if before is None else issuer_log.verified(before, issuer_log.any_key)
    old = 0 if last is None else last.checkpoint.size
    if last is None or old > signed.checkpoint.size:
        return witness.cosign(signed, 0, [])
    if merkle.root(hashes[:old]) != last.checkpoint.root:
        known = witness.handovers(signed.issuer)
        raise witness.refuse_fork(signed, equivocation.of_checkpoints(last, signed, hashes, known))
    return witness.cosign(signed, old, merkle.consistency(hashes, old))


def signed_in_force(parts: Parts, note: Note) -> Signed:
    """A checkpoint that is signed by the key in force at its size, by the changes of keys that the catalog knows of
    that log: its issuer's first key where the log is not followed here. Errors as of ``issuer_log.verified``."""
    size = checkpoints.read_text(note.text).size

    def may_sign(issuer: str, address: str) -> bool:
        with parts.catalog.read() as db:
            signer = signer_at(issuer, changes_of(db, issuer), size)
        return signer is not None and address == address_of(signer)

    return issuer_log.verified(note, may_sign)


def cosign_file(
    witness: Witness, path: Path, verified: Callable[[Note], Signed] = issuer_log.verified
) -> tuple[Signed, Signature]:
    """Cosign what a file holds: a request as `emotionet log checkpoint --for-witness` writes it, or a checkpoint alone,
    which is enough for the first of a log, and for the same again. ``verified`` says who may sign it."""
    data = _read(path)
    if data.startswith(b"old "):
        request = read_add_checkpoint(data)
        signed = verified(request.note)
        return signed, witness.cosign(signed, request.old, request.hashes)
    signed = verified(checkpoints.read(data)[1])
    before = witness.latest(signed.checkpoint.origin)
    old = 0 if before is None else checkpoints.read_text(before.text).size
    return signed, witness.cosign(signed, min(old, signed.checkpoint.size), [])


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise not_read(path, error) from error
    if len(data) > _MOST_BYTES:
        raise Untrusted(f"{path} is too large to be a checkpoint", code="bad_note")
    return data
