"""What the kit forges beside the vectors of ``tests/vectors/families/releases.py``: fields, tables, encodings, entries.

Invariants: each is made of ``release-1/release.car`` and the test key alone, the same to the byte each time. Everything
above a change is made again and signed, but where the change is to the signature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from tests.vectors.families.releases import Change, Forgery, Parts, Value, fields, forged_table, plain, swapped

EARLY, LATE = "2026-11-01T12:00:00Z", "2026-12-24T12:00:00Z"
Case = tuple[Value, tuple[str, ...]]
Made = Iterator[tuple[str, Case]]


def forged() -> dict[str, Case]:
    """Each file, as a vector's input, and the checks that must fail."""
    at = Parts()
    return dict(one for make in (_fields, _trainings, _tables, _encodings, _entries) for one in make(at))


def _fields(at: Parts) -> Made:
    """A field of a record, with everything above it made again."""
    said, plan, snapshot = at.said, at.read(at.plan), at.read(at.snapshot)
    evaluation, trainings = at.read(at.evaluation), said["trainings"]
    cases: tuple[tuple[str, CID, Value, tuple[str, ...]], ...] = (
        ("plan, another seed", at.plan, {"seed": 8}, ("4.plan",)),
        ("plan, fewer figures", at.plan, {"metrics": plan["metrics"][1:]}, ("4.plan",)),
        ("plan, no groups", at.plan, {"groups": []}, ("6.fairness",)),
        ("plan, another method", at.plan, {"method": {**plan["method"], "id": "other"}}, ("4.plan",)),
        ("plan, an easier claim", at.plan, {"claims": plan["claims"][1:]}, ("6.verdicts",)),
        ("plan, another final model", at.plan, {"final": "fold:9"}, ("4.plan",)),
        ("snapshot, classes in another order", at.snapshot, {"classes": snapshot["classes"][::-1]}, ("4.predictions",)),
        ("snapshot, a rule that is not known", at.snapshot, {"rule": "whim-v1"}, ("4.items",)),
        ("snapshot, an alias of another class", at.snapshot, {"aliases": {"feliz": 0}}, ("4.items",)),
        ("snapshot, no contribution", at.snapshot, {"contributions": []}, ("4.items",)),
        ("draw, a beacon of no kind", at.draw, {"beacons": [{}]}, ("1.records",)),
        ("release, a training left out", at.release, {"trainings": trainings[1:]}, ("4.trainings",)),
        (
            "release, a training twice",
            at.release,
            {"trainings": [said["trainings"][0], *said["trainings"]]},
            ("4.trainings",),
        ),
        ("release, no claim", at.release, {"claims": []}, ("6.verdicts",)),
        ("release, weights left out", at.release, {"weights": said["weights"][1:]}, ("6.weights",)),
        ("release, its opening as its plan's entry", at.release, {"planEntry": at.roots[1]}, ("2.issuer",)),
        ("release, a preprocessing as its draw", at.release, {"draw": at.preprocessing}, ("1.records",)),
        ("evaluation, a figure left out", at.evaluation, {"metrics": evaluation["metrics"][1:]}, ("6.metrics",)),
        ("evaluation, no test", at.evaluation, {"tests": []}, ("6.tests",)),
        ("evaluation, no note", at.evaluation, {"notes": []}, ("6.fairness",)),
        ("evaluation, another draw", at.evaluation, {"draw": at.plan}, ("1.records",)),
    )
    for name, record, other, wanted in cases:
        yield name, (Forgery({record: fields(**other)}).given(), wanted)


def _trainings(at: Parts) -> Made:
    """A field of the first fold's training."""
    first, second = at.said["trainings"][:2]
    two = at.read(second)
    cases: tuple[tuple[str, Value, tuple[str, ...]], ...] = (
        ("training, of another fold", {"fold": 1}, ("4.trainings",)),
        ("training, of a fold that is none", {"fold": 99}, ("4.trainings",)),
        ("training, another fold's tensors", {"tensors": two["tensors"]}, ("6.weights",)),
        ("training, another fold's weights", {"weights": two["weights"]}, ("6.weights",)),
        ("training, ended before it began", {"ended": EARLY}, ("3.trained",)),
        ("training, began before the plan", {"started": EARLY}, ("3.planned",)),
        ("training, ended after the release", {"ended": LATE}, ("3.issued",)),
        ("training, a digest that is none", {"tensors": "sha256:nothing"}, ("1.records",)),
    )
    for name, other, wanted in cases:
        yield name, (Forgery({first: fields(**other)}).given(), wanted)


