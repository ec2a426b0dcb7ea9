"""What a snapshot holds, decided from contributions' rows alone; an audit runs these functions again.

**Rows** are dicts with the columns of ``CONTRIBUTION_ROWS``, ``issuer``, who said the contribution, and for the rule
``newest-v1`` also ``place``, the contribution's in its issuer's log. Who says something about an image is an (issuer,
contributor): a name under one issuer is not that name under another, so nobody's later row takes the place of another
issuer's. Only the newest row of each (image's sha256, issuer, contributor) counts: ``resolve_rows``. A query chooses
among those (``registry.core.snapshots.query``); what is demanded of an image's rights (``use``) and the rule by which
its rows' labels become one (``rules``) decide whether it is an item. What the item says follows from the rows that the
rule lets vote, whatever order they came in:

* an image of which the winner says that it shows nothing (``BACKGROUND``) is an item without label and boxes: a
  training learns that there is nothing to find, and whatever is found in it is a false alarm;
* ``image`` and ``size`` are those of the row with the smallest (issuer, contributor);
* ``contributors`` are their different names, sorted; ``subject`` and ``licence`` the smallest text that is given;
* ``attributes`` are all that anyone gives, of different values for one name the smallest; ``sources`` the smallest
  that is given of exactly that value (inferred before perceived before self);
* ``boxes`` are those of the smallest (issuer, contributor) who gave the winner and gives any;
* ``rights`` are all different values that anyone gives of a signal, sorted: no reservation is lost to a milder word.
  Where the snapshot asked for rights at all (``use``), of all newest rows of the image, those too that the query left
  aside: a filter by label or contributor must not lose anybody's no.

Invariants: pure; the result does not depend on the order of rows; every image that comes in is either
an item or excluded, with the first reason of ``withdrawn``, ``no_bytes``, ``reserved``, ``licence``, ``no_consent``,
``not_trusted``, ``unknown_label``, ``disagreement``; items' labels are names of the given classes, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.core.snapshots import rules
from registry.core.snapshots.classes import BACKGROUND, Classes
from registry.core.snapshots.query import matcher
from registry.core.snapshots.use import all_given, check_use, unmet
from registry.core.table import tables

RULE = rules.MAJORITY  # where nothing else is asked for
ROW_IDENTITY = ("sha256", "issuer", "contributor")  # what is said about an image, and by whom: a row's identity
row_identity = itemgetter(*ROW_IDENTITY)  # whose row it is: a later one of the same replaces it
_in_order = itemgetter(*records.SNAPSHOT_ITEMS.columns)
Row = Mapping[str, Any]


class Decision(NamedTuple):
    """What became of one image: a row of SNAPSHOT_ITEMS, or one of EXCLUDED."""

    item: list[Any] | None
    excluded: list[Any] | None


def resolve_rows(rows: Iterable[Row]) -> list[Row]:
    """The newest row of each ``ROW_IDENTITY``, sorted by it; ``rows``: in the order of each issuer's log."""
    newest: dict[tuple[bytes, str, str], Row] = {row_identity(row): row for row in rows}
    return [newest[key] for key in sorted(newest)]


def split(
    newest: Iterable[Row], query: Mapping[str, Any], chosen: Container[bytes] | None = None
) -> tuple[list[Row], dict[bytes, list[Row]]]:
    """The newest rows that meet a query, and by sha256 the others of the same images. ``chosen``: what
    ``query.chosen_images`` says of it."""
    meets = matcher(query, chosen)
    wanted: list[Row] = []
    others: dict[bytes, list[Row]] = {}
    for row in newest:
        if meets(row):
            wanted.append(row)
        else:
            others.setdefault(row["sha256"], []).append(row)
    return wanted, others


def rows_of_contribution(
    contribution: records.Contribution, get: Callable[[CID], bytes], place: int = 0
) -> Iterator[dict[str, Any]]:
    """A contribution's rows as they are decided by: the table's columns, ``issuer`` and ``place``."""
    for row in tables.rows_as_dicts(contribution.rows, get):
        yield {**row, "issuer": contribution.issuer, "place": place}


