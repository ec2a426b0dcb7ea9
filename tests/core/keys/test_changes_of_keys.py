"""Which key may sign in which place of a log: handovers, revocations, recovery keys, and what thieves try."""

from __future__ import annotations

import msgspec
import pytest

from registry.core import log, records
from registry.core.errors import NotFound, Untrusted
from registry.core.ipld.cid import CID
from registry.core.keys.authority import MOST, change_of, changes_before, force_before, revoked_by, signer_at
from registry.core.records import Keys
from tests.support.anchors.handed_over import Book, did, keys
from tests.support.anchors.signer import MemorySigner

ANA, NEW, LAST, COLD, THIEF = (MemorySigner(number) for number in range(11, 16))
SAID = records.Profile(name="Ana", url=None, contact=None)


def read(book: Book, cid: CID | None = None) -> records.Entry:
    return log.read_entry(book.cids[-1] if cid is None else cid, book.get)


def refused(book: Book, code: str, cid: CID | None = None) -> str:
    with pytest.raises(Untrusted) as error:
        read(book, cid)
    assert error.value.code == code
    return str(error.value)


@pytest.fixture
def book() -> Book:
    made = Book(ANA)
    made.say(ANA, SAID)
    return made


def whole(book: Book) -> list[int]:
    return [entry.seq for _, entry in log.walk_back(book.cids[-1], None, book.get)]


def test_a_log_keeps_its_issuer_after_its_key_was_replaced(book: Book) -> None:
    book.change(ANA, NEW)
    book.say(NEW, SAID)
    assert (read(book).issuer, read(book).key) == (did(ANA), NEW.public_key)
    book.change(NEW, LAST)
    book.say(LAST, SAID)
    assert whole(book) == [5, 4, 3, 2, 1, 0]
    assert force_before(read(book), book.get).current == did(LAST)


def test_an_entry_before_any_change_of_keys_is_written_as_version_1(book: Book) -> None:
    assert read(book).v == 1
    book.change(ANA, NEW)
    assert (read(book).v, book.entry(book.say(NEW, SAID)).v) == (1, 2)


def test_the_old_key_alone_and_the_new_key_alone_hand_nothing_over(book: Book) -> None:
    said = keys(book, NEW)
    for proof in (None, b"", bytes(97), ANA.public_key + said.proof[33:], said.proof[:33] + bytes(64)):  # type: ignore[index]
        lonely = Book(ANA)
        lonely.say(ANA, SAID)
        lonely.authority = lonely.say(ANA, msgspec.structs.replace(said, proof=proof))
        lonely.say(NEW, SAID)
        refused(lonely, "bad_rotation")
    book.authority = book.say(NEW, said)
    refused(book, "bad_signature")
    book.say(NEW, SAID)
    refused(book, "bad_rotation")


def test_a_handover_of_another_log_or_place_is_no_handover_here(book: Book) -> None:
    other = Book(ANA)
    other.say(ANA, records.Profile(name="Other", url=None, contact=None))
    taken = keys(other, NEW)
    book.authority = book.say(ANA, taken)
    book.say(NEW, SAID)
    refused(book, "bad_rotation")
    later = Book(ANA)
    said = keys(later, NEW)
    later.say(ANA, SAID)
    later.authority = later.say(ANA, said)
    later.say(NEW, SAID)
    refused(later, "bad_rotation")


def test_an_entry_can_not_rest_on_the_keys_of_another_log(book: Book) -> None:
    other = Book(THIEF)
    other.change(THIEF, NEW)
    book.authority = other.cids[-1]
    book.blocks |= other.blocks
    book.say(NEW, SAID)
    refused(book, "bad_signature")


def test_the_old_key_signs_nothing_after_a_handover(book: Book) -> None:
    book.change(ANA, NEW)
    book.say(ANA, SAID)
    assert f"where that of {did(NEW)} is in force" in refused(book, "bad_signature")


def test_an_entry_that_passes_over_a_handover_is_found(book: Book) -> None:
    """A thief goes on from the handover with the old key, as if it had not been."""
    book.change(ANA, NEW)
    book.authority = None
    book.say(ANA, SAID)
    read(book)  # by itself it is signed by the issuer's first key
    with pytest.raises(Untrusted, match="passes over entry 2, which changed the keys"):
        whole(book)
    del book.blocks[book.entry(book.cids[2]).record]
    assert whole(book) == [3, 2, 1, 0]  # what entry 2 says is not at hand: only whoever has the log can tell


def test_an_entry_can_not_return_to_an_older_handover(book: Book) -> None:
    first = book.change(ANA, NEW)
    book.change(NEW, LAST)
    book.say(LAST, SAID)
    book.authority = first
    book.say(NEW, SAID)
    with pytest.raises(Untrusted, match="rests on other keys than entry 4"):
        whole(book)


def test_a_replaced_key_can_not_hand_the_log_over_and_does_not_come_back(book: Book) -> None:
    book.change(ANA, NEW)
    book.change(ANA, THIEF)
    refused(book, "bad_signature")
    back = Book(ANA)
    back.change(ANA, NEW)
    back.change(NEW, ANA)
    back.say(ANA, SAID)
    assert "was replaced" in refused(back, "bad_rotation")


