"""Follows typed links from the roots: collects the records, and reports every block of a type that its link does not
allow.

Invariants: pure; each block is read once; ``wrong`` lists every block that is not a record of the required type, every
link in a field that may not hold one, and every name that is not a CID. ``1.complete`` reports what is missing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from registry.core import records
from registry.core.errors import EmotionetError, NewerVersion, NotFound
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB, RAW
from registry.core.ipld.dag import Get
from registry.core.table.cells import digest, named

RECORD, CONTENT, TABLE = "record", "content", "table"
# what a link in each field leads to: a record's type, RECORD (any), CONTENT (a file or directory) or TABLE
LINKS: dict[str, dict[str, str]] = {
    "contribution": {"rows": TABLE},
    "snapshot": {"items": TABLE, "contributions": "contribution", "excluded": TABLE, "query": TABLE},
    "preprocessing": {"snapshot": "snapshot", "recipe": "recipe", "output": TABLE},
    "plan": {
        "preprocessing": "preprocessing",
        "recipe": "recipe",
        "environment": "environment",
        "base": CONTENT,
        "seen": TABLE,
    },
    "draw": {"plan": "plan", "folds": TABLE},
    "training": {"draw": "draw", "weights": CONTENT, "history": TABLE, "checkpoints": CONTENT},
    "evaluation": {"draw": "draw", "predictions": TABLE, "trainings": "training", "curves": TABLE},
    "release": {
        "draw": "draw",
        "plan_entry": "entry",
        "trainings": "training",
        "evaluation": "evaluation",
        "weights": CONTENT,
        "card": CONTENT,
    },
    "entry": {"record": RECORD, "authority": "entry"},
}
# fields that hold a CID's bytes; and those that may hold an image's sha256 instead
NAMES: dict[str, tuple[str, ...]] = {
    "plan": ("base_trainings",),
    "snapshot": ("supersedes",),
    "release": ("supersedes",),
    "withdrawal": ("replacement",),
    "name": ("target",),
    "entry": ("prev", "log"),
    "evidence": ("entry",),
}
DIGESTS: dict[str, str] = {"withdrawal": "target", "audit": "target"}
_TENSORS = re.compile(r"(?:files-)?sha256:[0-9a-f]{64}")


@dataclass
class LinkedRecords:
    """``records`` in the order in which they were found; ``tables`` once each, by the kind of field that links to
    them; ``wrong``: errors as sentences; ``newer``: records of a version that this program does not know."""

    records: dict[CID, records.Record] = field(default_factory=dict)
    tables: dict[tuple[tuple[str, str], CID], None] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    newer: list[NewerVersion] = field(default_factory=list)


def follow_links(get: Get, roots: Sequence[CID]) -> LinkedRecords:
    """Every record and table that typed links lead to from the roots; images and tables' nodes are not followed."""
    found, stack = LinkedRecords(), [(cid, RECORD) for cid in reversed(roots)]
    seen: set[tuple[CID, str]] = set()
    while stack:
        cid, wanted = stack.pop()
        if (cid, wanted) in seen or (wanted == RECORD and cid.codec in (RAW, DAG_PB)):
            continue  # a root may be a file or a directory
        seen.add((cid, wanted))
        record = _record(get, cid, wanted, found)
        if record is None or cid in found.records:
            continue
        found.records[cid] = record
        found.wrong += _named_wrong(cid, record)
        stack += reversed(list(_below(cid, record, found)))
    return found


def _record(get: Get, cid: CID, wanted: str, found: LinkedRecords) -> records.Record | None:
    if cid.codec != DAG_CBOR:
        found.wrong.append(f"{cid} is not a record, but a link requires a {wanted}")
        return None
    try:
        record = records.parse(get(cid))
    except NotFound:
        return None
    except NewerVersion as error:
        if wanted in (RECORD, error.kind):
            found.newer.append(error)
        else:
            found.wrong.append(f"{cid} is of type {error.kind}, but a link requires a {wanted}")
        return None
    except EmotionetError as error:
        found.wrong.append(f"{cid} is not a valid {wanted}: {error}")
        return None
    if wanted not in (RECORD, records.type_of(record)):
        found.wrong.append(f"{cid} is of type {records.type_of(record)}, but a link requires a {wanted}")
        return None
    return record


def _below(cid: CID, record: records.Record, found: LinkedRecords) -> Iterator[tuple[CID, str]]:
    """The records that this one links to; tables are noted, and links that may not stand there are told."""
    kind, known = records.type_of(record), Counter[CID]()
    for name, wanted in LINKS.get(kind, {}).items():
        for link in _links(getattr(record, name)):
            known[link] += 1
            if wanted == TABLE:
                found.tables[(kind, name), link] = None
            elif wanted != CONTENT:
                yield link, wanted
            elif link.codec not in (RAW, DAG_PB):
                found.wrong.append(f"{name} of {kind} {cid} links to neither a file nor a directory")
    if Counter(encoding.links(records.encode(record), DAG_CBOR)) != known:
        found.wrong.append(f"{kind} {cid} has a link in a field that may not hold one")


def _links(value: Any) -> list[CID]:
    if isinstance(value, CID):
        return [value]
    if isinstance(value, records.Weights | records.Checkpoint):
        return [value.cid]
    if isinstance(value, dict):  # a query: its parts
        value = tuple(value.values())
    return [link for one in value for link in _links(one)] if isinstance(value, tuple) else []


def _named_wrong(cid: CID, record: records.Record) -> Iterator[str]:
    kind = records.type_of(record)
    for name in NAMES.get(kind, ()):
        value = getattr(record, name)
        values = value if isinstance(value, tuple) else () if value is None else (value,)
        if not all(map(named, values)):
            yield f"{name} of {kind} {cid} is not a CID"
    if kind in DIGESTS:
        value = getattr(record, DIGESTS[kind])
        if value is not None and not digest(value) and not named(value):
            yield f"{DIGESTS[kind]} of {kind} {cid} is neither a CID nor a sha256"
    for name in ("contributions", "trainings"):
        listed = getattr(record, name, ())
        if len(set(listed)) != len(listed):
            yield f"{kind} {cid} names one of its {name} twice"
    if isinstance(record, records.Draw) and len(record.seed) != 32:
        yield f"the seed of draw {cid} has {len(record.seed)} bytes, not 32"
    for one in (record,) if isinstance(record, records.Training) else getattr(record, "weights", ()):
        if not _TENSORS.fullmatch(one.tensors):
            yield f"{kind} {cid} states tensors that are not a digest"
