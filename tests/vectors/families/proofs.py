"""Proofs about one picture: what a file shows, and which files show nothing.

A vector gives the file's roots, its blocks, and by their CIDs those that are taken from ``release-1/release.car``. The
forger holds the issuer's key, as in ``releases``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld import car, encoding
from registry.core.ipld.cid import CID, DAG_CBOR, RAW, cid_of
from registry.core.table import tables
from registry.provenance.picture_proof import Use, make_proof, read_use, verify_proof
from tests.support.anchors.signer import MemorySigner
from tests.vectors.families.releases import (
    MINE,
    OTHER,
    Forgery,
    Parts,
    Value,
    base,
    entry_of,
    fields,
    forged_table,
)
from tests.vectors.families.vector import Family, Vector, good

STRANGER = bytes(range(32))


def answer(given: Value) -> Value:
    """What the file shows."""
    proof = verify_proof(file_of(given))
    return {"image": proof.image, "uses": [_plain(use) for use in proof.uses]}


def file_of(given: Value) -> bytes:
    """The CAR that a vector's input is."""
    stream = io.BytesIO()
    blocks = [*map(tuple, given["blocks"]), *((cid, base()[1][cid]) for cid in given["of"])]
    car.write(given["roots"], blocks, stream)
    return stream.getvalue()


def _plain(use: Use) -> Value:
    repeats = [{"judged": one.judged, "trained": list(one.trained)} for one in use.repeats]
    rest = {name: value for name, value in vars(use).items() if name != "issued_at"}
    return {**rest, "issuedAt": use.issued_at, "repeats": repeats}


def _given(data: bytes) -> Value:
    roots, sections = car.read_raw(io.BytesIO(data))
    honest, blocks = base()[1], list(sections)
    return {
        "roots": list(roots),
        "of": [cid for cid, _ in blocks if cid in honest],
        "blocks": [[cid, block] for cid, block in blocks if cid not in honest],
    }


def _statement(given: Value, **other: Any) -> Value:
    """The same file with another statement."""
    (_, old), *blocks = given["blocks"]
    data = encoding.encode({**encoding.decode(old), **other})
    root = cid_of(data, DAG_CBOR)
    return {**given, "roots": [root], "blocks": [[root, data], *blocks]}


def _of(image: bytes, *entries: tuple[CID, bytes]) -> Value:
    """A proof from the honest file's blocks and these entries of its records."""
    blocks = {**base()[1], **dict(entries)}
    return _given(make_proof(blocks.__getitem__, image, [cid for cid, _ in entries]))


class Made:
    """Proofs, honest and forged, about the first picture of the honest release."""

    def __init__(self) -> None:
        self.at = Parts()
        self.rows = self._rows(self.at.snapshot, "items")
        self.image = self.rows[0][0]
        self.honest = self.of_release(self.image, base()[0][0])

    def _rows(self, record: CID, field: str) -> list[list[Any]]:
        return [list(row) for row in tables.iterate(self.at.read(record)[field], base()[1].__getitem__)]

    def of_release(self, image: bytes, entry: CID, blocks: Mapping[CID, bytes] | None = None) -> Value:
        return _given(make_proof({**base()[1], **(blocks or {})}.__getitem__, image, [entry]))

    def again(self, given: Value) -> Value:
        """Of a release that was made again, about the same picture."""
        return self.of_release(self.image, given["roots"][0], _blocks(given))

    def forged(self, given: Value) -> Value:
        """A file about the forged release: what is read of it until it is refused."""
        blocks, read = {**base()[1], **_blocks(given)}, dict[CID, bytes]()
        with suppress(EmotionetError):
            read_use(lambda cid: read.setdefault(cid, blocks[cid]), self.image, given["roots"][0])
        statement = _statement(self.honest, entries=[given["roots"][0]])
        of = [cid for cid in read if cid in base()[1]]
        forged = [[cid, data] for cid, data in read.items() if cid not in base()[1]]
        return {**statement, "of": of, "blocks": [*statement["blocks"], *forged]}


def _good(made: Made) -> Iterator[tuple[str, Value]]:
    at, opening = made.at, base()[0][1]
    snapshot = entry_of(OTHER, at.snapshot, 1, bytes(opening))
    yield "a picture that was trained on", made.honest
    yield "the last picture of the table", made.of_release(made.rows[-1][0], at.entry)
    yield "a picture that is not in it", made.of_release(STRANGER, at.entry)
    yield "a snapshot that somebody else signed", _of(made.image, snapshot)
    yield "a snapshot and a release", _of(made.image, snapshot, (at.entry, base()[1][at.entry]))
    gone = forged_table(at.snapshot, "items", lambda rows: rows[1:])
    yield "a picture that was taken out of the items", made.again(gone)
    left = forged_table(at.snapshot, "excluded", lambda rows: [[STRANGER, "licence", "none"]])
    yield "a picture that was left out, with the reason", made.of_release(STRANGER, left["roots"][0], _blocks(left))
    yield "a picture that cleaning dropped", made.again(forged_table(at.preprocessing, "output", _dropped))
    yield "a refit, trained on all", made.again(Forgery({at.plan: fields(final="refit")}).given())
    yield "a picture without a label", made.again(forged_table(at.snapshot, "items", _cell(3, None)))


def _blocks(given: Value) -> dict[CID, bytes]:
    return dict(given["blocks"])


def _dropped(rows: list[list[Any]]) -> list[list[Any]]:
    rows[0][3], rows[0][7] = None, "too_dark"
    return rows


def _cell(column: int, value: Any) -> Callable[[list[list[Any]]], list[list[Any]]]:
    def change(rows: list[list[Any]]) -> list[list[Any]]:
        rows[0][column] = value
        return rows

    return change


