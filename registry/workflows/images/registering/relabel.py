"""Give an image that is in the catalog another label; the old one stays in the history, and all else as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.signed_records.withdrawals import withdrawn_among
from registry.catalog.queries.signed_records.withdrawn_rows import images_without_rows, touching
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld.cid import CID
from registry.core.labeling.row_signature import parse
from registry.core.log import Signer
from registry.core.text import cleaning
from registry.workflows.images.importing.read_again import read_again
from registry.workflows.images.registering.labeled_rows import TAKEN_BACK, WITHDRAWN, NewRow
from registry.workflows.images.registering.register_images import Registered, register
from registry.workflows.images.registering.speaker import ANYBODY, Speaker
from registry.workflows.parts import Parts


def relabel(
    parts: Parts,
    image: str,
    label: str,
    contributor: str | None = None,
    *,
    signer: Signer | None = None,
    speaker: Speaker = ANYBODY,
    signature: str | None = None,
    rights: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Register ``label`` for ``image`` (a CID or sha256) by ``contributor`` (else the issuer).

    ``signer``: this home's key unless given. ``speaker``: in whose name the label may be; ``NotYours`` otherwise.
    ``signature``: the contributor's own of the whole row, which then says nothing but the label and ``rights``;
    ``Untrusted`` where it is not that.
    """
    own = None if signature is None else parse(signature)
    signer = signer or parts.key
    clean = cleaning.clean("label", label)
    contributor = speaker.of(signer.did, cleaning.clean_given("contributor", contributor), signed=own is not None)
    sha256, cid, size = _image(parts, image)
    row = NewRow(
        row=1,
        name="",
        sha256=sha256,
        cid=cid,
        size=size,
        label=clean,
        contributor=contributor,
        signature=own,
        rights=dict(rights or {}),
        held=False,
        read=read_again(parts, cid, sha256),
    )
    done = register(parts, signer, [row])
    for refused in done.rejected:
        raise InvalidInput(refused.reason, code=refused.code)
    return {**_document(sha256, clean, done), "note": _note(parts, signer.did, contributor, row)}


def _document(sha256: bytes, label: str, done: Registered) -> dict[str, Any]:
    """What came of it, for the document of `images relabel --json`."""
    return {
        "sha256": sha256.hex(),
        "label": label,
        "registered": done.registered,
        "unchanged": done.unchanged,
        "corrected": done.corrected,
        "contribution": str(done.contribution) if done.contribution else None,
    }


def _note(parts: Parts, issuer: str, contributor: str, row: NewRow) -> str | None:
    """Why the label counts nowhere, where that is so."""
    sha256 = row.sha256.hex()
    with parts.catalog.read() as db:
        if withdrawn_among(db, {sha256: str(row.cid)}) | (images_without_rows(db) & {sha256}):
            return WITHDRAWN
        return TAKEN_BACK if touching(db, issuer, {(sha256, contributor)}) else None


def _image(parts: Parts, name: str) -> tuple[bytes, CID, int]:
    """Its sha256, a CID and its size. ``NotFound``."""
    with parts.catalog.read() as db:
        found = images.get_image(db, name)
    if found is None or found["cid"] is None:
        raise NotFound(f"{name} is not an image of this catalog", hint="`emotionet images list` lists them.")
    return bytes.fromhex(found["sha256"]), CID.parse(found["cid"]), found["size"]
