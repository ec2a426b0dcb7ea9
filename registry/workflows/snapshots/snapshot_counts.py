"""What a snapshot's tables add up to, counted once: they never change.

Invariants: counts come only from tables that were read to their ends, every row checked. They are kept under the
snapshot's CID below ``Settings.cache``, which may be deleted at any time; what can't be kept is counted again.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.snapshots import checked_tables as snapshot_tables
from registry.core.snapshots.image_rights import COUNTED
from registry.core.snapshots.use import RESERVED, standing
from registry.files import whole_file
from registry.workflows.parts import Parts
from registry.workflows.store.read_content import read_as

_AT = {name: place for place, name in enumerate(records.SNAPSHOT_ITEMS.columns)}
MOST_WORDS = 200  # different licences, or values of a signal, that are counted each by itself
AT_ONCE = 3000  # images of a snapshot that is counted while its page waits: tens of milliseconds
VERSION = 3  # of what is kept


class Tally:
    """What is added up, row by row as they stand in the two tables."""

    def __init__(self) -> None:
        self.labels, self._licences, self._several = Counter[str | None](), Counter[str | None](), 0
        self._rights: dict[str, Counter[str]] = {}
        self._subjects: set[str] = set()
        self._standing = Counter[str]()
        self.reasons, self._unknown = Counter[str](), Counter[str]()

    def item(self, row: Sequence[Any]) -> None:
        """One of SNAPSHOT_ITEMS."""
        self.labels[row[_AT["label"]]] += 1
        self._licences[row[_AT["licence"]]] += 1
        self._several += len(row[_AT["contributors"]]) > 1
        if (subject := row[_AT["subject"]]) is not None:
            self._subjects.add(subject)
        self._standing[COUNTED[standing(row[_AT["rights"]])]] += 1
        for signal, values in row[_AT["rights"]].items():
            self._rights.setdefault(signal, Counter()).update(values)

    def excluded(self, row: Sequence[Any]) -> None:
        """One of EXCLUDED."""
        _, reason, detail = row
        self.reasons[reason] += 1
        if reason == "unknown_label":
            self._unknown[detail] += 1

    def document(self, classes: Sequence[str]) -> dict[str, Any]:
        """``labels`` by class, ``background``, ``excluded`` by reason, ``unknown_labels``, ``licences`` (None: none
        said), ``rights`` by signal and value, ``standing`` (as ``core.snapshots.image_rights`` counts), ``subjects``
        (different persons), ``several`` (images that more than one labelled).
        """
        return {
            "labels": {name: self.labels.get(name, 0) for name in classes},
            "background": self.labels.get(None, 0),
            "excluded": dict(sorted(self.reasons.items())),
            "unknown_labels": dict(self._unknown.most_common(MOST_WORDS)),
            "licences": [[name, number] for name, number in self._licences.most_common(MOST_WORDS)],
            "rights": {signal: dict(values.most_common(MOST_WORDS)) for signal, values in sorted(self._rights.items())},
            "standing": {"honoured": self.reasons[RESERVED], **{one: self._standing[one] for one in COUNTED.values()}},
            "subjects": len(self._subjects),
            "several": self._several,
        }


def count(record: records.Snapshot, get: Get) -> dict[str, Any]:
    """What ``Tally.document`` says of the rows of both tables, each of them checked.

    ``Untrusted`` (``snapshot_malformed``) where the tables are not what the snapshot states.
    """
    found = Tally()
    for row in snapshot_tables.items(record, get):
        found.item(tuple(row.values()))
    for row in snapshot_tables.excluded(record, get):
        found.excluded(tuple(row.values()))
    return found.document(record.classes)


def kept_counts(parts: Parts, snapshot: CID) -> dict[str, Any] | None:
    """The counts of a snapshot that was counted before; None of any other."""
    try:
        found = json.loads(_place(parts, snapshot).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found["counts"] if isinstance(found, dict) and found.get("version") == VERSION else None


def counts_at_hand(parts: Parts, snapshot: CID, images: int) -> dict[str, Any] | None:
    """The same, counted now where it is small; None where that takes long and was not done yet. Errors as ``count``."""
    return kept_counts(parts, snapshot) or (keep_counts(parts, snapshot) if images <= AT_ONCE else None)


def keep_counts(parts: Parts, snapshot: CID) -> dict[str, Any]:
    """Count a snapshot and keep what was counted. Errors as ``count``."""
    return keep(parts, snapshot, count(read_as(parts, records.Snapshot, snapshot), parts.store.get))


def keep(parts: Parts, snapshot: CID, counted: dict[str, Any]) -> dict[str, Any]:
    """Keep what was counted of a snapshot, and give it back."""
    place = _place(parts, snapshot)
    with contextlib.suppress(EmotionetError, OSError):  # a full disk, or one that is only read
        place.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(place) as stream:
            stream.write(json.dumps({"version": VERSION, "counts": counted}).encode())
    return counted


def _place(parts: Parts, snapshot: CID) -> Path:
    return parts.settings.cache / "snapshots" / f"{snapshot}.json"
