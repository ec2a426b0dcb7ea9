"""What a snapshot holds, decided from contributions' rows alone; an audit runs these functions again.

**Rows** are dicts with the columns of ``CONTRIBUTION_ROWS`` and ``issuer``, who said the contribution. Who says
something about an image is an (issuer, contributor): a name under one issuer is not that name under another, so
nobody's later row takes the place of another issuer's. Only the newest row of each (image's sha256, issuer,
contributor) counts: ``resolve_rows``. A query chooses among those
(``registry.core.snapshots.query``).

**Rule** ``majority-v1`` for one image: the newest row of each (issuer, contributor) is one vote for the class that its
label means. Labels that mean no class don't vote, unless none does: then the image is excluded as
``unknown_label``. The class with the most votes wins; a tie excludes it as ``disagreement``. The rest
follows from all the image's rows, whatever order they came in:

* an image of which the winner says that it shows nothing (``BACKGROUND``) is an item without label and boxes: a
  training learns that there is nothing to find, and whatever is found in it is a false alarm;
* ``image`` and ``size`` are those of the row with the smallest (issuer, contributor);
* ``contributors`` are their different names, sorted; ``subject`` and ``licence`` the smallest text that is given;
* ``attributes`` are all that anyone gives, of different values for one name the smallest; ``sources`` the smallest
  that is given of exactly that value (inferred before perceived before self);
* ``rights`` are all different values that anyone gives of a signal, sorted: no reservation is lost to a milder word;
* ``boxes`` are those of the smallest (issuer, contributor) who voted for the winner and gives any.

Invariants: pure; the result does not depend on the order of rows; every image that comes in is either
an item or excluded, with the first reason of ``withdrawn``, ``no_bytes``, ``unknown_label``,
``disagreement``; items' labels are names of the given classes, or None.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.core.snapshots.classes import BACKGROUND, NOTHING, Classes
from registry.core.table import tables

RULE = "majority-v1"
ROW_IDENTITY = ("sha256", "issuer", "contributor")  # what is said about an image, and by whom: a row's identity
row_identity = itemgetter(*ROW_IDENTITY)  # whose row it is: a later one of the same replaces it
Row = Mapping[str, Any]


class Decision(NamedTuple):
    """What became of one image: a row of SNAPSHOT_ITEMS, or one of EXCLUDED."""

    item: list[Any] | None
    excluded: list[Any] | None


def resolve_rows(rows: Iterable[Row]) -> list[Row]:
    """The newest row of each ``ROW_IDENTITY``, sorted by it; ``rows``: in the order of each issuer's log."""
    newest: dict[tuple[bytes, str, str], Row] = {row_identity(row): row for row in rows}
    return [newest[key] for key in sorted(newest)]


def rows_of_contribution(contribution: records.Contribution, get: Callable[[CID], bytes]) -> Iterator[dict[str, Any]]:
    """A contribution's rows as they are decided by: the table's columns and ``issuer``."""
    for row in tables.rows_as_dicts(contribution.rows, get):
        yield {**row, "issuer": contribution.issuer}


def select(
    rows: Iterable[Row],
    classes: Classes,
    rule: str = RULE,
    withdrawn: Collection[bytes] = frozenset(),
    missing: Collection[bytes] = frozenset(),
) -> tuple[list[list[Any]], list[list[Any]]]:
    """Rows of SNAPSHOT_ITEMS and of EXCLUDED, both sorted by sha256; ``rows`` in any order. Errors: ``decided``'s."""
    items: list[list[Any]] = []
    excluded: list[list[Any]] = []
    for item, left_out in decided(sorted(rows, key=row_identity), classes, rule, withdrawn, missing):
        if item is not None:
            items.append(item)
        if left_out is not None:
            excluded.append(left_out)
    return items, excluded