def test_a_closed_log_is_signed_by_nobody(book: Book) -> None:
    book.change(ANA, None)
    for key in (ANA, NEW):
        book.say(key, SAID)
        assert "no key is in force" in refused(book, "bad_signature")


def test_what_an_entry_rests_on_must_be_at_hand(book: Book) -> None:
    handover = book.change(ANA, NEW)
    book.say(NEW, SAID)
    del book.blocks[handover]
    with pytest.raises(NotFound):
        read(book)


def test_from_a_revocation_on_only_the_successors_entries_count(book: Book) -> None:
    stolen = book.say(ANA, SAID)
    own = book.change(ANA, NEW)
    later = book.say(NEW, SAID)
    book.change(NEW, NEW, revoked_from=2)
    after = book.say(NEW, SAID)
    changes = changes_before(read(book), book.get)
    assert [one.seq for one in changes] == [3, 5]

    def counts(cid: CID) -> bool:
        entry = book.entry(cid)
        return revoked_by(changes, cid, entry.seq, did(ANA) if entry.key == ANA.public_key else did(NEW)) is None

    assert [counts(cid) for cid in book.cids[:2]] == [True, True]
    assert [counts(cid) for cid in (stolen, own, later, book.cids[5], after)] == [False, False, True, True, True]
    assert [signer_at(book.issuer, changes, seq) for seq in (0, 3, 4, 6)] == [did(ANA), did(ANA), did(NEW), did(NEW)]


@pytest.mark.parametrize("revoked_from", [-1, 0, 3])
def test_a_revocation_begins_after_the_first_entry_and_before_itself(book: Book, revoked_from: int) -> None:
    book.change(ANA, NEW, revoked_from=revoked_from)
    book.say(NEW, SAID)
    refused(book, "bad_rotation")


def test_a_change_changes_something(book: Book) -> None:
    book.change(ANA, ANA)
    book.say(ANA, SAID)
    assert "it changes nothing" in refused(book, "bad_rotation")


def test_a_recovery_key_takes_the_log_back_from_a_thief_who_was_first(book: Book) -> None:
    book.change(ANA, ANA, recovery=did(COLD))
    book.say(ANA, SAID)
    book.change(ANA, THIEF)  # the thief has the key
    theirs = book.say(THIEF, SAID)
    book.change(COLD, NEW, revoked_from=4)
    assert read(book, book.say(NEW, SAID)).issuer == did(ANA)
    assert whole(book) == list(range(7, -1, -1))
    changes = changes_before(read(book), book.get)
    by = revoked_by(changes, theirs, 5, did(THIEF))
    assert by is not None
    assert by.entry == book.cids[6]
    book.say(THIEF, SAID)
    refused(book, "bad_signature")


def test_a_thief_can_not_exchange_the_recovery_key() -> None:
    thief = Book(ANA)
    thief.change(ANA, ANA, recovery=did(COLD))
    thief.change(ANA, THIEF, recovery=did(LAST))
    thief.say(THIEF, SAID)
    assert "only the recovery key" in refused(thief, "bad_rotation")


def test_a_recovery_key_opens_a_closed_log_and_signs_nothing_else(book: Book) -> None:
    book.change(ANA, ANA, recovery=did(COLD))
    book.say(COLD, SAID)
    refused(book, "bad_rotation")
    book.cids.pop()
    book.change(ANA, None)
    book.change(COLD, NEW, recovery=did(LAST))
    assert read(book, book.say(NEW, SAID)).key == NEW.public_key
    book.change(COLD, THIEF)
    refused(book, "bad_signature")


def test_a_recovery_key_lies_apart_and_is_a_key(book: Book) -> None:
    for recovery in (did(ANA), "somebody"):
        made = Book(ANA)
        made.change(ANA, ANA, recovery=recovery)
        made.say(ANA, SAID)
        refused(made, "bad_rotation")


def test_two_handovers_from_one_entry_are_a_fork(book: Book) -> None:
    before = list(book.cids)
    one = book.change(ANA, NEW)
    book.cids, book.authority = before, None
    two = book.change(ANA, THIEF)
    log.read_entry(one, book.get)
    log.read_entry(two, book.get)
    with pytest.raises(Untrusted, match="the log forks"):
        list(log.walk_back(two, one, book.get))


def test_a_log_is_not_handed_over_without_end(book: Book) -> None:
    signer = ANA
    for number in range(MOST):
        signer, before = MemorySigner(1000 + number), signer
        book.change(before, signer)
    read(book, book.say(signer, SAID))
    book.change(signer, LAST)
    book.say(LAST, SAID)
    refused(book, "bad_signature")


def test_a_change_is_read_from_its_entry(book: Book) -> None:
    cid = book.change(ANA, NEW, revoked_from=1)
    entry = read(book, cid)
    change = change_of(cid, entry, records.parse_as(Keys, book.get(entry.record)))
    assert (change.signer, change.successor, change.revoked_from, change.seq) == (did(ANA), did(NEW), 1, 2)
