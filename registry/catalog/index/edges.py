"""The edges of the catalog: from a record to every thing that it names, with a word for the relation.

Invariant: every field of every record that holds a CID or names something by bytes gives an edge
(``tests/catalog/test_edges.py`` compares with the records' types), so ``lookup`` finds all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from registry.catalog.database.sql import target_text
from registry.core import records
from registry.core.ipld.cid import CID


class Edge(NamedTuple):
    """``record`` is the target if it is a record that goes along, and so is indexed too."""

    relation: str
    target: str
    record: CID | None


RECORD, CONTENT, NAMED = "record", "content", "named"
FIELDS: Mapping[type[records.Record], Mapping[str, tuple[str, str]]] = {
    records.Contribution: {"rows": ("rows", CONTENT)},
    records.Recipe: {},
    records.Environment: {},
    records.Snapshot: {
        "items": ("items", CONTENT),
        "contributions": ("from", RECORD),
        "excluded": ("excluded", CONTENT),
        "query": ("chosen images", CONTENT),
        "supersedes": ("supersedes", NAMED),
    },
    records.Preprocessing: {
        "snapshot": ("of", RECORD),
        "recipe": ("recipe", RECORD),
        "output": ("output", CONTENT),
    },
    records.Plan: {
        "preprocessing": ("of", RECORD),
        "recipe": ("recipe", RECORD),
        "environment": ("environment", RECORD),
        "base": ("base", CONTENT),
        "base_trainings": ("base training", NAMED),
        "seen": ("seen", CONTENT),
    },
    records.Draw: {"plan": ("of", RECORD), "folds": ("folds", CONTENT)},
    records.Training: {
        "draw": ("of", RECORD),
        "weights": ("weights", CONTENT),
        "history": ("history", CONTENT),
        "checkpoints": ("checkpoint", CONTENT),
    },
    records.Evaluation: {
        "draw": ("of", RECORD),
        "predictions": ("predictions", CONTENT),
        "trainings": ("training", RECORD),
        "curves": ("curves", CONTENT),
    },
    records.Release: {
        "draw": ("uses", RECORD),
        "plan_entry": ("plan entry", RECORD),
        "trainings": ("training", RECORD),
        "evaluation": ("evaluation", RECORD),
        "weights": ("weights", CONTENT),
        "card": ("card", CONTENT),
        "supersedes": ("supersedes", NAMED),
    },
    records.Withdrawal: {"target": ("withdraws", NAMED), "replacement": ("replacement", NAMED)},
    records.Audit: {"target": ("audits", NAMED)},
    records.Name: {"target": ("names", NAMED)},
    records.Profile: {},
    records.Issuer: {},
    records.Keys: {},
    records.Entry: {
        "prev": ("follows", NAMED),
        "log": ("in log of", NAMED),
        "record": ("says", RECORD),
        "authority": ("by the keys of", NAMED),
    },
    records.Evidence: {"entry": ("anchors", NAMED)},
}


def _values(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for item in value:
            yield from _values(item)
    elif isinstance(value, records.Weights | records.Checkpoint):
        yield value.cid
    elif isinstance(value, dict):  # a query: of its parts only one can be a link
        yield from (one for one in value.values() if isinstance(one, CID))
    elif value is not None:
        yield value


def edges(record: records.Record) -> list[Edge]:
    """All edges of a record but those that its tables hold. ``InvalidInput`` if a name is no CID and no sha256."""
    found: list[Edge] = []
    for name, (relation, kind) in FIELDS[type(record)].items():
        for value in _values(getattr(record, name)):
            if isinstance(value, CID):
                found.append(Edge(relation, str(value), value if kind == RECORD else None))
            else:
                found.append(Edge(relation, target_text(value), None))
    tensors = {record.tensors} if isinstance(record, records.Training) else set()
    if isinstance(record, records.Release):
        tensors = {weights.tensors for weights in record.weights}
    return found + [Edge("tensors", digest, None) for digest in sorted(tensors)]
