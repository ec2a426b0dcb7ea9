"""Level 2 of a snapshot whose rows contributors signed: their signatures hold, and a wrong one fails the audit."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from registry.assembly import Home
from registry.catalog.queries.signed_records.entries import entry_of
from registry.core import records
from registry.core.ipld.cid import CID, RAW, cid_of
from registry.core.labeling.labeled_row import LabeledRow
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED
from registry.workflows.audit.audit_target import audit_target
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.support.anchors.wallet import DID, OTHER, signature, signed
from tests.support.forgery import car_of, failed, forge, new_table, replaced, results
from tests.workflows.conftest import Folder

COLUMNS = records.CONTRIBUTION_ROWS.columns


@pytest.fixture
def taken(opened: Home, labeled: Folder) -> tuple[Home, CID]:
    """A home with a snapshot of four rows, and a fifth that a contributor signed of an image of its own."""
    folder = labeled(4)
    data = b"a picture that its contributor labels"
    (folder / "images" / "mine.jpg").write_bytes(data)
    import_source(opened, str(folder))
    (folder / "labels.csv").write_text("file,label,contributor,signature\nmine.jpg,feliz,{},{}\n".format(*_row(data)))
    assert import_source(opened, str(folder))["registered"] == 1
    return opened, CID.parse(take_snapshot(opened)["snapshot"])


def _row(data: bytes) -> tuple[str, str]:
    where: dict[str, Any] = {"sha256": sha256(data).digest(), "cid": bytes(cid_of(data, RAW)), "size": len(data)}
    return DID, signature(LabeledRow(contributor=DID, label="feliz", **where))


def reason(home: Home, target: CID | Path) -> tuple[str, str]:
    (check,) = (one for one in audit_target(home, str(target), level=2).checks if one.id == "2.labels")
    return check.result, check.reason


def test_signed_rows_are_counted(taken: tuple[Home, CID]) -> None:
    home, snapshot = taken
    report = audit_target(home, str(snapshot))
    assert failed(report) == []
    assert results(report)["2.labels"] == HOLDS
    assert reason(home, snapshot)[1].startswith("1 labels are signed by 1 contributors; for 4 other labels")


def test_without_signatures_it_is_the_issuers_word(opened: Home, labeled: Folder) -> None:
    import_source(opened, str(labeled(4)))
    assert reason(opened, CID.parse(take_snapshot(opened)["snapshot"]))[0] == UNCHECKED


def wrong(home: Home, row: list[Any], how: str) -> list[Any]:
    values = dict(zip(COLUMNS, row, strict=True))
    if how == "another label":
        values["label"] = "triste"
    elif how == "another signer":
        made = LabeledRow(**{**values, "boxes": (), "signature": None})
        values["signature"] = signed(made, OTHER).signature
    else:
        values["contributor"] = home.key.did
    return [values[name] for name in COLUMNS]


@pytest.mark.parametrize("how", ["another label", "another signer", "another contributor"])
def test_a_row_that_its_contributor_did_not_sign_fails(taken: tuple[Home, CID], how: str, tmp_path: Path) -> None:
    home, cid = taken
    snapshot = records.parse_as(records.Snapshot, home.store.get(cid))
    contribution = snapshot.contributions[-1]
    record = records.parse_as(records.Contribution, home.store.get(contribution))
    table = new_table(home, record.rows, records.CONTRIBUTION_ROWS, lambda rows: [wrong(home, rows[0], how)])
    with home.catalog.read() as db:
        entry = entry_of(db, cid, None)
    assert entry is not None
    forged = forge(home, entry, replaced(contribution, record, rows=table))
    result, said = reason(home, car_of(home, forged, tmp_path / "forged.car"))
    assert (result, "sign" in said) == (FAILS, True)