def decided(
    rows: Iterable[Row],
    classes: Classes,
    rule: str = RULE,
    withdrawn: Collection[bytes] = frozenset(),
    missing: Collection[bytes] = frozenset(),
) -> Iterator[Decision]:
    """Of each image its row of SNAPSHOT_ITEMS, or that of EXCLUDED, by rising sha256, as rows come.

    ``rows``: newest rows, by rising identity. ``withdrawn``: sha256s, or CID bytes, of images that were taken
    back; ``missing``: sha256s of images whose bytes are not held. ``InvalidInput`` for an unknown rule, or
    two rows of one (issuer, contributor) for one image (``resolve_rows`` first).
    """
    if rule != RULE:
        raise InvalidInput(f"the rule {rule!r} is not known here", code="unknown_rule", hint=f"use {RULE}.")
    for sha256, found in groupby(rows, key=itemgetter("sha256")):
        group = list(found)
        if len(group) > 1 and len({row_identity(row) for row in group}) != len(group):
            raise InvalidInput(f"image {sha256.hex()} has two rows of one contributor", code="unresolved_rows")
        if sha256 in withdrawn or any(row["cid"] in withdrawn for row in group):
            yield Decision(None, [sha256, "withdrawn", ""])
        elif sha256 in missing:
            yield Decision(None, [sha256, "no_bytes", ""])
        else:
            index, reason, detail = decide(group, classes)
            if index is None:
                yield Decision(None, [sha256, reason, detail])
            else:
                yield Decision(_item(group, classes, index), None)


def decide(group: Sequence[Row], classes: Classes) -> tuple[int | None, str, str]:
    """One image's class index or ``BACKGROUND``, or None with the reason and its detail."""
    meant = [classes.index_of(row["label"]) for row in group]
    votes = Counter(index for index in meant if index is not None)
    if not votes:
        return None, "unknown_label", ", ".join(sorted({row["label"] for row in group}))
    most = max(votes.values())
    winners = [index for index, count in votes.items() if count == most]
    if len(winners) > 1:
        detail = ", ".join(f"{classes.name_of(index) or NOTHING} {votes[index]}" for index in sorted(votes))
        return None, "disagreement", detail
    return winners[0], "", ""


def _item(group: Sequence[Row], classes: Classes, index: int) -> list[Any]:
    """``group``: an image's rows by rising (issuer, contributor)."""
    first = group[0]
    said = [] if index == BACKGROUND else group  # where nothing is, no box is
    boxes = [row["boxes"] for row in said if row["boxes"] and classes.index_of(row["label"]) == index]
    item = {
        "sha256": first["sha256"],
        "image": CID.decode(first["cid"]),
        "size": first["size"],
        "label": classes.name_of(index),
        "contributors": sorted({row["contributor"] for row in group}),
        "subject": _smallest(row["subject"] for row in group),
        "attributes": _attributes(group),
        "licence": _smallest(row["licence"] for row in group),
        "boxes": [list(box) for box in boxes[0]] if boxes else [],
    }
    item["sources"] = _sources(group, item["attributes"])
    item["rights"] = _all_given(row["rights"] for row in group)
    return [item[column] for column in records.SNAPSHOT_ITEMS.columns]


def _smallest(values: Iterable[str | None]) -> str | None:
    return min((value for value in values if value is not None), default=None)


def _sources(group: Sequence[Row], attributes: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for row in group:
        for name, source in row["sources"].items():
            if name in attributes and row["attributes"].get(name) == attributes[name]:
                found.setdefault(name, set()).add(source)
    return {name: min(given) for name, given in found.items()}


def _all_given(maps: Iterable[Mapping[str, str]]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for one in maps:
        for name, value in one.items():
            found.setdefault(name, set()).add(value)
    return {name: sorted(values) for name, values in found.items()}


def _attributes(group: Sequence[Row]) -> dict[str, str]:
    names = sorted({name for row in group for name in row["attributes"]})
    return {name: min(row["attributes"][name] for row in group if name in row["attributes"]) for name in names}
