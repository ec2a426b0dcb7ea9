"""Preprocesses a release's images again, all or a sample, and goes on where a killed audit stopped.

What an image's own bytes decide (its pixels, boxes, and whether it is bad by itself) a sample shows as well as all do.
What needs all images at once (groups, and that a kept image is no copy of another) only all of them show. An image that
is said to be a copy is looked at with the one that it is said to copy.

Invariants: nothing is measured twice of one image by one program; what was measured before is found by a key over the
method, its version, the recipe, the software here and all of the item.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from registry.core.errors import NotFound, Unavailable
from registry.core.ipld import encoding
from registry.core.picture_bytes import picture_kind
from registry.core.ports.method import Item, Method, Prepared, Row
from registry.core.records import Environment, parse_as
from registry.core.text.cleaning import counted
from registry.provenance.checks.results import Failed, NotChecked
from registry.provenance.checks.target.deep import Deep
from registry.provenance.checks.target.subject import Subject

BATCH = 16  # images that are in memory together, and lost by a kill
TRIAL = 4  # images that are timed before the cost is said
MOST_NAMED = 4  # images that one is said to be a copy of
_SHA256 = re.compile("[0-9a-f]{64}")
LOSSLESS = ("PNG", "GIF", "TIFF", "BMP")
DECODES = ("pillow", "opencv", "numpy")  # software whose version can change the pixels of a lossy picture


@dataclass
class Again:
    """What preprocessing gives now. ``found``: by image; ``whole``: all at once; ``missing``: withdrawn or left out;
    ``open``: said to be copies of images that are missing; ``lossless``: images whose pixels no decoder may change;
    ``other``: the software that differs from the plan's."""

    stated: Mapping[bytes, Mapping[str, Any]]
    found: dict[bytes, Prepared] = field(default_factory=dict)
    whole: bool = False
    missing: set[bytes] = field(default_factory=set)
    open: set[bytes] = field(default_factory=set)
    lossless: set[bytes] = field(default_factory=set)
    other: str = ""


def deep_of(subject: Subject) -> Deep:
    """What this level was given. ``NotChecked`` where nothing can be made again."""
    if not subject.is_release:
        raise NotChecked("only a release has pixels")
    if subject.deep is None:
        raise NotChecked("this audit was given no room to work in")
    return subject.deep


def preprocess_again(subject: Subject) -> Again:
    """Measure what is looked at, and preprocess it. ``NotChecked`` without the method."""
    deep, method = deep_of(subject), subject.installed_method()
    if method is None:
        wanted = subject.release.plan.method
        raise NotChecked(f"the method {wanted.id[:60]!r} {wanted.version[:40]!r} is not installed here")
    try:
        return _Work(subject, deep, method).done()
    except ImportError as error:
        raise NotChecked(f"a package that the method needs is not installed here: {error}") from error


