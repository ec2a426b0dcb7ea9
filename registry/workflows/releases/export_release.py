"""A release as files that other programs check (``exports/attest``).

Invariants: what appears is whole or is not there; the weights' bytes are those that the release names, verified on the
way; only the issuer's own key signs, and only releases of its own.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from registry.catalog.queries.signed_records import releases
from registry.content.unixfs import reader
from registry.core import records
from registry.core.errors import Conflict, InvalidInput
from registry.core.ipld.cid import CID
from registry.core.issuers import did_of
from registry.core.run_view import release_view
from registry.exports.attest import forms, model_signing, names, prml, statement
from registry.exports.attest.dsse import Signing, envelope
from registry.exports.attest.source import Source, WeightsFile
from registry.files import whole_file, whole_tree
from registry.provenance.keys.export_key import ExportKey, publishing_pem
from registry.provenance.keys.keys import Key
from registry.provenance.release_view import final_weights
from registry.workflows.local_issuers import check_signs_as
from registry.workflows.parts import Parts
from registry.workflows.store.read_content import read_as

WEIGHTS = "weights"  # the folder in a model-signing export, which its signature names


def source_of(parts: Parts, cid: CID) -> Source:
    """A release read, its final weights hashed. ``NotFound`` names what is not held here."""
    with parts.catalog.read() as db:
        row = releases.get(db, cid)
    view = release_view(parts.store.get, read_as(parts, records.Release, cid))
    said = records.parse_as(records.Entry, parts.store.get(CID.parse(row["entry"])))
    planned = records.parse_as(records.Entry, parts.store.get(view.release.plan_entry))
    return Source(
        cid=cid,
        entry=CID.parse(row["entry"]),
        issuer=said.issuer,
        issued_at=said.issued_at,
        planned_at=planned.issued_at,
        view=view,
        files=_files(parts, final_weights(view).cid),
        card=_sha256(parts, view.release.card)[0],
    )


def export_release(parts: Parts, cid: CID, form: str, out: Path) -> dict[str, Any]:
    """Write a release in a format of ``names``; {release, format, path, files}.

    ``Conflict``: ``exists`` where a folder would be written over; ``key_missing`` where somebody else has to sign.
    """
    if form in names.FOLDERS and out.exists():
        raise Conflict(f"{out} exists already", code="exists", hint="name a folder that does not.")
    source = source_of(parts, cid)
    if form in names.SIGNED:
        check_signs_as(parts, source.issuer, f"the release {cid}")
    done = {"release": str(cid), "format": form, "path": str(out)}
    if form in names.DOCUMENTS:
        with whole_file(out) as stream:
            stream.write(forms.document(form, source))
        return {**done, "files": [out.name]}
    with whole_tree(out) as folder:
        folder.mkdir()
        for name, data in (_manifests(source) if form == names.PRML else _signed(parts, source, form)).items():
            (folder / name).write_bytes(data)
        if form == names.MODEL_SIGNING:
            _write_weights(parts, source, folder / WEIGHTS)
    return {**done, "files": sorted(str(one.relative_to(out)) for one in out.rglob("*") if one.is_file())}


def _manifests(source: Source) -> dict[str, bytes]:
    """Each with its sha256 in a file of the name that PRML's program looks for."""
    found = prml.manifests(source)
    if not found:
        raise InvalidInput(
            "the plan makes no claim", code="no_claim", hint="export it in another format, or plan a run with a claim."
        )
    files = {}
    for number, data in enumerate(found, 1):
        files[f"claim-{number}.prml.yaml"] = data
        files[f"claim-{number}.prml.prml.sha256"] = hashlib.sha256(data).hexdigest().encode() + b"\n"
    return files


def _signed(parts: Parts, source: Source, form: str) -> dict[str, bytes]:
    """The signed file, both keys, and by which the one vouches for the other."""
    key = parts.key
    if not isinstance(key, Key):
        raise TypeError("only a key that is held here derives an export key")
    signer = did_of(key.address)  # another than the issuer where the log was handed over
    own, export = Signing(signer, key.sign), ExportKey(key)
    beside = Signing(export.keyid, export.sign)
    vouched = statement.export_key(source.issuer, signer, hashlib.sha256(export.pem).hexdigest(), export.keyid)
    files = {
        "export-key.pem": export.pem,
        "publishing-key.pem": publishing_pem(key.public_key),
        "export-key.dsse.json": forms.as_bytes(envelope(forms.as_bytes(vouched), [own])),
    }
    if form == names.INTOTO:
        payload = forms.as_bytes(statement.provenance(source))
        return {**files, "provenance.dsse.json": forms.as_bytes(envelope(payload, [own, beside]))}
    return {**files, "model.sig": forms.as_bytes(model_signing.bundle(WEIGHTS, source.files, export.pem, beside))}


def _write_weights(parts: Parts, source: Source, folder: Path) -> None:
    folder.mkdir()
    for one in source.files:
        with (folder / one.name).open("wb") as stream:
            for piece in reader.read_file(parts.store, one.cid):
                stream.write(piece)


def _files(parts: Parts, folder: CID) -> tuple[WeightsFile, ...]:
    found = []
    for name, one in sorted(reader.list_directory(parts.store, folder).items()):
        sha256, size = _sha256(parts, one.cid)
        found.append(WeightsFile(name, one.cid, size, sha256))
    return tuple(found)


def _sha256(parts: Parts, cid: CID) -> tuple[str, int]:
    """Of a file's bytes, and how many they are."""
    digest, size = hashlib.sha256(), 0
    for piece in reader.read_file(parts.store, cid):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size