def select(
    rows: Iterable[Row],
    classes: Classes,
    rule: str = RULE,
    withdrawn: Collection[bytes] = frozenset(),
    missing: Collection[bytes] = frozenset(),
    *,
    trusted: rules.Trusted = (),
    use: records.Use | None = None,
    aside: Mapping[bytes, Sequence[Row]] = MappingProxyType({}),
) -> tuple[list[list[Any]], list[list[Any]]]:
    """Rows of SNAPSHOT_ITEMS and of EXCLUDED, both sorted by sha256; ``rows`` in any order. Errors: ``decided``."""
    items: list[list[Any]] = []
    excluded: list[list[Any]] = []
    ordered = sorted(rows, key=row_identity)
    for item, left_out in decided(ordered, classes, rule, withdrawn, missing, trusted=trusted, use=use, aside=aside):
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
    *,
    trusted: rules.Trusted = (),
    use: records.Use | None = None,
    aside: Mapping[bytes, Sequence[Row]] = MappingProxyType({}),
) -> Iterator[Decision]:
    """Of each image its row of SNAPSHOT_ITEMS, or that of EXCLUDED, by rising sha256, as rows come.

    ``rows``: newest rows, by rising identity. ``withdrawn``: sha256s, or CID bytes, of images that were taken
    back; ``missing``: sha256s of images whose bytes are not held; ``aside``: by sha256, the newest rows that the query
    left aside, whose ``rights, licence, consent`` count where ``use`` is given. ``InvalidInput`` for an unknown rule,
    for demands that say nothing, or two rows of one (issuer, contributor) for one image (``resolve_rows`` first).
    """
    rules.check_rule(rule, trusted)
    check_use(use)
    known = frozenset(trusted)
    for sha256, found in groupby(rows, key=itemgetter("sha256")):
        group = list(found)
        if len(group) > 1 and len({row_identity(row) for row in group}) != len(group):
            raise InvalidInput(f"image {sha256.hex()} has two rows of one contributor", code="unresolved_rows")
        about = group if use is None else [*group, *aside.get(sha256, ())]
        left_out = _left_out(group, withdrawn, missing) or unmet(about, use)
        if left_out is None:
            index, *reason, voters = rules.judge(group, classes, rule, known)
            if index is None:
                yield Decision(None, [sha256, *reason])
            else:
                yield Decision(_item(about, voters, classes, index), None)
        else:
            yield Decision(None, [sha256, *left_out])


def _left_out(group: Sequence[Row], withdrawn: Collection[bytes], missing: Collection[bytes]) -> tuple[str, str] | None:
    """Why an image is left out whatever its rows say of it."""
    sha256 = group[0]["sha256"]
    if sha256 in withdrawn or any(row["cid"] in withdrawn for row in group):
        return "withdrawn", ""
    return ("no_bytes", "") if sha256 in missing else None


def _item(about: Sequence[Row], voters: Sequence[Row], classes: Classes, index: int) -> list[Any]:
    """``about``: the rows whose word on rights counts; ``voters``: those that the rule lets vote, by rising (issuer,
    contributor)."""
    first, *others = voters
    attributes = _attributes(voters) if others else first["attributes"]
    said = [] if index == BACKGROUND else voters  # where nothing is, no box is
    boxes = [row["boxes"] for row in said if row["boxes"] and classes.index_of(row["label"]) == index]
    item = {
        "sha256": first["sha256"],
        "image": CID.decode(first["cid"]),
        "size": first["size"],
        "label": classes.name_of(index),
        "contributors": sorted({row["contributor"] for row in voters}) if others else [first["contributor"]],
        "subject": _smallest(row["subject"] for row in voters) if others else first["subject"],
        "attributes": attributes,
        "licence": _smallest(row["licence"] for row in voters) if others else first["licence"],
        "boxes": [list(box) for box in boxes[0]] if boxes else [],
        "sources": _sources(voters, attributes),
        "rights": all_given(row["rights"] for row in about),
    }
    return list(_in_order(item))


def _smallest(values: Iterable[str | None]) -> str | None:
    return min((value for value in values if value is not None), default=None)


def _sources(group: Sequence[Row], attributes: Mapping[str, str]) -> dict[str, str]:
    if len(group) == 1:
        return {name: source for name, source in group[0]["sources"].items() if name in attributes}
    found: dict[str, set[str]] = {}
    for row in group:
        for name, source in row["sources"].items():
            if name in attributes and row["attributes"].get(name) == attributes[name]:
                found.setdefault(name, set()).add(source)
    return {name: min(given) for name, given in found.items()}


def _attributes(group: Sequence[Row]) -> dict[str, str]:
    names = sorted({name for row in group for name in row["attributes"]})
    return {name: min(row["attributes"][name] for row in group if name in row["attributes"]) for name in names}
