"""A contributor's own signature over a row: as any wallet's library makes it, over this row and no other."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from msgspec.structs import replace

from registry.core.errors import InvalidInput, Untrusted
from registry.core.ipld.cid import RAW, cid_of
from registry.core.issuers import ORDER, did_of
from registry.core.labeling import row_signature
from registry.core.labeling.labeled_row import LabeledRow
from registry.core.table.columns import CONTRIBUTION_ROWS
from tests.support.anchors.wallet import DID, OTHER, signed

IMAGE = b"a picture"


def row(**more: Any) -> LabeledRow:
    said: dict[str, Any] = {
        "sha256": hashlib.sha256(IMAGE).digest(),
        "contributor": DID,
        "cid": bytes(cid_of(IMAGE, RAW)),
        "size": len(IMAGE),
        "label": "niña feliz 😀",
        "boxes": ((-100, 0, 5000, 12345), (1, 2, 300, 400)),
        "attributes": {"luz": "baja", "edad": "30"},
        "sources": {"edad": "self"},
        "licence": "CC-BY-4.0",
        "rights": {"tdm-reservation": "1"},
    }
    return LabeledRow(**said | more)


@pytest.mark.parametrize(
    "more",
    [{}, {"boxes": (), "attributes": {}, "sources": {}, "rights": {}}, {"replaces": bytes(cid_of(b"before", RAW))}],
    ids=["everything", "a label alone", "a correction"],
)
def test_a_row_that_a_wallet_signed_verifies(more: dict[str, Any]) -> None:
    row_signature.verify(signed(row(**more)))


def test_a_row_without_a_signature_is_not_looked_at() -> None:
    row_signature.verify(row(contributor="ana"))


CHANGES: dict[str, Any] = {
    "sha256": b"\1" * 32,
    "cid": bytes(cid_of(b"another", RAW)),
    "size": 7,
    "label": "triste",
    "boxes": ((1, 2, 300, 400), (-100, 0, 5000, 12345)),
    "attributes": {"luz": "alta", "edad": "30"},
    "sources": {"edad": "inferred"},
    "subject": "a" * 32,
    "licence": None,
    "consent": "given",
    "rights": {},
    "replaces": bytes(cid_of(b"before", RAW)),
    "contributor": did_of(OTHER.address),
}


def test_every_field_but_the_signature_is_changed_below() -> None:
    assert set(CHANGES) | {"signature"} == set(LabeledRow.__struct_fields__)


@pytest.mark.parametrize("name", CHANGES)
def test_a_signature_covers_every_field(name: str) -> None:
    with pytest.raises(Untrusted, match="did not sign") as refused:
        row_signature.verify(replace(signed(row()), **{name: CHANGES[name]}))
    assert refused.value.code == "bad_row_signature"


def test_a_row_is_verified_in_the_columns_that_it_was_signed_in() -> None:
    """A version of the table that has another column leaves older signatures as good as they were."""
    made = signed(row())
    row_signature.verify(made, CONTRIBUTION_ROWS)
    with pytest.raises(Untrusted, match="did not sign"):
        row_signature.verify(made, CONTRIBUTION_ROWS._replace(version=2))
    with pytest.raises(Untrusted, match="did not sign"):
        row_signature.verify(made, CONTRIBUTION_ROWS._replace(columns=tuple(reversed(CONTRIBUTION_ROWS.columns))))


def test_another_wallet_does_not_sign_for_the_contributor() -> None:
    with pytest.raises(Untrusted, match="did not sign"):
        row_signature.verify(signed(row(), OTHER))


def test_who_signs_is_a_did() -> None:
    with pytest.raises(Untrusted, match="nobody who can sign"):
        row_signature.verify(replace(signed(row()), contributor="ana"))


def test_a_signature_has_one_form() -> None:
    """The other s of the same signature would make another row of the same word."""
    good = signed(row()).signature
    assert good is not None
    s = ORDER - int.from_bytes(good[32:64], "big")
    for bad in (good[:32] + s.to_bytes(32, "big") + bytes([1 - good[64]]), good[:64], good + b"\0", b"\0" * 65):
        with pytest.raises(Untrusted):
            row_signature.verify(replace(row(), signature=bad))
        with pytest.raises(InvalidInput):
            row_signature.parse("0x" + bad.hex())


def test_v_is_0_or_1_however_a_wallet_counts() -> None:
    good = signed(row()).signature
    assert good is not None
    counted = good[:64] + bytes([good[64] + 27])
    assert row_signature.parse(counted.hex()) == row_signature.parse("0x" + good.hex()) == good


@pytest.mark.parametrize("given", ["", "0x", "0xzz", "signed by me", "0x" + "00" * 64])
def test_what_is_no_signature_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        row_signature.parse(given)
    assert refused.value.code == "bad_row_signature"
