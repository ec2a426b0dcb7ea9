"""Base weights: from a file or from the store, checked by the method before anything is queued; and which images of a
snapshot they have seen, as far as this home knows who trained them.

Invariants: a plan names base weights by the CID of a directory with the method's files. Nothing is downloaded unless it
is named.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from registry.catalog.queries.signed_records.lineage import trainings_of
from registry.content.weights_folder import keep_weights, read_model_json, read_weights
from registry.core import records
from registry.core.errors import InvalidInput, Untrusted, UsageError
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.ports.method import Method
from registry.core.records import Origin, Release
from registry.core.weights import MODEL, ONNX, weights_digest
from registry.exports.card.base_origin import Base, declared_origin
from registry.provenance.base_lineage import Lineage, count_seen, judged_and_seen, lineage_of, trained_on
from registry.workflows.parts import Parts

MAX_LISTED = 10  # weights that an error lists


def read_base(parts: Parts, method: Method, given: str, values: Mapping[str, Any]) -> dict[str, bytes]:
    """Checked files of what `--base` names: a path, or the CID of a directory that is held."""
    here = os.sep in given or Path(given).exists()
    files = method.read_base(Path(given)) if here else _held(parts, _named(given), method)
    method.check_base(files, values)
    return files


def _held(parts: Parts, cid: CID, method: Method) -> dict[str, bytes]:
    """The files of weights that are held; ``UsageError`` for a record, a release's with its weights as the way out."""
    if cid.codec != DAG_CBOR:
        return read_weights(parts.store, cid, method.about().files)
    record = records.parse(parts.store.get(cid))
    if isinstance(record, records.Entry):
        record = records.parse(parts.store.get(record.record))
    weights = [one for one in record.weights if one.format != ONNX] if isinstance(record, Release) else []
    listed = " or ".join(
        f"{one.cid} ({'refit' if one.fold is None else f'fold {one.fold}'})" for one in weights[:MAX_LISTED]
    )
    raise UsageError(
        f"{cid} is a {records.type_of(record)}, not weights",
        hint=f"give its weights: {listed}."
        if listed
        else "give the CID of weights, as `emotionet release show` has it.",
    )


def _named(given: str) -> CID:
    """The CID of base weights that somebody typed; ``UsageError`` where it is none and no path either."""
    try:
        return CID.parse(given)
    except InvalidInput as error:
        raise UsageError(
            f"the base weights {given[:200]!r} are neither a file here nor a CID",
            hint="check the path, or give the CID of weights that are held here.",
        ) from error


def declared_licence(files: Mapping[str, bytes]) -> str | None:
    """The licence that base weights state in their model.json (``origin.licence``), as their own file stated it."""
    origin = declared_origin(files[MODEL])
    return origin.licence if origin else None


def base_of(parts: Parts, directory: CID) -> Base | None:
    """What base weights that are held say of themselves, for the card; the tensors are not read."""
    return declared_origin(read_model_json(parts.store, directory))


def known_trainings(parts: Parts, tensors: str) -> list[CID]:
    """The trainings that this home knows to have given these tensors."""
    with parts.catalog.read() as db:
        return trainings_of(db, tensors)


def digest_of(files: Mapping[str, bytes]) -> str | None:
    """The digest that base weights are known by; None where it can't be taken."""
    try:
        return weights_digest(files)
    except Untrusted:
        return None


def base_origin(
    parts: Parts, tensors: str | None, prepared: Collection[Mapping[str, Any]], items: Sequence[Mapping[str, Any]]
) -> tuple[Origin, Lineage, dict[bytes, str]]:
    """What weights of this digest have seen of the images that ``prepared`` keeps: in all, by whose training, and how
    each image was seen. ``items``: the snapshot's rows."""
    get = parts.store.get
    lineage = lineage_of(get, lambda digest: known_trainings(parts, digest), tensors)
    if not lineage.trainings:
        return Origin(tensors=tensors, whole=False, seen=None), lineage, {}
    how = judged_and_seen(trained_on(get, lineage.trainings), prepared, items)
    return Origin(tensors=tensors, whole=lineage.whole, seen=count_seen(how, items)), lineage, how


def keep_base(parts: Parts, given: str, files: Mapping[str, bytes]) -> CID:
    """The CID of what ``read_base`` gave: a directory in the store."""
    if os.sep not in given and not Path(given).exists():
        return CID.parse(given)
    root = keep_weights(parts.store, files)
    parts.store.flush()
    return root
