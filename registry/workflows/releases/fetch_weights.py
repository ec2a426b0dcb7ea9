"""Fetch the final weights of a release: the file that people want of it, under a name that says what it is.

Invariants: every block is verified, and so is the digest of the tensors that the release states; nothing is
half-written. Of what is not held here only the records on the way and the weights are fetched, no images.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from registry.catalog.queries.signed_records import entries
from registry.content.sources.fetch import Through
from registry.content.unixfs import reader
from registry.content.weights_folder import read_weights
from registry.core import records
from registry.core.errors import EmotionetError, Untrusted, UsageError
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.ipld.dag import Get
from registry.core.progress import Progress, silent
from registry.core.run_view import release_view
from registry.core.weights import check_names, digested, weights_digest
from registry.files import sync_file, whole_tree
from registry.provenance.release_view import final_weights
from registry.workflows.names.references import names_of
from registry.workflows.parts import Parts
from registry.workflows.store.fetch_content import ensure_held


def release_at(parts: Parts, cid: CID) -> CID | None:
    """The release that a CID, or its entry's, names, as far as it can be read here; None of all else."""
    if cid.codec != DAG_CBOR:
        return None
    with parts.catalog.read() as db:
        record = entries.record_of(db, cid)
    try:
        found = records.parse(_get(parts)(record))
        if isinstance(found, records.Entry):  # one that is not in this catalog
            record, found = found.record, records.parse(_get(parts)(found.record))
    except EmotionetError:  # whoever reads it next says what is wrong with it
        return None
    return record if isinstance(found, records.Release) else None


def fetch_weights(
    parts: Parts, release: CID, out: Path | None, called: str | None = None, progress: Progress = silent
) -> dict[str, Any]:
    """Write the final weights to ``out``; the document of `emotionet fetch RELEASE --json`.

    ``cid`` (of the folder that is published), ``path``, ``size``, ``links`` (none), ``release``, ``final``,
    ``tensors`` and ``classes`` in the model's order. Without ``out`` the file is called after ``called``, or the
    release's name here, or the end of its CID: ``faces-final.safetensors``; a model of several files is a folder.
    """
    view = release_view(_get(parts), records.parse_as(records.Release, _get(parts)(release)))
    weights = final_weights(view)
    ensure_held(parts, weights.cid, progress)
    names = list(reader.list_directory(parts.store, weights.cid))
    check_names(names)
    files = read_weights(parts.store, weights.cid, digested(names))
    if weights_digest(files) != weights.tensors:
        raise Untrusted(f"these weights are not those that release {release} states", code="hostile_weights")
    target = out or _path(called or _name_of(parts, release), files)
    if target.exists():
        raise UsageError(f"{target} exists already", hint="name another path with -o.")
    _write(target, files)
    return {
        "cid": str(weights.cid),
        "path": str(target),
        "size": sum(map(len, files.values())),
        "links": [],
        "release": str(release),
        "final": view.plan.final,
        "tensors": weights.tensors,
        "classes": list(view.snapshot.classes),
    }


def _get(parts: Parts) -> Get:
    return parts.store.get if parts.source is None else Through(parts.source, parts.store).get


def _name_of(parts: Parts, release: CID) -> str:
    with parts.catalog.read() as db:
        known = names_of(parts, db, [str(release)]).get(str(release), [])
    own = [name for name in known if "/" not in name and "@" not in name]
    return own[0] if own else f"release-{str(release)[-8:]}"


def _path(stem: str, files: Mapping[str, bytes]) -> Path:
    endings = [PurePosixPath(name).suffix for name in files]
    return Path(f"{stem}-final{endings[0] if len(endings) == 1 else ''}")


def _write(target: Path, files: Mapping[str, bytes]) -> None:
    with whole_tree(target) as place:
        if len(files) > 1:
            place.mkdir()
        for name, data in files.items():
            with (place / name if len(files) > 1 else place).open("wb") as handle:
                handle.write(data)
                sync_file(handle)
