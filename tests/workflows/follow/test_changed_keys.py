"""Following a log whose keys change: the successor goes on, and nobody else does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from registry.assembly import Home, open_home
from registry.catalog.queries.signed_records import entries
from registry.core import records
from registry.core.ipld.cid import CID, RAW
from registry.core.keys.signatures import signing_bytes
from registry.settings import read_settings
from registry.workflows.follow.keep_up import bring_up_to_date, follow
from registry.workflows.log.equivocations import equivocations
from registry.workflows.upkeep.maintenance import rebuild_catalog
from tests.support.anchors.handed_over import Book, did
from tests.support.anchors.signer import MemorySigner
from tests.support.liars import Teller, row, telling

FIRST, SECOND, THIRD, COLD = (MemorySigner(number) for number in (51, 52, 53, 54))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    opened = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path / "home")}))
    yield opened
    opened.close()


@pytest.fixture
def book() -> Book:
    return Book(FIRST)


def profile(name: str) -> records.Profile:
    return records.Profile(name=name, url=None, contact=None)


def rows_of(book: Book, name: bytes) -> records.Contribution:
    """A contribution of one image."""
    teller = Teller(FIRST, blocks=book.blocks)
    return teller.contribution(row(sha256(name).digest(), CID.v1(RAW, sha256(name).digest())))


def ask(home: Home, book: Book) -> dict[str, Any]:
    """Follow the log as it is now."""
    with telling(Teller(FIRST, blocks=book.blocks, entries=book.cids, head=book.cids[-1])) as address:
        follow(home, book.issuer, [address])
        return bring_up_to_date(home, book.issuer)


def known(home: Home) -> list[str]:
    """What kind of record each entry that has a place says, in order."""
    with home.catalog.read() as db:
        return list(db.scalars(sa.text("SELECT record_type FROM entries ORDER BY seq")))


def test_entries_after_a_rotation_count_by_the_successors_key(home: Home, book: Book) -> None:
    book.say(FIRST, rows_of(book, b"one"))
    assert ask(home, book)["state"] == "up to date"
    book.change(FIRST, SECOND)
    book.say(SECOND, rows_of(book, b"two"))
    book.change(SECOND, THIRD)
    book.say(THIRD, profile("third"))
    found = ask(home, book)
    assert (found["state"], found["entries"], found["refusals"]) == ("up to date", 6, [])
    assert known(home) == ["issuer", "contribution", "keys", "contribution", "keys", "profile"]
    with home.catalog.read() as db:
        assert set(db.scalars(sa.text("SELECT issuer FROM contribution_rows"))) == {book.issuer}


def test_a_rotated_log_is_taken_in_from_its_opening_and_again_by_a_rebuild(home: Home, book: Book) -> None:
    book.change(FIRST, SECOND, recovery=did(COLD))
    book.say(SECOND, rows_of(book, b"one"))
    book.change(COLD, THIRD, revoked_from=2)
    book.say(THIRD, rows_of(book, b"two"))
    assert ask(home, book)["state"] == "up to date"
    with home.catalog.read() as db:
        (revoked,) = entries.revoked_of(db, book.issuer)
    assert (revoked["seq"], revoked["by"]) == (2, str(book.cids[3]))
    before = known(home)
    assert rebuild_catalog(home)["problems"] == []
    assert known(home) == before == ["issuer", "keys", "contribution", "keys", "contribution"]
    with home.catalog.read() as db:
        assert [one["seq"] for one in entries.revoked_of(db, book.issuer)] == [2]
    assert ask(home, book)["refusals"] == []


def _goes_on_as_before(book: Book) -> None:
    book.authority = None
    book.say(FIRST, profile("thief"))


def _rests_on_the_change(book: Book) -> None:
    book.say(FIRST, profile("thief"))


def _hands_over_again(book: Book) -> None:
    book.change(FIRST, THIRD)


def _without_proof(book: Book) -> None:
    said = records.Keys(successor=did(THIRD), proof=None, revoked_from=None, recovery=None)
    book.authority = book.say(SECOND, said)
    book.say(THIRD, profile("thief"))


def _comes_back(book: Book) -> None:
    book.change(SECOND, FIRST)
    book.say(FIRST, profile("thief"))


def _recovery_says_more(book: Book) -> None:
    book.say(COLD, profile("thief"))


LIES = (_goes_on_as_before, _rests_on_the_change, _hands_over_again, _without_proof, _comes_back, _recovery_says_more)


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__.strip("_"))
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "later"])
def test_a_key_that_is_not_in_force_appends_nothing(
    lie: Callable[[Book], None], at_once: bool, home: Home, book: Book
) -> None:
    book.say(FIRST, profile("a"))
    book.change(FIRST, SECOND, recovery=did(COLD), revoked_from=1)
    book.say(SECOND, profile("b"))
    if not at_once:
        assert ask(home, book)["entries"] == 4
    lie(book)
    found = ask(home, book)
    assert found["entries"] == (0 if at_once else 4)
    assert {one["code"] for one in found["refusals"]} <= {"bad_signature", "bad_rotation"}, found["refusals"]
    assert found["state"] == "refused"
    assert len(known(home)) == found["entries"]


def test_a_thief_who_goes_on_beside_a_rotation_forks_the_log_and_leaves_evidence(home: Home, book: Book) -> None:
    book.say(FIRST, profile("a"))
    honest = list(book.cids)
    book.change(FIRST, SECOND)
    book.say(SECOND, profile("b"))
    head = ask(home, book)["head"]
    book.cids, book.authority = honest, None
    for name in ("x", "y", "z"):
        book.say(FIRST, profile(name))
    found = ask(home, book)
    assert (found["state"], found["head"]) == ("forked", head)
    assert known(home) == ["issuer", "profile", "keys", "profile"]
    (evidence,) = equivocations(home, book.issuer)
    assert evidence["kind"] == "entries"


def test_two_histories_after_a_rotation_are_shown_too(home: Home, book: Book) -> None:
    book.change(FIRST, SECOND)
    book.say(SECOND, profile("a"))
    head = ask(home, book)["head"]
    book.cids = book.cids[:2]
    book.say(SECOND, profile("x"))
    book.say(SECOND, profile("y"))
    found = ask(home, book)
    assert (found["state"], found["head"]) == ("forked", head)
    (evidence,) = equivocations(home, book.issuer)
    assert evidence["kind"] == "entries"


def test_a_change_of_keys_that_its_source_hides_leaves_all_behind_it_out(home: Home, book: Book) -> None:
    change = book.change(FIRST, SECOND)
    book.say(SECOND, profile("a"))
    said = book.entry(change).record
    hidden = book.blocks.pop(said)
    found = ask(home, book)
    assert (found["entries"], [one["code"] for one in found["refusals"]]) == (0, ["not_found"])
    book.blocks[said] = hidden
    assert ask(home, book)["state"] == "up to date"


def test_an_entry_that_names_another_logs_change_of_keys_is_refused(home: Home, book: Book) -> None:
    other = Book(FIRST)
    other.say(FIRST, profile("other"))
    change = other.change(FIRST, SECOND)
    book.blocks |= other.blocks
    draft = msgspec.structs.replace(book.draft(SECOND, profile("a")), v=2, authority=change)
    signed = msgspec.structs.replace(draft, signature=SECOND.sign(signing_bytes(draft)))
    book.cids.append(book.put(signed))
    found = ask(home, book)
    assert (found["entries"], [one["code"] for one in found["refusals"]]) == (0, ["bad_signature"])
