"""Whose a checkpoint is, what a proof shows, and evidence of two histories: made-up ones accuse nobody."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from registry.core import log as entry_log
from registry.core import records
from registry.core.errors import EmotionetError, InvalidInput, Untrusted
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.log import Signer
from registry.core.tlog import equivocation, issuer_log, note
from registry.core.tlog.issuer_log import included, read
from tests.support.anchors.signer import MemorySigner
from tests.support.tree_logs import TreeLog, entries


def test_a_checkpoint_says_itself_that_it_is_its_issuer_s() -> None:
    log = TreeLog(5)
    signed = read(str(log.signed().note).encode())
    assert (signed.issuer, signed.checkpoint.size) == (log.signer.did, 5)
    note.check_signed(signed.note, note.read_key(str(signed.key)))  # as any tlog tool does


def test_a_checkpoint_that_its_issuer_did_not_sign_is_refused() -> None:
    log, stranger = TreeLog(5), MemorySigner(8)
    honest = log.signed()
    text, ed25519_line, own = honest.note.text, *honest.note.signatures
    forged = issuer_log.sign(stranger, log.seed, log.signer.did, 5, honest.checkpoint.root)
    other_seed = issuer_log.sign(log.signer, bytes(32), log.signer.did, 5, honest.checkpoint.root)
    wrong = (
        forged.note,
        note.Note(text, (ed25519_line,)),
        note.Note(text, (own,)),
        note.Note(text.replace("\n5\n", "\n6\n"), (ed25519_line, own)),
        note.Note(text, (other_seed.note.signatures[0], own)),  # an Ed25519 key that the issuer's line does not name
        note.Note(text, (ed25519_line, note.Signature(own.name, own.id, own.signature[:-1]))),
        note.Note(text, (ed25519_line, note.Signature(own.name, own.id, own.signature[:33]))),
    )
    for one in wrong:
        with pytest.raises(Untrusted):
            read(str(one).encode())
    with pytest.raises(InvalidInput, match="not an Emotionet log"):
        read(str(note.Note(text.replace("emotionet/log/", "sum.example/"), (ed25519_line,))).encode())


def test_signatures_of_strangers_and_witnesses_change_nothing() -> None:
    honest = TreeLog(5).signed()
    stranger = note.Signature("someone.example", b"\x01\x02\x03\x04", bytes(70))
    assert read(str(honest.note.with_signatures([stranger])).encode()).checkpoint == honest.checkpoint


@pytest.mark.parametrize("size", [1, 2, 7, 64, 100])
def test_a_proof_is_of_one_entry_at_one_place(size: int) -> None:
    log = TreeLog(size)
    for at in {0, size // 2, size - 1}:
        proof = bytes(log.proof(at))
        assert included(proof, log.cids[at], at).checkpoint.size == size
        (stranger,) = entries(1, "other")
        with pytest.raises(Untrusted):
            included(proof, stranger, at)
        with pytest.raises(Untrusted):
            included(proof, log.cids[at], at + 1)


def _entries_of(signer: Signer, count: int, story: str) -> list[bytes]:
    """A log's entries, from the second on those of ``story``."""
    made: list[bytes] = []
    first: CID | None = None
    previous: CID | None = None
    for seq in range(count):
        record = cid_of((story if seq else "opening").encode(), DAG_CBOR)
        entry = entry_log.make_entry(signer, seq, previous, first, record, "2026-12-01T12:00:00Z")
        made.append(records.encode(entry))
        previous = cid_of(made[-1], DAG_CBOR)
        first = first or previous
    return made


def test_two_entries_with_one_number_are_shown_and_two_that_fit_are_not() -> None:
    signer = MemorySigner(7)
    one, two = _entries_of(signer, 3, "one"), _entries_of(signer, 3, "two")
    document = equivocation.of_entries(one[1], two[1])
    shown = equivocation.read(equivocation.to_bytes(document))
    assert shown.issuer == signer.did
    assert "two entries with the number 1" in shown.text
    for halves in ((one[1], one[1]), (one[1], one[2]), (one[1], _entries_of(MemorySigner(8), 3, "one")[1])):
        with pytest.raises(Untrusted):
            equivocation.of_entries(*halves)


def test_two_checkpoints_that_fit_accuse_nobody_and_no_changed_half_does() -> None:
    log = TreeLog(6)
    older = log.signed()
    log.cids += entries(3, "new")
    newer = log.signed()
    with pytest.raises(Untrusted, match="goes on"):
        equivocation.of_checkpoints(older, newer, log.leaves)
    with pytest.raises(Untrusted):
        equivocation.of_checkpoints(older, older)
    forked = TreeLog(0)
    forked.cids = [*entries(6, "other"), *entries(3, "new")]
    with pytest.raises(Untrusted):  # somebody else's tree
        equivocation.of_checkpoints(older, TreeLog(9, number=8).signed(), TreeLog(9, number=8).leaves)
    document = equivocation.of_checkpoints(older, forked.signed(), forked.leaves)
    assert equivocation.check(document).issuer == log.signer.did
    for changed in _changes(document):
        with pytest.raises(EmotionetError):
            equivocation.check(changed)


def _changes(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The document with one thing changed, each of which makes it worth nothing."""
    older, newer = document["halves"]
    bits: Callable[[str], str] = lambda text: base64.b64encode(bytes(32)).decode()  # noqa: E731
    return [
        {**document, "halves": [newer, older]},
        {**document, "halves": [older]},
        {**document, "halves": [older, older]},
        {**document, "halves": [older.replace("\n6\n", "\n5\n"), newer]},
        {**document, "prefix": bits(document["prefix"])},
        {**document, "proof": document["proof"][1:]},
        {**document, "proof": None},
        {**document, "issuer": MemorySigner(9).did},
        {**document, "kind": "entries"},
        {**document, "kind": "other"},
        {**document, "type": "other"},
        {**document, "v": 2},
    ]


@pytest.mark.parametrize("wrong", [b"", b"[]", b"{}", b"{" * 100_000, b"\xff", b"x" * (2 << 20)])
def test_files_that_are_no_evidence_are_refused(wrong: bytes) -> None:
    with pytest.raises(InvalidInput):
        equivocation.read(wrong)
    assert not equivocation.is_one(wrong)
    assert equivocation.is_one(json.dumps({"type": equivocation.TYPE}).encode())
