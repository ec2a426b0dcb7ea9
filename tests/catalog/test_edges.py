"""Every CID in every record is told as an edge."""

from __future__ import annotations

import typing

import pytest

from registry.catalog.index.edges import FIELDS, RECORD, edges
from registry.catalog.schema.relations import ABOUT, BESIDE, CONTENT_TYPES, DERIVED
from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID, DAG_CBOR, RAW, cid_of
from tests.catalog.world import NOW

A, B, C, D = (cid_of(bytes([n]), DAG_CBOR) for n in range(4))
NOT_NAMES = {"beacon", "seed", "key", "signature", "proof", "beacons", "sample"}  # bytes that name nothing


def _holds_a_name(kind: object) -> bool:
    """Whether a field of this type may hold a CID, or bytes that name something."""
    if kind in (CID, bytes):
        return True
    if isinstance(kind, type) and issubclass(kind, records.Part):
        return any(_holds_a_name(inner) for inner in typing.get_type_hints(kind).values())
    return any(_holds_a_name(inner) for inner in typing.get_args(kind))


@pytest.mark.parametrize("kind", records.TYPES.values(), ids=records.TYPES)
def test_no_field_is_forgotten(kind: type[records.Record]) -> None:
    hints = typing.get_type_hints(kind)
    expected = {name for name, hint in hints.items() if _holds_a_name(hint)} - NOT_NAMES
    expected |= {"query"} if kind is records.Snapshot else set()  # a map of anything, of which one part is a link
    assert set(FIELDS[kind]) == expected


@pytest.mark.parametrize("kind", records.TYPES.values(), ids=records.TYPES)
def test_records_that_go_along_are_told_from_what_they_rest_on(kind: type[records.Record]) -> None:
    """A field whose links lead to records follows them; its relation is one that lineage knows."""
    for relation, what in FIELDS[kind].values():
        known = relation in DERIVED | ABOUT | BESIDE
        assert known or what != RECORD, relation


def test_content_that_lineage_shows_has_a_type() -> None:
    content = {relation for fields in FIELDS.values() for relation, what in fields.values() if what == "content"}
    assert content & DERIVED == set(CONTENT_TYPES)


def test_a_release_names_all_its_parts() -> None:
    weights = records.Weights(fold=0, format="safetensors", cid=C, tensors="sha256:" + "0" * 64)
    release = records.Release(
        draw=A,
        plan_entry=B,
        trainings=(A, B),
        evaluation=D,
        weights=(weights,),
        card=cid_of(b"card", RAW),
        licence="x",
        claims=(),
        attempts=records.Attempts(count=1, number=1),
        supersedes=bytes(D),
    )
    found = {(edge.relation, edge.target): edge.record for edge in edges(release)}
    assert found == {
        ("uses", str(A)): A,
        ("plan entry", str(B)): B,
        ("training", str(A)): A,
        ("training", str(B)): B,
        ("evaluation", str(D)): D,
        ("weights", str(C)): None,
        ("card", str(cid_of(b"card", RAW))): None,
        ("supersedes", str(D)): None,
        ("tensors", "sha256:" + "0" * 64): None,
    }


def test_a_withdrawal_of_an_image_names_its_sha256() -> None:
    def targets(target: bytes) -> list[str]:
        return [
            edge.target for edge in edges(records.Withdrawal(target=target, reason="", remedy="notice", effective=NOW))
        ]

    raw = cid_of(b"an image", RAW)
    assert targets(raw.digest) == [raw.digest.hex()]
    assert targets(bytes(raw)) == [raw.digest.hex()]  # a raw CID over the same bytes means the same
    assert targets(bytes(A)) == [str(A)]
    with pytest.raises(InvalidInput):
        targets(b"neither")
