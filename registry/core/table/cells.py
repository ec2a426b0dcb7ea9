"""The kinds of values of each column of each kind of table, checked before a stranger's table is used.

Invariants: pure; every column of ``registry.core.table.columns`` has its kind (the import fails otherwise); what a cell
says is not judged here, only that it is a value of its kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID, DAG_PB, RAW
from registry.core.labeling.labeled_row import MAPS, TEXTS
from registry.core.table import columns as columns


class Kind(NamedTuple):
    """What a cell may be: in words (docs/format/records.md is made of them), and whether a value is so."""

    says: str
    fits: Callable[[Any], bool]


MAX_COUNT = (1 << 63) - 1
_SHA256_TEXT = re.compile(r"sha256:[0-9a-f]{64}")
_WRITTEN = 40  # letters of a wrong cell that are repeated


def digest(value: Any) -> bool:
    """32 raw bytes."""
    return type(value) is bytes and len(value) == 32


def text(value: Any) -> bool:
    """Any text."""
    return type(value) is str


def count(value: Any) -> bool:
    """An integer from 0 on."""
    return type(value) is int and 0 <= value <= MAX_COUNT


def named(value: Any) -> bool:
    """The bytes of a CID, which is named and not linked."""
    if type(value) is not bytes:
        return False
    try:
        CID.decode(value)
    except InvalidInput:
        return False
    return True


def content(value: Any) -> bool:
    """A link to a file or a directory."""
    return isinstance(value, CID) and value.codec in (RAW, DAG_PB)


def _optional(kind: Kind) -> Kind:
    return Kind(f"{kind.says}, or null", lambda value: value is None or kind.fits(value))


def _list_of(kind: Kind) -> Kind:
    return Kind(f"list of {kind.says}", lambda value: type(value) is list and all(map(kind.fits, value)))


def _integers(length: int) -> Kind:
    return Kind(
        f"[{length} integers]",
        lambda value: type(value) is list and len(value) == length and all(type(one) is int for one in value),
    )


def _texts(value: Any) -> bool:
    return type(value) is dict and all(text(key) and text(one) for key, one in value.items())


def _sha256_text(value: Any) -> bool:
    return text(value) and _SHA256_TEXT.fullmatch(value) is not None


def _different_texts(value: Any) -> bool:
    return type(value) is list and bool(value) and all(map(text, value)) and value == sorted(set(value))


def _several_texts(value: Any) -> bool:
    return type(value) is dict and all(text(key) and _different_texts(one) for key, one in value.items())


def _signature(value: Any) -> bool:
    return type(value) is bytes and len(value) == 65


def _point(value: Any) -> bool:
    return type(value) is list and len(value) in (2, 3) and all(map(text, value))  # the third: how many


_DIGEST, _TEXT, _COUNT = Kind("32 bytes", digest), Kind("text", text), Kind("integer from 0", count)
_NAMED = Kind("bytes of a CID (named)", named)
_TEXTS = Kind("map of texts", _texts)
_BOXES = _list_of(_integers(4))
_KINDS: dict[tuple[str, str], tuple[columns.Shape, dict[str, Kind]]] = {
    ("contribution", "rows"): (
        columns.CONTRIBUTION_ROWS,
        {
            "sha256": _DIGEST,
            "contributor": _TEXT,
            "cid": _NAMED,
            "size": _COUNT,
            "label": _TEXT,
            "boxes": _BOXES,
            **dict.fromkeys(MAPS, _TEXTS),
            **dict.fromkeys(TEXTS, _optional(_TEXT)),
            "replaces": _optional(_NAMED),
            "signature": _optional(Kind("65 bytes", _signature)),
        },
    ),
    ("snapshot", "items"): (
        columns.SNAPSHOT_ITEMS,
        {
            "sha256": _DIGEST,
            "image": Kind("link to a file", content),
            "size": _COUNT,
            "label": _optional(_TEXT),
            "contributors": Kind("list of different texts, sorted, not empty", _different_texts),
            "subject": _optional(_TEXT),
            "attributes": _TEXTS,
            "licence": _optional(_TEXT),
            "boxes": _BOXES,
            "sources": _TEXTS,
            "rights": Kind("map of such lists", _several_texts),
        },
    ),
    ("snapshot", "excluded"): (columns.EXCLUDED, {"sha256": _DIGEST, "reason": _TEXT, "detail": _TEXT}),
    ("snapshot", "query"): (columns.CHOSEN, {"sha256": _DIGEST}),
    ("preprocessing", "output"): (
        columns.PREPARED,
        {
            "sha256": _DIGEST,
            "width": _COUNT,
            "height": _COUNT,
            "pixels": _optional(_DIGEST),
            "boxes": _BOXES,
            "box_source": _TEXT,
            "group": _DIGEST,
            "reason": _optional(_TEXT),
            "measured": _optional(_TEXT),
        },
    ),
    ("plan", "seen"): (columns.SEEN, {"sha256": _DIGEST, "how": _TEXT}),
    ("draw", "folds"): (columns.FOLDS, {"sha256": _DIGEST, "repeat": _COUNT, "fold": _COUNT}),
    ("training", "history"): (
        columns.HISTORY,
        {"epoch": _COUNT, "values": _TEXTS, "state": _optional(Kind("text sha256:HEX", _sha256_text))},
    ),
    ("evaluation", "predictions"): (
        columns.PREDICTIONS,
        {
            "sha256": _DIGEST,
            "fold": _COUNT,
            "truth": _optional(_COUNT),
            "boxes": _BOXES,
            "detections": _list_of(_integers(6)),
        },
    ),
    ("evaluation", "curves"): (columns.CURVES, {"name": _TEXT, "points": _list_of(Kind("[2 or 3 texts]", _point))}),
}
SHAPES: Mapping[tuple[str, str], columns.Shape] = {place: shape for place, (shape, _) in _KINDS.items()}
KINDS: Mapping[tuple[str, str], Mapping[str, Kind]] = {place: kinds for place, (_, kinds) in _KINDS.items()}
_CELLS: dict[tuple[str, str], list[tuple[str, Kind]]] = {
    place: [(column, kinds[column]) for column in shape.columns] for place, (shape, kinds) in _KINDS.items()
}


def fault_of(place: tuple[str, str], row: Sequence[Any]) -> str:
    """What is wrong with a row of the table in this field (record type, field); "" where nothing is."""
    for (column, kind), value in zip(_CELLS[place], row, strict=True):
        if not kind.fits(value):
            return f"{column} is {repr(value)[:_WRITTEN]}, not {kind.says}"
    if place == ("preprocessing", "output"):
        pixels, reason = row[3], row[7]
        if (pixels is None) == (reason is None):
            return "an image must be either kept, with a digest of its pixels, or dropped, with a reason"
    return ""
