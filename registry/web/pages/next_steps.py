"""Where to go on after registering: the form of a snapshot, filled in for what was just registered.

Invariants: the form says it all in its address, so what is proposed is seen and can be changed; what can't be told
stays as the form has it by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from registry.catalog.queries.labeled_images.rows import contributors_query, labels_of_contribution
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.core.snapshots.classes import load_classes
from registry.core.snapshots.query import SPEAKERS
from registry.workflows.parts import Parts

USUAL = "emociones"  # the set of classes that the form begins with
MOST_LABELS = 40  # more are no classes, but texts


def snapshot_form(parts: Parts, done: Mapping[str, Any], *, then: str | None = None) -> str:
    """The address of the form for what an import registered; ``then``: what follows the snapshot."""
    fields = {"preview": "1", **({"then": then} if then else {})}
    if done.get("contribution") is None:
        return f"/snapshots/new?{urlencode(fields)}"
    with parts.catalog.read() as db:
        speakers = contributors_query(db, CID.parse(done["root"])).get(SPEAKERS, [])
        labels = labels_of_contribution(db, done["contribution"], MOST_LABELS + 1)
    if len(speakers) == 1:
        fields |= {"issuer": speakers[0][0], "contributor": speakers[0][1]}
    classes = _classes(labels)
    return f"/snapshots/new?{urlencode(fields | ({'classes': classes} if classes else {}))}"


def _classes(labels: list[str]) -> str | None:
    """A line for each label where the usual classes don't know them all; None where they do, or it would be no use."""
    usual = load_classes(USUAL)
    if not labels or len(labels) > MOST_LABELS or all(usual.index_of(label) is not None for label in labels):
        return None
    text = "".join(f"{label}\n" for label in labels)
    try:
        load_classes(text)
    except InvalidInput:  # a label with a comma, or one that means nothing
        return None
    return text