def _refused(made: Made) -> Iterator[tuple[str, Value, str, str]]:
    at, honest = made.at, made.honest
    wrong, lacks = "proof_wrong", "the file lacks a block that is read"
    yield "a block is missing", {**honest, "of": honest["of"][:-1]}, "proof_incomplete", lacks
    beside = [cid_of(b"more", RAW), b"more"]
    more = {**honest, "blocks": [*honest["blocks"], beside]}
    yield "a block that nothing reads", more, "proof_surplus", "a proof holds no other block"
    changed = [honest["of"][1], base()[1][honest["of"][1]] + b" "]
    flipped = {**honest, "of": [honest["of"][0], *honest["of"][2:]], "blocks": [*honest["blocks"], changed]}
    yield "a block that is not what it is called", flipped, "hash_mismatch", "it hashes to another CID"
    yield "no root", {**honest, "roots": []}, "not_a_proof", "there is no statement"
    yield "two roots", {**honest, "roots": [*honest["roots"], at.entry]}, "not_a_proof", "one root is the statement"
    yield "another picture", _statement(honest, image=STRANGER), "proof_incomplete", lacks
    for name, other in _statements():
        yield f"a statement with {name}", _statement(honest, **other), "not_a_proof", "it is not a statement's form"
    newer = _statement(honest, v=2)
    yield "a statement of a newer version", newer, "newer_version", "it was written by a newer program"
    twice = _statement(honest, entries=[at.entry, at.entry])
    yield "an entry twice", twice, "not_a_proof", "it names one twice"
    yield "a plan's entry", _statement(honest, entries=[at.said["planEntry"]]), "proof_incomplete", lacks
    yield from _signatures(made)
    yield from _records(made, wrong)


def _statements() -> list[tuple[str, Value]]:
    return [
        ("a short digest", {"image": b"short"}),
        ("a text as digest", {"image": "text"}),
        ("no entry", {"entries": []}),
        ("an entry in bytes", {"entries": [b"bytes"]}),
        ("a further field", {"more": 1}),
        ("another type", {"type": "release"}),
        ("version 0", {"v": 0}),
        ("true as version", {"v": True}),
    ]


def _signatures(made: Made) -> Iterator[tuple[str, Value, str, str]]:
    signed = encoding.decode(base()[1][made.at.entry])
    flipped = bytes([signed["signature"][0] ^ 1]) + signed["signature"][1:]
    for name, other in (
        ("a flipped bit of the signature", {"signature": flipped}),
        ("another issuer under the old signature", {"issuer": OTHER.did}),
        ("another time under the old signature", {"issuedAt": "2026-12-24T12:00:00Z"}),
    ):
        data = encoding.encode({**signed, **other})
        cid = cid_of(data, DAG_CBOR)
        given = _statement(made.honest, entries=[cid])
        given["of"] = [one for one in given["of"] if one != made.at.entry]
        yield name, {**given, "blocks": [*given["blocks"], [cid, data]]}, "bad_signature", "the signature is wrong"
    unsigned = _by_another_key(made.at.entry, OTHER)
    given = _statement(made.honest, entries=[unsigned[0]])
    given["of"] = [one for one in given["of"] if one != made.at.entry]
    blocks = [*given["blocks"], list(unsigned)]
    yield "signed by somebody in the issuer's name", {**given, "blocks": blocks}, "bad_signature", "another key's"


def _by_another_key(cid: CID, signer: MemorySigner) -> tuple[CID, bytes]:
    entry = records.parse_as(records.Entry, base()[1][cid])
    return entry_of(signer, entry.record, entry.seq, entry.prev, issuer=MINE.did, log=entry.log)


def _records(made: Made, wrong: str) -> Iterator[tuple[str, Value, str, str]]:
    at = made.at
    cases: tuple[tuple[str, Value, str, str], ...] = (
        (
            "kept, and no fold has it",
            forged_table(at.draw, "folds", lambda rows: rows[1:]),
            wrong,
            "a kept picture has a fold",
        ),
        (
            "a fold that no repeat has",
            forged_table(at.draw, "folds", _cell(2, 99)),
            wrong,
            "a fold is one of its repeat's",
        ),
        (
            "in the items, and not preprocessed",
            forged_table(at.preprocessing, "output", lambda rows: rows[1:]),
            wrong,
            "every item was preprocessed",
        ),
        (
            "neither kept nor dropped",
            forged_table(at.preprocessing, "output", _cell(7, "too_dark")),
            wrong,
            "a row has pixels or a reason",
        ),
        ("a number as label", forged_table(at.snapshot, "items", _cell(3, 5)), wrong, "a label is a text"),
        (
            "a recipe that states no folds",
            Forgery({at.recipe: fields(values={"folds": {"k": 3}})}).given(),
            wrong,
            "k and repeats are integers",
        ),
        (
            "the folds in the items' place",
            Forgery({at.snapshot: fields(items=at.read(at.draw)["folds"])}).given(),
            "wrong_table",
            "the table is of another kind",
        ),
    )
    for name, given, code, why in cases:
        yield name, made.forged(given), code, why


def vectors() -> list[Vector]:
    """All."""
    made = Made()
    accepted = [good(answer, name, given) for name, given in _good(made)]
    return accepted + [Vector(name, given, None, code, why) for name, given, code, why in _refused(made)]


FAMILIES = (
    Family(
        "proofs",
        "A file about one picture (docs/proofs.md), by its roots, its blocks, and those that it takes from "
        "release-1/release.car: what each record says of the picture, or that the file shows nothing.",
        answer,
        vectors,
    ),
)
