"""Logs as trees: proofs that an entry is in one, cosignatures, and documents of two histories."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from registry.core import log as entry_log
from registry.core import records
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.log import Signer
from registry.core.tlog import checkpoint, ed25519, equivocation, issuer_log, merkle
from registry.core.tlog.note import COSIGNATURE, Note, VerifierKey, read_key, read_note
from registry.core.tlog.proof import read_proof
from tests.support.anchors.handed_over import Book
from tests.support.anchors.signer import MemorySigner
from tests.support.tree_logs import TreeLog, entries
from tests.vectors.families.vector import Family, Vector, good

Value = dict[str, Any]
WITNESS = bytes(range(32))
NAME = "witness.example"
AT = 1_800_000_000


def inclusion(given: Value) -> Value:
    """Of an entry in its issuer's tree."""
    index = read_proof(given["proof"]).index
    signed = issuer_log.included(given["proof"], given["entry"], index)
    head = signed.checkpoint
    return {"index": index, "issuer": signed.issuer, "root": head.root, "size": head.size}


def cosigned(given: Value) -> list[Any]:
    """Which of the witnesses cosigned a checkpoint, and when."""
    keys = [read_key(one) for one in given["witnesses"]]
    return [list(one) for one in checkpoint.cosigners(read_note(given["note"]), keys).items()]


def two_histories(given: Value) -> Value:
    """What a document shows."""
    found = equivocation.check(given)
    return {"issuer": found.issuer, "kind": found.kind}


def _inclusions() -> list[Vector]:
    log = TreeLog(7)
    proof = log.proof(5)
    given: Value = {"proof": bytes(proof), "entry": log.cids[5]}
    made = [
        good(inclusion, f"entry {at} of 7", {"proof": bytes(log.proof(at)), "entry": log.cids[at]}) for at in (0, 5, 6)
    ]
    text = bytes(proof).decode()
    head, _, note = text.partition("\n\n")
    lines = head.split("\n")
    noteless = note.split("\n")
    wrong = (
        ("of another entry", {**given, "entry": log.cids[4]}, "bad_proof"),
        ("at another place", _changed(given, text.replace("index 5", "index 4")), "bad_proof"),
        ("behind the end", _changed(given, text.replace("index 5", "index 7")), "bad_proof"),
        ("a hash too few", _changed(given, "\n".join(lines[:-1]) + "\n\n" + note), "bad_proof"),
        ("a hash too many", _changed(given, "\n".join([*lines, lines[-1]]) + "\n\n" + note), "bad_proof"),
        ("another size", _changed(given, text.replace("\n7\n", "\n8\n")), "bad_signature"),
        ("the issuer's own signature missing", _changed(given, _without(text, noteless[-2])), "bad_signature"),
        ("the tree's signature missing", _changed(given, _without(text, noteless[-3])), "bad_signature"),
        ("no note", _changed(given, head), "bad_proof"),
        ("another header", _changed(given, text.replace("@v1", "@v2")), "bad_proof"),
        ("a number with a zero before it", _changed(given, text.replace("index 5", "index 05")), "bad_checkpoint"),
        ("a carriage return", _changed(given, text.replace("\n7\n", "\r\n7\n")), "bad_note"),
    )
    return made + [
        Vector(name, one, None, code, "the entry is not shown to be in that tree") for name, one, code in wrong
    ]


def _changed(given: Value, text: str) -> Value:
    return {**given, "proof": text.encode()}


def _without(text: str, line: str) -> str:
    return text.replace(line + "\n", "")


def _cosignatures() -> list[Vector]:
    signed = TreeLog(3).signed().note
    key = VerifierKey(NAME, COSIGNATURE, ed25519.public_key(WITNESS))
    line = checkpoint.cosign(signed.text, NAME, WITNESS, AT)
    note = signed.with_signatures([line])
    given: Value = {"note": str(note).encode(), "witnesses": [str(key)]}
    other = VerifierKey("other.example", COSIGNATURE, ed25519.public_key(bytes(32)))
    early = Note(signed.text, (*signed.signatures, type(line)(NAME, key.id, bytes(7) + b"\x01" + line.signature[8:])))
    flipped = line.signature[:-1] + bytes([line.signature[-1] ^ 1])
    wrong = (
        ("another time", {**given, "note": str(early).encode()}, "bad_signature"),
        ("a flipped bit", {**given, "note": str(_with(signed, line, key, flipped)).encode()}, "bad_signature"),
        ("a signature above the order", {**given, "note": _above(signed, line, key)}, "bad_signature"),
        ("a key of small order", {**given, "witnesses": [_small(NAME)]}, "bad_key"),
        ("a key with another id", {**given, "witnesses": [str(key).replace("+", "+0", 1)[:-1]]}, "bad_key"),
        ("a note key in its place", {**given, "witnesses": [NAME]}, "bad_key"),
    )
    return [
        good(cosigned, "one witness", given),
        good(cosigned, "a witness who did not cosign", {**given, "witnesses": [str(other), str(key)]}),
        good(cosigned, "nobody is asked", {**given, "witnesses": []}),
        *(Vector(name, one, None, code, "the cosignature, or the key, does not hold") for name, one, code in wrong),
    ]


