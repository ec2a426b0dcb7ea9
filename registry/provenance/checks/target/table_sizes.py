"""Tables that state more rows than what they are about can have: known from their headers, before a row is read.

Each image that cleaning kept is drawn once a repeat and judged once a repeat. So there are at most as many rows of
preprocessing as items, at most ``MAX_TRAININGS`` rows of folds to each of preprocessing, and at most as many
predictions as rows of folds. An honest release lies at or below each of these, whatever its size. A few rows too many
are read, and the checks of level 4 say which; what outnumbers a bound by more than ``ROOM`` is not. What a header
states is what its nodes hold: reading them shows the opposite at the first node.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.table import tables
from registry.core.text.cleaning import counted
from registry.provenance.recipe_numbers import MAX_TRAININGS

ROOM = 10_000  # rows


def outnumbering(known: Mapping[CID, records.Record], get: Get) -> dict[CID, str]:
    """The tables of these records that state too many rows, and what to say of each."""
    found: dict[CID, str] = {}
    for record in known.values():
        for table, name, base, times, of in _bounds(record, known):
            many, most = _rows(table, get), _rows(base, get)
            if many is not None and most is not None and many > times * most + ROOM:
                found[table] = (
                    f"{counted(many, 'row')} of {name}, where {counted(most, f'row of {of}', f'rows of {of}')}"
                )
    return {table: f"{said} leave room for fewer: none was read" for table, said in found.items()}


def _bounds(record: records.Record, known: Mapping[CID, records.Record]) -> Iterator[tuple[CID, str, CID, int, str]]:
    """A table, its name, the table that it rests on, how many rows one of those has at most, and that one's name."""
    if isinstance(record, records.Evaluation) and isinstance(draw := known.get(record.draw), records.Draw):
        yield record.predictions, "predictions", draw.folds, 1, "folds"
    if isinstance(record, records.Draw) and isinstance(plan := known.get(record.plan), records.Plan):
        prepared = known.get(plan.preprocessing)
        if isinstance(prepared, records.Preprocessing):
            yield record.folds, "folds", prepared.output, MAX_TRAININGS, "preprocessing"
    if isinstance(record, records.Preprocessing):
        snapshot = known.get(record.snapshot)
        if isinstance(snapshot, records.Snapshot):
            yield record.output, "preprocessing", snapshot.items, 1, "items"


def _rows(table: CID, get: Get) -> int | None:
    """How many rows a table states; None where that can't be read, which other checks say."""
    try:
        return tables.read(table, get).count
    except EmotionetError:
        return None