class _Work:
    """One preprocessing, made again."""

    def __init__(self, subject: Subject, deep: Deep, method: Method) -> None:
        self.subject, self.deep, self.method = subject, deep, method
        recipe = subject.release.recipe
        self.values = method.read_recipe(recipe.version, recipe.values)
        method.tools(self.values)  # Unavailable where one is not installed
        self.listed: dict[bytes, Any] = {row["sha256"]: row for row in _rows(subject, subject.release.snapshot.items)}
        self.items = {item.sha256: item for item in _items(subject, self.listed)}
        self.again = Again({row["sha256"]: row for row in _rows(subject, subject.release.preprocessing.output)})
        self.again.other, software = _software(subject, method)
        self.program = encoding.encode([method.id, method.version, dict(self.values), software])
        self.rows: dict[bytes, Row] = {}

    def done(self) -> Again:
        """All of it."""
        chosen = self.deep.chosen(self.items)
        beside = {key: self._named(key) for key in chosen}
        self._measure(sorted(chosen.union(*beside.values())))
        if not self.rows:
            raise NotChecked("no image is at hand: they were left out of the file, or withdrawn")
        again = self.again
        again.whole = len(self.rows) == len(self.items)
        if again.whole:
            wanted = list(self.items.values())
            rows = [self.rows[item.sha256] for item in wanted]
            again.found = {one.sha256: one for one in self.method.preprocess(wanted, rows, self.values)}
            return again
        for key in sorted(chosen & self.rows.keys()):
            there = [one for one in beside[key] if one in self.rows]
            if len(there) < len(beside[key]):
                again.open.add(key)
            again.found[key] = self._alone(key, there)
        return again

    def _alone(self, key: bytes, beside: Sequence[bytes]) -> Prepared:
        """An image preprocessed with those alone that it is said to be a copy of."""
        together = sorted([key, *beside])
        items, rows = [self.items[one] for one in together], [self.rows[one] for one in together]
        return next(one for one in self.method.preprocess(items, rows, self.values) if one.sha256 == key)

    def _named(self, key: bytes) -> list[bytes]:
        """The images that this one's row says it is a copy of."""
        measured = str(self.again.stated.get(key, {}).get("measured") or "")
        named = (bytes.fromhex(one) for one in _SHA256.findall(measured)[:MOST_NAMED])
        return sorted({one for one in named if one in self.items and one != key})

    def _measure(self, wanted: Sequence[bytes]) -> None:
        todo = [key for key in wanted if not self._recall(key)]
        done, began = 0, 0.0
        for number, batch in enumerate(_batches(todo)):
            self._measure_batch(batch)
            done += len(batch)
            if number == 0:  # loading the method's packages is over
                began = self.deep.clock()
            elif number == 1:
                self._say_cost(len(wanted), len(todo), (self.deep.clock() - began) / len(batch))
            self.deep.watch.progress("preprocess", done, len(todo))

    def _say_cost(self, looked: int, todo: int, seconds: float) -> None:
        left = max(1, round(seconds * todo))
        known = f", {looked - todo} of them known from an audit before" if todo < looked else ""
        images = f"{looked} of {counted(len(self.items), 'image')}"
        self.deep.watch.say(f"level 5 preprocesses {images} again{known}: about {left} s")

    def _measure_batch(self, batch: Sequence[bytes]) -> None:
        data = {key: found for key in batch if (found := self._read(key)) is not None}
        items = [self.items[key] for key in batch if key in data]
        kept: dict[bytes, bytes] = {}
        for row in self.method.measure(items, data.__getitem__, self.values, lambda what, done, total: None):
            key = bytes(row["sha256"])
            kept[self._key(key)] = encoding.encode({"row": dict(row), "kind": picture_kind(data[key])})
            self._take(key, dict(row), picture_kind(data[key]))
        self.deep.known.put(kept)

    def _read(self, key: bytes) -> bytes | None:
        """An image's bytes; None where they are not at hand."""
        try:
            data = self.subject.reading.whole(self.listed[key]["image"])
        except (NotFound, Unavailable):
            self.again.missing.add(key)
            return None
        if hashlib.sha256(data).digest() != key:
            raise Failed(f"the bytes of image {key.hex()} have another sha256")
        return data

    def _recall(self, key: bytes) -> bool:
        known = self.deep.known.get(self._key(key))
        if known is None:
            return False
        found = encoding.decode(known)
        self._take(key, found["row"], found["kind"])
        return True

    def _take(self, key: bytes, row: Row, kind: str | None) -> None:
        self.rows[key] = row
        if kind in LOSSLESS:
            self.again.lossless.add(key)

    def _key(self, key: bytes) -> bytes:
        item = self.items[key]
        said = [item.label, item.subject, [list(box) for box in item.boxes]]
        return hashlib.sha256(encoding.encode(["measured", self.program, key, said])).digest()


def _batches(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """A few first, by which the cost is judged."""
    ends = [0, 1, 1 + TRIAL, *range(1 + TRIAL + BATCH, len(keys) + BATCH, BATCH)]
    yield from (keys[start:end] for start, end in pairwise(ends) if keys[start:end])


def _rows(subject: Subject, table: Any) -> list[Any]:
    return list(subject.rows(table))


def _items(subject: Subject, listed: Mapping[bytes, Any]) -> Iterator[Item]:
    """The snapshot's items as the method takes them."""
    place: dict[str | None, int | None] = {name: at for at, name in enumerate(subject.release.snapshot.classes)}
    place[None] = None
    for key, row in listed.items():
        boxes = tuple((box[0], box[1], box[2], box[3]) for box in row["boxes"])
        yield Item(sha256=key, label=place[row["label"]], subject=row["subject"], boxes=boxes)


def _software(subject: Subject, method: Method) -> tuple[str, dict[str, str]]:
    """What decodes otherwise than the plan's environment says, in words, and what decodes here."""
    here = {name: one for name, one in method.environment().items() if name.startswith(DECODES)}
    stated = parse_as(Environment, subject.get(subject.release.plan.environment)).values
    differ = [(name, stated.get(name, "unknown"), one) for name, one in sorted(here.items()) if stated.get(name) != one]
    return "; ".join(f"{name} {other[:20]}, here {one}" for name, other, one in differ), here
