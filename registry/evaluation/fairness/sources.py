"""Where attributes come from: counted for each group, and what that does to claims on groups.

Invariants: a claim on groups by an attribute that a program inferred of any judged image is never ``supported``, with
or without seen images: an error of that program moves people between the groups, and no interval counts it. It is
``undecided``, with the reason ``inferred_attribute``; that it is refuted stays. What says nothing of its source is told
as that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec import structs

from registry.core.labeling.labeled_row import SOURCES
from registry.core.records import Note, Verdict
from registry.core.text import figure_names
from registry.core.text.figure_names import group_name, word
from registry.evaluation.base_seen import ON_SEEN
from registry.evaluation.fairness.groups import Attributes, Grouping
from registry.evaluation.input.columns import Columns

INFERRED = "inferred"
REASON = "inferred_attribute"
UNSTATED = "unstated"


def sources_note(grouping: Grouping, columns: Columns, sources: Attributes) -> Iterator[Note]:
    """How many images of each group have its attribute from where; nothing where no source is given at all."""
    (name,) = grouping.of
    counts = [dict.fromkeys((*SOURCES, UNSTATED), 0) for _ in grouping.values]
    for key, code in {key: int(code) for key, code in zip(columns.keys, grouping.code, strict=True)}.items():
        if code >= 0:
            found = sources.get(key, {}).get(name)
            counts[code][found if found in SOURCES else UNSTATED] += 1
    if any(one[source] for one in counts for source in SOURCES):
        groups = tuple(group_name(dict(value)) for value in grouping.values)
        each = {source: tuple(one[source] for one in counts) for source in (*SOURCES, UNSTATED)}
        yield Note(code="sources", values={"attribute": word(name), "groups": groups, **each})


def inferred(keys: Iterable[bytes], attributes: Attributes, sources: Attributes, names: Sequence[str]) -> set[str]:
    """The attributes among ``names`` that a program inferred of any of these images."""
    found: set[str] = set()
    for key in set(keys):
        of = sources.get(key, {})
        found |= {name for name in names if of.get(name) == INFERRED and name in attributes.get(key, {})}
    return found


def doubt(verdicts: Iterable[Verdict], inferred: Collection[str]) -> tuple[Verdict, ...]:
    """The verdicts, those on groups by an inferred attribute undecided where they would be supported."""
    return tuple(
        structs.replace(one, verdict="undecided", reason=REASON)
        if one.verdict in ("supported", ON_SEEN) and not attributes_of(one).isdisjoint(inferred)
        else one
        for one in verdicts
    )


def attributes_of(claim: Verdict) -> set[str]:
    """The attributes by whose groups a claim's figure is."""
    parts = figure_names.parse(claim.metric)
    compared = parts.of if parts.of != (figure_names.CLASSES,) else ()
    return {*compared, *(name for name, _ in parts.group)}


def sources_by_group(notes: Iterable[Note]) -> dict[str, dict[str, int]]:
    """Of an evaluation's notes, images of each group by source, those of none left out. What a stranger wrote otherwise
    says nothing."""
    names = (*SOURCES, UNSTATED)
    found: dict[str, dict[str, int]] = {}
    for note in notes:
        lists = [note.values.get(name) for name in ("groups", *names)] if note.code == "sources" else []
        columns = [one for one in lists if isinstance(one, tuple)]
        if len(columns) == len(lists) and len(set(map(len, columns))) == 1:
            for group, *counts in zip(*columns, strict=True):
                given = zip(names, counts, strict=True)
                found[str(group)] = {name: n for name, n in given if isinstance(n, int) and n > 0}
    return found
