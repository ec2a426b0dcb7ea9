"""Withdraw an image, a snapshot or a release, or what a contributor said: by a record; the log keeps everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.catalog.database.sql import names_of, target_text
from registry.catalog.queries import search
from registry.catalog.queries.labeled_images import images, referenced
from registry.catalog.queries.signed_records import entries, withdrawals, withdrawn_rows
from registry.core import records
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld.cid import CID
from registry.core.log import Signer
from registry.core.records import Remedy
from registry.core.text import cleaning
from registry.workflows.log.append import Appended, append, appending
from registry.workflows.parts import Parts
from registry.workflows.withdrawals.remove_bytes import REMEDY, apply_withdrawal
from registry.workflows.withdrawals.retrain import train_again
from registry.workflows.withdrawals.touched import touched, touched_by_rows


def _target(parts: Parts, text: str) -> tuple[bytes, str]:
    """What is named: an image's sha256, or a record's CID bytes; and the text that lookups go by."""
    with parts.catalog.read() as db:
        image = images.resolve_image(db, text)
        if image is not None:
            return image, image.hex()
        waiting = next((one for one in _names(text) if referenced.get(db, one)), None)
        if waiting is not None:
            target = target_text(bytes(CID.parse(waiting)))
            return (bytes.fromhex(target) if len(target) == 64 else bytes(CID.parse(waiting))), target
        try:
            cid = entries.record_of(db, CID.parse(text))
        except InvalidInput as error:
            raise NotFound(f"{text} is neither an image nor a record of this catalog", hint="check the CID.") from error
    if not parts.store.has(cid):
        raise NotFound(f"{text} is neither an image nor a record held here", hint="check the CID.")
    return bytes(cid), str(cid)


def _names(text: str) -> list[str]:
    try:
        return names_of(text)
    except InvalidInput:
        return []


def withdraw(
    parts: Parts,
    text: str,
    reason: str,
    *,
    remedy: Remedy = "notice",
    retrain: bool = False,
    dry_run: bool = False,
    signer: Signer | None = None,
) -> dict[str, Any]:
    """Withdraw what ``text`` names; the answer says ``what`` it is ("image" or a record's type) and lists everything
    that it touches, each with its remedy (``registry.workflows.withdrawals.touched``).

    What waits for its bytes can be withdrawn, too: it is then never fetched, and its rows are dropped. With the remedy
    ``remove_bytes`` the bytes are gone when this returns; ``removed`` counts. ``retrain``: the runs of the snapshots
    that it touches are queued again on reduced ones; ``dry_run``: nothing is signed, and nothing else done. ``signer``:
    this home's key unless given. What it took back before with this remedy is not signed again: ``already`` is the
    time of that entry, and all else is done. ``InvalidInput`` (``nothing_to_remove``) where a record's bytes are to go.
    """
    reason = cleaning.clean("reason", reason)
    target, name = _target(parts, text)
    with parts.catalog.read() as db:
        what = search.record_type(db, name) or "image"
    if remedy == REMEDY and what != "image":
        raise InvalidInput(
            f"a {what} has no bytes of its own that go: its records stay, and a release's weights with them, so that "
            "audits can be made again",
            code="nothing_to_remove",
            hint="withdraw its images with --remedy remove_bytes, or it with notice or retrain.",
        )
    signer = signer or parts.key
    with parts.catalog.read() as db:
        before = withdrawals.signed_before(db, signer.did, {name, *map(str, images.cids_of(db, name))}, remedy)
    document = {"target": name, "what": what, "remedy": remedy, **touched(parts, name, remedy)}
    if dry_run or before:
        return _not_signed(parts, before, document, dry_run=dry_run, retrain=retrain)
    record = records.Withdrawal(target=target, reason=reason, remedy=remedy, effective=parts.now())
    with appending(parts, signer) as log:
        appended = log.append(record)
        referenced.drop(log.db, {*_names(text), *map(str, images.cids_of(log.db, name))})
    return _done(parts, appended, document, retrain)


def withdraw_rows(
    parts: Parts,
    contributor: str,
    reason: str,
    *,
    image: str | None = None,
    issuer: str | None = None,
    remedy: Remedy = "notice",
    retrain: bool = False,
    dry_run: bool = False,
    signer: Signer | None = None,
) -> dict[str, Any]:
    """Withdraw what a contributor said of an image (its sha256 in hex), or of all; the document of ``withdraw``.

    ``issuer``: of the contributions, the signer unless given. Rows that come later under this name do not count
    either. ``NotFound`` where there is no such row; ``InvalidInput`` (``may_not_withdraw``) where the signer is neither
    the contributor nor the issuer of the contributions: it would take nothing back.
    """
    reason, signer = cleaning.clean("reason", reason), signer or parts.key
    issuer = issuer or signer.did
    if signer.did not in (issuer, contributor):
        raise InvalidInput(
            f"only {contributor[:100]} or {issuer} may take these rows back",
            code="may_not_withdraw",
            hint="withdraw the image itself, if its bytes are here.",
        )
    with parts.catalog.read() as db:
        said = list(withdrawn_rows.images_of(db, issuer, contributor))
    said = [one for one in said if image in (None, one)]
    if not said:
        raise NotFound(f"{contributor[:100]} said nothing of this under {issuer}", hint="see `emotionet images list`.")
    with parts.catalog.read() as db:
        before = withdrawn_rows.signed_before(db, signer.did, (issuer, contributor, image or ""), remedy)
    whole = {"what": "contributor" if image is None else "row", "remedy": remedy}
    document = {"target": image or f"{issuer} {contributor}", **whole, **touched_by_rows(parts, said, remedy)}
    if dry_run or before:
        return _not_signed(parts, before, document, dry_run=dry_run, retrain=retrain)
    target = None if image is None else bytes.fromhex(image)
    record = records.Withdrawal(
        target=target, reason=reason, remedy=remedy, effective=parts.now(), issuer=issuer, contributor=contributor
    )
    return _done(parts, append(parts, signer, record), document, retrain)


def _not_signed(
    parts: Parts, before: Mapping[str, str] | None, document: dict[str, Any], *, dry_run: bool, retrain: bool
) -> dict[str, Any]:
    """Of what is only asked about, or was signed before."""
    already = before["issued_at"] if before else None
    if dry_run or before is None:
        return {"withdrawal": None, "entry": None, "already": already, **document, "removed": None, "retrained": []}
    appended = Appended(record=CID.parse(before["record"]), entry=CID.parse(before["entry"]), new=False)
    return {**_done(parts, appended, document, retrain), "already": already}


def _done(parts: Parts, appended: Appended, document: dict[str, Any], retrain: bool) -> dict[str, Any]:
    parts.store.pin(appended.entry)
    removed = apply_withdrawal(parts, appended.entry)
    return {
        "withdrawal": str(appended.record),
        "entry": str(appended.entry),
        "already": None,
        **document,
        "removed": removed._asdict(),
        "retrained": train_again(parts, document) if retrain else [],
    }