def _with(note: Note, line: Any, key: VerifierKey, signature: bytes) -> Note:
    return Note(note.text, (*note.signatures, type(line)(NAME, key.id, signature)))


def _above(note: Note, line: Any, key: VerifierKey) -> bytes:
    """The same signature with S + L, which the equation would take too."""
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(line.signature[-32:], "little") + order
    return str(_with(note, line, key, line.signature[:-32] + s.to_bytes(32, "little"))).encode()


def _small(name: str) -> str:
    return str(VerifierKey(name, COSIGNATURE, (1).to_bytes(32, "little")))


def _log(signer: Signer, count: int, story: str) -> list[bytes]:
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


def _forks() -> Iterator[Vector]:
    signer = MemorySigner(7)
    one, two = _log(signer, 3, "one"), _log(signer, 3, "two")
    yield good(two_histories, "two entries with one number", equivocation.of_entries(one[1], two[1]))
    log, forked = TreeLog(6), TreeLog(0)
    older = log.signed()
    forked.cids = [*entries(6, "other"), *entries(3, "new")]
    document = equivocation.of_checkpoints(older, forked.signed(), forked.leaves)
    yield good(two_histories, "two trees, one of which does not go on from the other", document)
    forked.cids = entries(6, "other")
    yield good(two_histories, "two trees of one size", equivocation.of_checkpoints(older, forked.signed()))
    for name, halves in (
        ("one entry twice", (one[1], one[1])),
        ("two entries that follow each other", (one[1], one[2])),
        ("entries of two issuers", (one[1], _log(MemorySigner(8), 3, "one")[1])),
    ):
        yield _nothing(name, _entries(signer, *halves), "no_equivocation")
    flipped = bytearray(two[1])
    flipped[-1] ^= 1
    yield _nothing("a half that nobody signed", _entries(signer, one[1], bytes(flipped)), "bad_signature")
    log.cids += entries(3, "new")
    goes_on = {**document, "halves": [str(older.note), str(log.signed().note)]}
    proof = [base64.b64encode(hash_).decode() for hash_ in merkle.consistency(log.leaves, 6)]
    fitting = {**goes_on, "proof": proof, "prefix": base64.b64encode(older.checkpoint.root).decode()}
    yield _nothing("a tree that goes on from the other", fitting, "no_equivocation")
    yield _nothing("a proof of another tree", goes_on, "bad_proof")
    first, second = document["halves"]
    yield _nothing("the newer one first", {**document, "halves": [second, first]}, "no_equivocation")
    yield _nothing("one half", {**document, "halves": [first]}, "bad_equivocation")
    yield _nothing("another size", {**document, "halves": [first.replace("\n6\n", "\n5\n"), second]}, "bad_signature")
    yield _nothing("another issuer named", {**document, "issuer": MemorySigner(8).did}, "bad_equivocation")
    yield _nothing("another kind", {**document, "kind": "rows"}, "bad_equivocation")
    yield _nothing("another version", {**document, "v": 2}, "bad_equivocation")
    yield _nothing("a prefix that is none", {**document, "prefix": "AA=="}, "bad_checkpoint")


def _handed_over() -> Iterator[Vector]:
    """By the checkpoints of a key that took the log over, with the handover beside."""
    first, second = MemorySigner(7), MemorySigner(9)
    book = Book(first)
    book.change(first, second)
    beside = [book.blocks[book.cids[1]], book.blocks[book.entry(book.cids[1]).record]]
    signed = []
    for story in ("one", "two"):
        leaves = issuer_log.leaves([*book.cids, *entries(2, story)])
        signed.append(issuer_log.sign(second, bytes([9]) * 32, book.issuer, 4, merkle.root(leaves)))
    document = equivocation.of_checkpoints(signed[0], signed[1], handovers=beside)
    yield good(two_histories, "two trees of a log that was handed over", document)
    yield _nothing("its handover is not beside it", {**document, "beside": []}, "bad_signature")
    half = [base64.b64encode(beside[0]).decode()]
    yield _nothing("what its handover says is not beside it", {**document, "beside": half}, "bad_signature")


def _entries(signer: MemorySigner, first: bytes, second: bytes) -> Value:
    halves = [base64.b64encode(one).decode() for one in (first, second)]
    return {"type": equivocation.TYPE, "v": 1, "kind": "entries", "issuer": signer.did, "halves": halves}


def _nothing(name: str, document: Value, code: str) -> Vector:
    return Vector(name, document, None, code, "it accuses nobody")


FAMILIES = (
    Family("inclusions", "A proof that an entry is in its issuer's tree.", inclusion, _inclusions),
    Family("cosignatures", "A checkpoint and keys of witnesses: who cosigned it, and when.", cosigned, _cosignatures),
    Family(
        "forks", "A document of two histories: whose they are.", two_histories, lambda: [*_forks(), *_handed_over()]
    ),
)
