"""Logs whose keys change: handovers, revocations, recovery keys, and what thieves try."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from registry.core import records
from tests.support.anchors.handed_over import Book, did, keys
from tests.support.anchors.signer import MemorySigner
from tests.vectors.families.entries import walk
from tests.vectors.families.vector import Family, Vector, good

ANA, NEW, LAST, COLD, THIEF = (MemorySigner(number) for number in range(21, 26))
SAID = records.Profile(name="Ana", url=None, contact=None)
Story = Callable[[Book], object]


def _given(book: Book) -> dict[str, Any]:
    return {"blocks": list(book.blocks.values()), "newest": book.cids[-1], "until": book.cids[0]}


def _told(story: Story) -> dict[str, Any]:
    book = Book(ANA)
    story(book)
    return _given(book)


def _by(*steps: Story) -> Story:
    def story(book: Book) -> None:
        for step in steps:
            step(book)

    return story


def _say(key: MemorySigner) -> Story:
    return lambda book: book.say(key, SAID)


def _to(signer: MemorySigner, new: MemorySigner | None, **said: Any) -> Story:
    return lambda book: book.change(signer, new, **said)


def _with_proof(make: Callable[[Book], bytes | None], signer: MemorySigner = ANA) -> Story:
    """A handover to NEW with another proof."""

    def step(book: Book) -> None:
        said = msgspec.structs.replace(keys(book, NEW), proof=make(book))
        book.authority = book.say(signer, said)

    return step


def _of_another_log(book: Book) -> bytes | None:
    other = Book(ANA)
    other.say(ANA, records.Profile(name="Other", url=None, contact=None))
    return keys(other, NEW).proof


def _ignored(book: Book) -> None:
    book.authority = None
    book.say(ANA, SAID)


def _backwards(book: Book) -> None:
    first = book.change(ANA, NEW)
    book.change(NEW, LAST)
    book.authority = first
    book.say(NEW, SAID)


def handovers() -> Sequence[Vector]:
    named = _to(ANA, ANA, recovery=did(COLD))
    honest = {
        "handed over": _by(_say(ANA), _to(ANA, NEW), _say(NEW)),
        "handed over twice": _by(_to(ANA, NEW), _say(NEW), _to(NEW, LAST), _say(LAST)),
        "an older key revoked later": _by(_say(ANA), _to(ANA, NEW), _to(NEW, NEW, revoked_from=1), _say(NEW)),
        "a recovery key named": _by(named, _say(ANA)),
        "taken back from a thief": _by(named, _to(ANA, THIEF), _say(THIEF), _to(COLD, NEW, revoked_from=2), _say(NEW)),
        "closed": _by(_say(ANA), _to(ANA, None)),
    }
    rotation, signature = "bad_rotation", "bad_signature"
    refused: dict[str, tuple[Story, str, str]] = {
        "the old key alone": (_by(_with_proof(lambda book: None), _say(NEW)), rotation, "the new key agrees"),
        "the new key alone": (_by(_to(NEW, NEW, revoked_from=1), _say(NEW)), rotation, "the key in force signs"),
        "another's proof": (
            _by(_with_proof(lambda book: keys(book, THIEF).proof), _say(NEW)),
            rotation,
            "the proof is the successor's",
        ),
        "a proof of another log": (_by(_say(ANA), _with_proof(_of_another_log), _say(NEW)), rotation, "of this log"),
        "the old key goes on": (_by(_to(ANA, NEW), _say(ANA)), signature, "the key in force signs"),
        "a handover passed over": (_by(_to(ANA, NEW), _ignored), signature, "each rests on the newest"),
        "an older handover": (_backwards, signature, "each rests on the newest"),
        "a replaced key hands over": (_by(_to(ANA, NEW), _to(ANA, THIEF)), signature, "the key in force signs"),
        "a replaced key comes back": (_by(_to(ANA, NEW), _to(NEW, ANA), _say(ANA)), rotation, "none comes back"),
        "revoked from 0": (_by(_to(ANA, NEW, revoked_from=0), _say(NEW)), rotation, "the opening stays"),
        "the recovery key says more": (_by(named, _say(COLD)), rotation, "it signs keys alone"),
    }
    return [
        *(good(walk, name, _told(story)) for name, story in honest.items()),
        *(Vector(name, _told(story), refused=code, why=why) for name, (story, code, why) in refused.items()),
    ]


FAMILIES = (
    Family(
        "handovers",
        "Entries of a log whose keys change, with their records; expected: the numbers on the way from `newest` "
        "back to `until`, both included.",
        walk,
        handovers,
    ),
)
