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

import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.core.table import tables
from registry.core.text.cleaning import clean

RULE = "majority-v1"
BACKGROUND = -1  # instead of a class's index: the picture shows nothing of any class
NOTHING = "nothing"  # how a file of classes says that: ``fondo = nothing``
ROW_IDENTITY = ("sha256", "issuer", "contributor")  # what is said about an image, and by whom: a row's identity
row_identity = itemgetter(*ROW_IDENTITY)  # whose row it is: a later one of the same replaces it
Row = Mapping[str, Any]

CLASS_SETS: dict[str, str] = {
    "emociones": "triste, sad, 0\nsorprendido, surprised, 1\nfeliz, happy, 2\nenojado, angry, 3\n",
}


def normal(label: str) -> str:
    """A label as it is compared: NFC, trimmed, casefolded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", label).strip().casefold())


class Classes(NamedTuple):
    """Class names in their order, and what labels mean them: normal label -> index of the class, or ``BACKGROUND``."""

    names: tuple[str, ...]
    aliases: dict[str, int]

    def index_of(self, label: str) -> int | None:
        """The index of the class that a label as given means, ``BACKGROUND``, or None if it means neither."""
        return self.aliases.get(normal(label))

    def class_of(self, label: str | None) -> str | None:
        """The name of the class that a label as given means; None if it means none."""
        index = None if label is None else self.index_of(label)
        return None if index is None else self.name_of(index)

    def labels_of(self, wanted: str, given: Iterable[str]) -> list[str]:
        """Of ``given`` labels those that are ``wanted`` itself, or mean it where it is the name of a class."""
        index = self.index_of(wanted)
        is_class = index is not None and index != BACKGROUND and normal(self.names[index]) == normal(wanted)
        return [label for label in given if label == wanted or (is_class and self.index_of(label) == index)]

    def name_of(self, index: int) -> str | None:
        """A class's name; None of ``BACKGROUND``, as an item's label is."""
        return None if index == BACKGROUND else self.names[index]


def classes_of(names: Sequence[str], aliases: Mapping[str, int]) -> Classes:
    """Classes as a ``Snapshot`` record states them. ``InvalidInput`` ``bad_classes`` if they contradict themselves."""
    if not names or len(set(names)) != len(names):
        raise InvalidInput(
            "classes must be different names, at least one",
            code="bad_classes",
            hint="write a line a class; `label = nothing` names pictures without an object, beside the classes.",
        )
    if any(not BACKGROUND <= index < len(names) for index in aliases.values()):
        raise InvalidInput("every alias must mean one of the classes, or none (-1)", code="bad_classes")
    if any(aliases.get(normal(name)) != index for index, name in enumerate(names)):
        raise InvalidInput("every class must be an alias of itself", code="bad_classes")
    return Classes(tuple(names), dict(aliases))


def load_classes(name_or_text: str) -> Classes:
    """A set in ``CLASS_SETS`` by its name, or the text of a file: a line ``name[, alias...]`` a class, in order.

    A line ``label[, label...] = nothing`` is no class: pictures with these labels show nothing of any class. Empty
    lines and lines that begin with ``#`` are left out. ``InvalidInput`` ``bad_classes`` if a label would
    mean two classes, if there are none, or if it is one word that names no set.
    """
    text = CLASS_SETS.get(name_or_text, name_or_text)
    if "\n" not in text and "," not in text:
        known = ", ".join(sorted(CLASS_SETS))
        raise InvalidInput(
            f"{text[:200]!r} is no file and no set of classes",
            code="bad_classes",
            hint=f"name a file, or one of: {known}.",
        )
    names: list[str] = []
    aliases: dict[str, int] = {}
    for line in text.removeprefix("\ufeff").splitlines():
        if not line.strip() or line.strip().startswith("#"):
            continue
        labels, equals, meaning = line.rpartition("=")
        background = bool(equals) and normal(meaning) == NOTHING
        words = [_class_word(word) for word in (labels if background else line).split(",")]
        if not background:
            names.append(words[0])
        index = BACKGROUND if background else len(names) - 1
        for word in words:
            if aliases.setdefault(normal(word), index) != index:
                raise InvalidInput(
                    f"{word!r} in the classes means two of them",
                    code="bad_classes",
                    hint="write a line a class, its name first and then other labels that mean it, each label once.",
                )
    return classes_of(names, aliases)


def _class_word(word: str) -> str:
    try:
        return clean("label", word)
    except InvalidInput as error:
        raise InvalidInput(
            f"{word!r} in the classes is not a label: {error}", code="bad_classes", hint=error.hint
        ) from error


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
    """Rows of SNAPSHOT_ITEMS and of EXCLUDED, both sorted by sha256.

    ``rows``: newest rows, in any order. ``withdrawn``: sha256s, or CID bytes, of images that were taken
    back; ``missing``: sha256s of images whose bytes are not held. ``InvalidInput`` for an unknown rule, or
    two rows of one (issuer, contributor) for one image (``resolve_rows`` first).
    """
    if rule != RULE:
        raise InvalidInput(f"the rule {rule!r} is not known here", code="unknown_rule", hint=f"use {RULE}.")
    items: list[list[Any]] = []
    excluded: list[list[Any]] = []
    ordered = sorted(rows, key=row_identity)
    for sha256, found in groupby(ordered, key=itemgetter("sha256")):
        group = list(found)
        if len({row_identity(row) for row in group}) != len(group):
            raise InvalidInput(f"image {sha256.hex()} has two rows of one contributor", code="unresolved_rows")
        if sha256 in withdrawn or any(row["cid"] in withdrawn for row in group):
            excluded.append([sha256, "withdrawn", ""])
        elif sha256 in missing:
            excluded.append([sha256, "no_bytes", ""])
        else:
            index, reason, detail = decide(group, classes)
            if index is None:
                excluded.append([sha256, reason, detail])
            else:
                items.append(_item(group, classes, index))
    return items, excluded


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