def _of_tables(at: Parts) -> dict[str, tuple[CID, CID]]:
    """Each table of one block: its header and its rows."""
    found = {}
    for cid, data in at.blocks.items():
        value = encoding.decode(data) if cid.codec == DAG_CBOR else None
        if isinstance(value, dict) and value.get("type") == "table" and value["count"]:
            found[value["kind"]] = (cid, value["root"])
    return dict(sorted(found.items()))


def _tables(at: Parts) -> Made:
    """Every kind of table: rows out of order, twice, gone, too wide, of another type, and a count that is a lie."""
    changes: dict[str, Change] = {
        "rows in another order": lambda node: {**node, "rows": node["rows"][::-1]},
        "a row twice": lambda node: {**node, "rows": [node["rows"][0], *node["rows"]]},
        "a cell too many": lambda node: {**node, "rows": [[*node["rows"][0], None], *node["rows"][1:]]},
        "a key that is a map": lambda node: {**node, "rows": [[{}, *node["rows"][0][1:]], *node["rows"][1:]]},
    }
    for kind, (header, node) in _of_tables(at).items():
        for name, change in changes.items():
            yield f"{kind}, {name}", (Forgery({node: change}).given(), ("1.tables",))
        yield f"{kind}, ten million rows claimed", (Forgery({header: fields(count=10_000_000)}).given(), ("1.tables",))
    gone: Callable[[list[list[Any]]], list[list[Any]]] = lambda rows: rows[1:]  # noqa: E731
    yield "an image left out of the folds", (forged_table(at.draw, "folds", gone), ("4.folds",))
    yield "an image left out of the items", (forged_table(at.snapshot, "items", gone), ("4.items",))
    yield "an image left out of the predictions", (forged_table(at.evaluation, "predictions", gone), ("4.predictions",))
    yield "a prediction of another fold", (forged_table(at.evaluation, "predictions", swapped(1)), ("4.predictions",))


def _encodings(at: Parts) -> Made:
    """One record in bytes that are no canonical DAG-CBOR; everything above is canonical."""
    pair = b"\x61a\x01"
    honest = encoding.encode(at.read(at.evaluation))
    cases = {
        "a key twice": b"\xa2" + pair + pair,
        "keys in another order": b"\xa2\x61b\x01" + pair,
        "a map of no stated length": b"\xbf" + pair + b"\xff",
        "an integer longer than needed": b"\xa1\x61a\x18\x01",
        "not a number": b"\xa1\x61a\xfb\x7f\xf8" + bytes(6),
        "infinity": b"\xa1\x61a\xfb\x7f\xf0" + bytes(6),
        "an integer of 65 bits": b"\xa1\x61a\xc2\x49\x01" + bytes(8),
        "undefined": b"\xa1\x61a\xf7",
        "a text that is no UTF-8": b"\xa1\x61a\x61\xff",
        "a tag that is no link": b"\xa1\x61a\xc1\x01",
        "a byte behind it": honest + b"\x00",
        "its last byte missing": honest[:-1],
        "a thousand lists in each other": b"\xa1\x61a" + b"\x81" * 1000 + b"\x01",
        "a text that claims 2^60 bytes": b"\xa1\x61a\x7b\x10" + bytes(7),
    }
    for name, data in cases.items():
        yield f"cbor, {name}", (Forgery({at.evaluation: _bytes(data)}).given(), ("1.records",))


def _bytes(data: bytes) -> Change:
    return lambda _: data


def _entries(at: Parts) -> Made:
    """The release's entry, signed anew by its key or not at all."""
    honest = at.read(at.entry)
    yield "entry, a number skipped", (Forgery({at.entry: fields(seq=honest["seq"] + 1)}).given(), ("2.log",))
    yield "entry, issued early", (Forgery({at.entry: fields(issuedAt=EARLY)}).given(), ("2.times",))
    flipped = bytes([honest["signature"][0] ^ 1]) + honest["signature"][1:]
    for name, other, wanted in (
        ("a flipped bit of its signature", {"signature": flipped}, "2.signatures"),
        ("a signature of zeros", {"signature": bytes(64)}, "2.signatures"),
        ("a signature cut off", {"signature": flipped[:-1]}, "2.signatures"),
        ("another time under the old signature", {"issuedAt": LATE}, "2.signatures"),
        ("another issuer under the old signature", {"issuer": "did:pkh:eip155:1:0x" + "1" * 40}, "2.signatures"),
        ("no algorithm", {"alg": "none"}, "2.signatures"),
    ):
        data = encoding.encode({**honest, **other})
        cid = cid_of(data, DAG_CBOR)
        roots = [cid, *at.roots[1:]]
        yield f"entry, {name}", (plain(roots=roots, without=[at.entry], blocks=[[cid, data]]), (wanted,))
