"""Which judged images the base weights have seen, from the records of the trainings that made them.

Invariants: pure: all reading is through ``get``, which verifies; weights are known by their tensors' digest alone, so
a copy under another CID has the same past. The lineage goes back over the base weights of base weights. What is not at
hand makes it not whole, it is never taken for nothing.

How a judged image was seen (SEEN's ``how``), the first that applies:

* ``image``: a training of the lineage was trained on these very bytes;
* ``person``: it was trained on another picture of the same subject (a pseudonym, so only within one home);
* ``near_duplicate``: it was trained on the same pixels, or on an image of this image's group, as this plan's
  preprocessing grouped them. Near-duplicates of images that are not in this snapshot are not looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.records import BaseSeen, Seen
from registry.core.run_view import draw_view
from registry.core.table import tables
from registry.provenance.recipe_numbers import recipe_count

IMAGE, PERSON, NEAR = "image", "person", "near_duplicate"
MAX_TRAININGS = 10_000
Find = Callable[[str], Iterable[CID]]  # the trainings, of those that are known, that gave these tensors


@dataclass(frozen=True)
class Lineage:
    """The known trainings that led to some weights; ``whole`` if it is known how the first of them began."""

    trainings: tuple[CID, ...]
    whole: bool


@dataclass(frozen=True)
class TrainedOn:
    """What the trainings of a lineage were trained on."""

    images: frozenset[bytes]
    subjects: frozenset[str]
    pixels: frozenset[bytes]


def lineage_of(get: Get, find: Find, tensors: str | None) -> Lineage:
    """The lineage of weights by their digest (None: they have none, so nothing is known)."""
    todo: list[str | None] = [tensors]
    done: set[str | None] = set()
    found: dict[CID, None] = {}
    whole = True
    while todo:
        digest = todo.pop()
        if digest in done:
            continue
        done.add(digest)
        here = [] if digest is None else sorted(set(find(digest)), key=bytes)
        readable = {cid: plan for cid in here if (plan := _plan_of(get, cid)) is not None}
        whole = whole and 0 < len(readable) == len(here) <= MAX_TRAININGS - len(found)
        found |= dict.fromkeys(list(readable)[: MAX_TRAININGS - len(found)])
        for plan in readable.values():
            if plan.base is not None:
                todo.append(plan.origin.tensors if plan.origin else None)
    return Lineage(tuple(found), whole)


def _plan_of(get: Get, training: CID) -> records.Plan | None:
    """The plan of a training whose records are all at hand; None otherwise."""
    try:
        trained_on(get, [training])
        record = records.parse_as(records.Training, get(training))
        return draw_view(get, record.draw).plan
    except EmotionetError:
        return None


def trained_on(get: Get, trainings: Iterable[CID]) -> TrainedOn:
    """All that some trainings were trained on. Errors as ``get``'s, and ``InvalidInput`` for records that are none."""
    images: set[bytes] = set()
    subjects: set[str] = set()
    pixels: set[bytes] = set()
    for cid in trainings:
        training = records.parse_as(records.Training, get(cid))
        view = draw_view(get, training.draw)
        own = _trained(get, view.draw, training.fold, recipe_count(view.recipe, "folds", "k"))
        images |= own
        items = tables.rows_as_dicts(view.snapshot.items, get)
        subjects |= {row["subject"] for row in items if row["sha256"] in own and row["subject"] is not None}
        prepared = tables.rows_as_dicts(view.preprocessing.output, get)
        pixels |= {row["pixels"] for row in prepared if row["sha256"] in own and row["pixels"] is not None}
    return TrainedOn(frozenset(images), frozenset(subjects), frozenset(pixels))


def _trained(get: Get, draw: records.Draw, fold: int | None, k: int) -> set[bytes]:
    """The images that a fold's training (None: the refit's) got to see."""
    repeat = 0 if fold is None or not k else fold // k
    rows = tables.rows_as_dicts(draw.folds, get)
    return {row["sha256"] for row in rows if row["repeat"] == repeat and row["fold"] != fold}


def judged_and_seen(
    trained: TrainedOn, prepared: Collection[Mapping[str, Any]], items: Iterable[Mapping[str, Any]]
) -> dict[bytes, str]:
    """How each judged image that was seen was, from the rows of PREPARED and of the snapshot's items."""
    subjects = {row["sha256"]: row["subject"] for row in items}
    groups = {row["group"] for row in prepared if row["sha256"] in trained.images or row["pixels"] in trained.pixels}
    found = {}
    for row in prepared:
        if row["reason"] is not None:
            continue
        if row["sha256"] in trained.images:
            found[row["sha256"]] = IMAGE
        elif subjects.get(row["sha256"]) in trained.subjects:
            found[row["sha256"]] = PERSON
        elif row["group"] in groups or row["pixels"] in trained.pixels:
            found[row["sha256"]] = NEAR
    return found


def count_seen(how: Mapping[bytes, str], items: Iterable[Mapping[str, Any]]) -> Seen:
    """How many of each kind; of persons those that have a subject in the snapshot's items."""
    values = list(how.values())
    persons = {row["subject"] for row in items if how.get(row["sha256"]) in (IMAGE, PERSON)} - {None}
    return Seen(images=values.count(IMAGE), persons=len(persons), near_duplicates=values.count(NEAR))


def seen_by_base(get: Get, draw: CID, judged: Collection[bytes]) -> BaseSeen | None:
    """What a fold's training says of its base weights: of the images that it judges. None: it has none."""
    view = draw_view(get, draw)
    origin, seen = view.plan.origin, view.plan.seen
    if origin is None:
        return None
    if seen is None:
        return BaseSeen(tensors=origin.tensors, seen=None)
    wanted = frozenset(judged)
    how = {row["sha256"]: row["how"] for row in tables.rows_as_dicts(seen, get) if row["sha256"] in wanted}
    return BaseSeen(tensors=origin.tensors, seen=count_seen(how, tables.rows_as_dicts(view.snapshot.items, get)))


def lineage_blocks(get: Get, plan: records.Plan) -> list[CID]:
    """The blocks that tell what ``plan``'s base weights were trained on, as far as they are at hand: what a file needs
    beside a release so that it can be checked offline. No image is among them."""
    found: dict[CID, None] = {}

    def read(cid: CID) -> bytes:
        data = get(cid)
        found[cid] = None
        return data

    for named in plan.base_trainings:
        _plan_of(read, CID.decode(named))
    return list(found)
