"""What a snapshot's tables add up to, counted once: they never change.

Invariants: counts come only from tables that were read to their ends, every row checked. They are kept under the
snapshot's CID below ``Settings.cache``, which may be deleted at any time; what can't be kept is counted again.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.snapshots import checked_tables as snapshot_tables
from registry.core.snapshots.use import NO, NOT_READ, RESERVED, SILENT, YES, standing
from registry.files import whole_file
from registry.workflows.parts import Parts
from registry.workflows.store.read_content import read_as

MOST_WORDS = 200  # different licences, or values of a signal, that are counted each by itself
STANDING = {NO: "overridden", YES: "allowed", NOT_READ: "not_read", SILENT: "silent"}  # items; honoured: left out
VERSION = 2  # of what is kept


def count(record: records.Snapshot, get: Get) -> dict[str, Any]:
    """``labels`` by class, ``background``, ``excluded`` by reason, ``unknown_labels``, ``licences`` (None: none said),
    ``rights`` by signal and value, ``standing`` (``STANDING``), ``subjects`` (different persons), ``several`` (images
    that more than one labelled).

    ``Untrusted`` (``snapshot_malformed``) where the tables are not what the snapshot states.
    """
    labels, licences, several = Counter[str | None](), Counter[str | None](), 0
    rights: dict[str, Counter[str]] = {}
    subjects: set[str] = set()
    stand = Counter[str]()
    for row in snapshot_tables.items(record, get):
        labels[row["label"]] += 1
        licences[row["licence"]] += 1
        several += len(row["contributors"]) > 1
        if row["subject"] is not None:
            subjects.add(row["subject"])
        stand[STANDING[standing(row["rights"])]] += 1
        for signal, values in row["rights"].items():
            rights.setdefault(signal, Counter()).update(values)
    reasons, unknown = Counter[str](), Counter[str]()
    for row in snapshot_tables.excluded(record, get):
        reasons[row["reason"]] += 1
        if row["reason"] == "unknown_label":
            unknown[row["detail"]] += 1
    return {
        "labels": {name: labels.get(name, 0) for name in record.classes},
        "background": labels.get(None, 0),
        "excluded": dict(sorted(reasons.items())),
        "unknown_labels": dict(unknown.most_common()),
        "licences": [[name, number] for name, number in licences.most_common(MOST_WORDS)],
        "rights": {signal: dict(values.most_common(MOST_WORDS)) for signal, values in sorted(rights.items())},
        "standing": {"honoured": reasons[RESERVED], **{name: stand[name] for name in STANDING.values()}},
        "subjects": len(subjects),
        "several": several,
    }


def kept_counts(parts: Parts, snapshot: CID) -> dict[str, Any] | None:
    """The counts of a snapshot that was counted before; None of any other."""
    try:
        found = json.loads(_place(parts, snapshot).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found["counts"] if isinstance(found, dict) and found.get("version") == VERSION else None


def keep_counts(parts: Parts, snapshot: CID) -> dict[str, Any]:
    """Count a snapshot and keep what was counted. Errors as ``count``."""
    counted = count(read_as(parts, records.Snapshot, snapshot), parts.store.get)
    place = _place(parts, snapshot)
    with contextlib.suppress(EmotionetError, OSError):  # a full disk, or one that is only read
        place.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(place) as stream:
            stream.write(json.dumps({"version": VERSION, "counts": counted}).encode())
    return counted


def _place(parts: Parts, snapshot: CID) -> Path:
    return parts.settings.cache / "snapshots" / f"{snapshot}.json"
