"""Level 5's check of rights: what rows say that a picture says of its use is what the picture says.

Invariants: what could not be read, by whoever made the row or here, accuses nobody. Only images of the snapshot are
asked: of those that were left out there are no bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from registry.core.errors import NotFound, Unavailable
from registry.core.ipld import encoding
from registry.core.labeling.labeled_row import PICTURE
from registry.core.records import Contribution, parse_as
from registry.core.snapshots.snapshot import resolve_rows, rows_of_contribution
from registry.core.snapshots.use import NO, UNREAD, meaning, says_no
from registry.core.text.cleaning import counted
from registry.provenance.checks.level5.again import deep_of
from registry.provenance.checks.results import Check, Failed, NotChecked, run
from registry.provenance.checks.target.deep import Deep
from registry.provenance.checks.target.subject import Subject

READER = "rights 1"  # another one where the reading of pictures changes
MANY = 64  # images between two notes of progress, and lost by a kill


def checks(subject: Subject) -> Iterator[Check]:
    """The one check."""
    yield run("5.rights", partial(rights, subject))


def rights(subject: Subject) -> str:
    """5.rights: each signal that a row gives as the picture's own; and no picture's no without a row that says it."""
    deep = deep_of(subject)
    listed: dict[Any, Any] = {row["sha256"]: row["image"] for row in subject.rows(subject.release.snapshot.items)}
    said = _said(subject, listed)
    missing, unread = 0, 0
    chosen = sorted(deep.chosen(listed))
    for start in range(0, len(chosen), MANY):
        some = chosen[start : start + MANY]
        found = _found(subject, deep, {key: listed[key] for key in some})
        missing += len(some) - len(found)
        unread += sum(_compare(key, one, said.get(key, [])) for key, one in found.items())
        deep.watch.progress("read rights", start + len(some), len(chosen))
    if missing == len(chosen):
        raise NotChecked("no image is at hand: they were left out of the file, or withdrawn")
    were = counted(missing, "image was", "images were")
    gone = f"; {were} withdrawn or left out, and not looked at" if missing else ""
    credentials = f"; of {counted(unread, 'image')} one side could not read the credentials" if unread else ""
    return f"{deep.told(len(chosen), len(listed), 'images')}{gone}{credentials}"


def _said(subject: Subject, listed: Mapping[bytes, Any]) -> dict[bytes, list[Mapping[str, str]]]:
    """What the newest rows of each image say of rights."""
    rows: list[Mapping[str, Any]] = []
    for place, cid in enumerate(subject.snapshot.contributions):
        contribution = parse_as(Contribution, subject.get(cid))
        rows += [row for row in rows_of_contribution(contribution, subject.get, place) if row["sha256"] in listed]
    found: dict[bytes, list[Mapping[str, str]]] = {}
    for row in resolve_rows(rows):
        found.setdefault(row["sha256"], []).append(row["rights"])
    return found


def _found(subject: Subject, deep: Deep, images: Mapping[bytes, Any]) -> dict[bytes, Mapping[str, str]]:
    """What these pictures say, as far as they are at hand."""
    found: dict[bytes, Mapping[str, str]] = {}
    new: dict[bytes, bytes] = {}
    for key, image in images.items():
        place = hashlib.sha256(encoding.encode([READER, key])).digest()
        known = deep.known.get(place)
        said = _read(subject, deep, key, image) if known is None else encoding.decode(known)
        if said is None:
            continue
        found[key] = said
        if known is None and UNREAD not in said.values():  # what could not be read may be read one day
            new[place] = encoding.encode(dict(said))
    deep.known.put(new)
    return found


def _read(subject: Subject, deep: Deep, key: bytes, image: Any) -> Mapping[str, str] | None:
    """What one picture says; None where it is not at hand."""
    try:
        data = subject.reading.whole(image)
    except (NotFound, Unavailable):
        return None
    if hashlib.sha256(data).digest() != key:
        raise Failed(f"the bytes of image {key.hex()} have another sha256")
    said = deep.rights(data)
    if said is None:
        raise NotChecked("nothing here can read what pictures say of their use")
    return said


def _compare(key: bytes, found: Mapping[str, str], said: list[Mapping[str, str]]) -> int:
    """1 where a comparison was not possible. ``Failed`` where a row and its picture contradict each other."""
    unread = 0
    for row in said:
        for signal, value in row.items():
            if not signal.startswith(PICTURE):
                continue
            here = found.get(signal)
            if UNREAD in (value, here):
                unread = int(value != here) or unread
            elif value != here:
                stated, read = f"{signal} {value[:80]!r}", "nothing of it" if here is None else repr(here[:80])
                raise Failed(f"a row of image {key.hex()} gives {stated}, but the picture says {read}")
    for signal, value in found.items():
        if meaning(signal, value) == NO and not any(map(says_no, said)):
            if any(row.get(signal) == UNREAD for row in said):
                unread = 1
                continue
            raise Failed(f"image {key.hex()} says {signal} {value[:80]!r}, and no row of it says no")
    return unread
