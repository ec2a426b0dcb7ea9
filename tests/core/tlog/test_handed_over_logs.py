"""Evidence against a log that was handed over: by its successor's checkpoints and proofs, with the handover beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from registry.core import records
from registry.core.errors import Untrusted
from registry.core.ipld.cid import CID
from registry.core.tlog import equivocation, issuer_log, merkle
from registry.core.tlog.issuer_log import Signed
from registry.core.tlog.proof import Proof
from registry.provenance.witnessing.state import Witness
from registry.workflows.log.witnesses import cosign_log
from tests.support.anchors.handed_over import Book, keys
from tests.support.anchors.signer import MemorySigner

FIRST, SECOND, STRANGER = (MemorySigner(number) for number in (61, 62, 63))


def profile(name: str) -> records.Profile:
    return records.Profile(name=name, url=None, contact=None)


def handed_over(story: str) -> Book:
    """A log whose second entry hands it over, and what its successor says then."""
    book = Book(FIRST)
    book.change(FIRST, SECOND)
    for number in range(3):
        book.say(SECOND, profile(f"{story} {number}"))
    return book


def signed(book: Book, key: MemorySigner, size: int) -> Signed:
    leaves = issuer_log.leaves(book.cids)[:size]
    return issuer_log.sign(key, bytes([9]) * 32, book.issuer, size, merkle.root(leaves))


def handovers(book: Book) -> list[bytes]:
    return [book.blocks[book.cids[1]], book.blocks[book.entry(book.cids[1]).record]]


def read(document: dict[str, Any]) -> str:
    return equivocation.read(equivocation.to_bytes(document)).issuer


def half(book: Book, at: int) -> tuple[bytes, CID]:
    leaves = issuer_log.leaves(book.cids)
    note = signed(book, SECOND, len(leaves)).note
    return bytes(Proof(at, tuple(merkle.inclusion(leaves, at)), note)), book.cids[at]


def test_a_log_that_forks_after_a_handover_is_shown_by_its_successors_checkpoints() -> None:
    one, other = handed_over("one"), handed_over("other")
    assert one.cids[:2] == other.cids[:2]
    same = equivocation.of_checkpoints(signed(one, SECOND, 5), signed(other, SECOND, 5), handovers=handovers(one))
    leaves = issuer_log.leaves(other.cids)
    grown = equivocation.of_checkpoints(signed(one, SECOND, 4), signed(other, SECOND, 5), leaves, handovers(one))
    mixed = equivocation.of_checkpoints(signed(one, FIRST, 4), signed(other, SECOND, 5), leaves, handovers(one))
    trees = equivocation.of_trees(half(one, 4), half(other, 4), handovers=handovers(one))
    for document in (same, grown, mixed, trees):
        assert read(document) == one.issuer
        with pytest.raises(Untrusted) as raised:
            read({**document, "beside": []})
        assert raised.value.code == "bad_signature"


def test_nobody_is_accused_by_a_key_that_its_log_was_never_handed_to() -> None:
    one = handed_over("one")
    strangers = Book(STRANGER)
    strangers.change(STRANGER, SECOND)
    for beside in (handovers(one), handovers(strangers), [*handovers(one), *handovers(strangers)]):
        halves = signed(one, STRANGER, 4), signed(handed_over("other"), STRANGER, 4)
        with pytest.raises(Untrusted) as raised:
            equivocation.of_checkpoints(*halves, handovers=beside)
        assert raised.value.code == "bad_signature"


def test_a_handover_that_its_successor_did_not_agree_to_makes_nobody_sign() -> None:
    forced = Book(FIRST)
    forced.authority = forced.say(FIRST, msgspec.structs.replace(keys(forced, SECOND), proof=bytes(97)))
    other = handed_over("other")
    for beside in (handovers(forced), handovers(other)[:1]):  # without proof, and without what the entry says
        with pytest.raises(Untrusted) as raised:
            equivocation.of_checkpoints(signed(forced, SECOND, 2), signed(other, SECOND, 2), handovers=beside)
        assert raised.value.code == "bad_signature"


def test_an_honest_log_is_not_accused_across_its_handover() -> None:
    one = handed_over("one")
    for size in range(1, 5):
        older, newer = signed(one, FIRST if size == 1 else SECOND, size), signed(one, SECOND, 5)
        with pytest.raises(Untrusted) as raised:
            equivocation.of_checkpoints(older, newer, issuer_log.leaves(one.cids), handovers(one))
        assert raised.value.code == "no_equivocation"


def test_a_fork_after_a_handover_is_refused_as_a_fork_and_its_evidence_holds(tmp_path: Path) -> None:
    """By the witness of a home that follows the log, and so knows of its handover."""
    one, other = handed_over("one"), handed_over("other")
    knows = Witness(tmp_path / "knows", lambda: 1_700_000_000, handovers=lambda _: handovers(one))
    knows.cosign(signed(one, SECOND, 3), 0, [])
    leaves = issuer_log.leaves(other.cids)
    with pytest.raises(Untrusted) as raised:
        cosign_log(knows, signed(other, SECOND, 5), leaves)
    assert raised.value.code == "log_fork"
    (kept,) = knows.refused(issuer_log.origin_of(one.issuer))
    assert read(kept) == one.issuer
    with pytest.raises(Untrusted) as raised:
        knows.cosign(signed(other, SECOND, 5), 3, merkle.consistency(leaves, 3))
    assert raised.value.code == "log_fork"
