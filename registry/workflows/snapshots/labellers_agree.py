"""How far the people who labelled a snapshot's images agree, kept once it was computed: a snapshot never changes, only
what is taken back of it.

Invariants: it follows from the contributions that the snapshot names (``provenance.people_agree``); what is kept lies
below ``Settings.cache`` and may be deleted at any time. ``None`` where no image was labelled by several people, and
where a contribution is not held here, or more than ``most`` images would be read while somebody waits.
"""

from __future__ import annotations

import contextlib
import json
from hashlib import sha256
from typing import Any

from registry.catalog.queries.signed_records.withdrawn_rows import taken_back_in
from registry.core import records
from registry.core.errors import EmotionetError, InvalidInput, NotFound
from registry.core.ipld.cid import CID
from registry.evaluation.agreement import Agreement, has_kappa
from registry.files import whole_file
from registry.provenance.people_agree import people_agreement
from registry.workflows.parts import Parts

VERSION = 1  # of what is kept
MOST = 100_000  # images of a snapshot whose labels are compared while somebody waits: about ten seconds


def labellers_agree(parts: Parts, snapshot: CID, record: records.Snapshot, most: int = MOST) -> dict[str, Any] | None:
    """``images`` that several people labelled, ``people``, ``labels``, ``agreement`` (mean share of pairs alike),
    ``kappa`` with its ``kind`` and of how many images, ``alpha``, ``by_label``, ``by_labeller``."""
    kind = "" if has_kappa() else ".without-kappa"  # what is kept without the library is not taken for all
    with parts.catalog.read() as db:
        gone = taken_back_in(db, str(snapshot))
    kind += f".{sha256(repr(sorted(gone)).encode()).hexdigest()[:16]}" if gone else ""
    place = parts.settings.cache / "agreement" / f"{snapshot}{kind}.json"
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
        if isinstance(found, dict) and found.get("version") == VERSION:
            return found["agreement"]  # type: ignore[no-any-return]
    except (OSError, ValueError, KeyError):
        pass  # not kept yet
    if record.count > most:
        return None
    try:
        made = _document(people_agreement(record, parts.store.get, gone), record.classes)
    except (NotFound, InvalidInput):
        return None
    with contextlib.suppress(EmotionetError, OSError):  # a full disk, or one that is only read
        place.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(place) as stream:
            stream.write(json.dumps({"version": VERSION, "agreement": made}).encode())
    return made


def _document(found: Agreement | None, classes: tuple[str, ...]) -> dict[str, Any] | None:
    if found is None:
        return None
    names = {-1: None, **dict(enumerate(classes))}  # a label of no class has none
    return {
        "images": found.images,
        "people": found.people,
        "labels": found.labels,
        "agreement": found.agreement,
        "kappa": found.kappa,
        "kind": found.kind,
        "kappa_of": found.kappa_of,
        "alpha": found.alpha,
        "by_label": [
            {"label": names.get(one.label), "class": one.label in range(len(classes)), "images": one.images}
            | {"alpha": one.alpha}
            for one in found.by_label
        ],
        "by_labeller": [
            {"issuer": one.labeller[0], "contributor": one.labeller[1], "images": one.images}
            | {"agreement": one.agreement, "alpha": one.alpha}
            for one in found.by_labeller
        ],
    }
