"""What a row says beside its label, registered: sources, rights, several labels, and rows that contributors sign."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from registry.assembly import Home
from registry.catalog.queries.labeled_images.history import image_history
from registry.cli.main import main
from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID, RAW, cid_of
from registry.core.labeling.labeled_row import LabeledRow
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.images.registering.relabel import relabel
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.snapshots.terms import Terms
from tests.content.labels.test_tables import xlsx
from tests.support.anchors.wallet import DID, OTHER, signature
from tests.support.rows import current_row

DATA = b"\xff\xd8\xff a picture of one file"
SHA256 = hashlib.sha256(DATA).digest()


def said(home: Home, contributor: str) -> dict[str, Any]:
    with home.catalog.read() as db:
        row = current_row(db, SHA256, home.key.did, contributor)
    assert row is not None
    return row


@pytest.fixture
def register(opened: Home, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Import one picture with one row, its cells by column. A dry run before it refuses the very same rows."""

    def register(**cells: str) -> dict[str, Any]:
        folder = tmp_path / "faces"
        folder.mkdir(exist_ok=True)
        (folder / "a.jpg").write_bytes(DATA)
        (folder / "labels.jsonl").write_text(json.dumps({"file": "a.jpg", **cells}), encoding="utf-8")
        dry = import_source(opened, str(folder), dry_run=True)
        done = import_source(opened, str(folder))
        assert dry["rejected"] == done["rejected"]
        return done

    return register


Register = Callable[..., dict[str, Any]]


def test_sources_and_rights_come_into_the_record_and_the_catalog(opened: Home, register: Register) -> None:
    words = {"attr.edad": "30", "source.edad": "self", "rights.tdm-reservation": "1"}
    assert register(label="feliz", contributor="ana", **words)["registered"] == 1
    row = said(opened, "ana")
    assert (row["sources"], row["rights"], row["signature"]) == ({"edad": "self"}, {"tdm-reservation": "1"}, None)
    with opened.catalog.read() as db:
        (told,) = image_history(db, SHA256)
    assert (told["sources"], told["rights"]) == ({"edad": "self"}, {"tdm-reservation": "1"})
    assert register(label="feliz", contributor="ana", **words)["unchanged"] == 1


def test_a_correction_keeps_rights_and_forgets_the_source_of_another_value(opened: Home, register: Register) -> None:
    first = {"attr.edad": "30", "source.edad": "self", "attr.luz": "baja", "source.luz": "perceived"}
    register(label="feliz", contributor="ana", **first, **{"rights.tdm-reservation": "1"})
    done = register(label="feliz", contributor="ana", **{"attr.edad": "40", "rights.licence-text": "free"})
    assert done["corrected"] == 1
    row = said(opened, "ana")
    assert row["attributes"] == {"edad": "40", "luz": "baja"}
    assert row["sources"] == {"luz": "perceived"}
    assert row["rights"] == {"tdm-reservation": "1", "licence-text": "free"}
    assert register(label="feliz", contributor="ana", **{"source.edad": "inferred"})["corrected"] == 1
    assert said(opened, "ana")["sources"] == {"edad": "inferred", "luz": "perceived"}


def test_a_source_without_its_attribute_is_refused(register: Register) -> None:
    (bad,) = register(label="feliz", contributor="ana", **{"source.edad": "self"})["rejected"]
    assert bad["code"] == "source_of_nothing"


# --- one label an image ------------------------------------------------------------------------------


def csv(folder: Path) -> None:
    (folder / "labels.csv").write_text("file,label,box\na.jpg,feliz,1 1 9 9\na.jpg,triste,20 20 9 9\n")


def workbook(folder: Path) -> None:
    data = xlsx(("file", "label", "box"), ("a.jpg", "feliz", "1 1 9 9"), ("a.jpg", "triste", "20 20 9 9"))
    (folder / "labels.xlsx").write_bytes(data)


def objects(folder: Path) -> None:
    found = {"bbox": [[1, 1, 9, 9], [20, 20, 9, 9]], "categories": ["feliz", "triste"]}
    (folder / "metadata.jsonl").write_text(json.dumps({"file_name": "a.jpg", "objects": found}))


def coco(folder: Path) -> None:
    names = [{"id": number, "name": name} for number, name in enumerate(("feliz", "triste"))]
    boxes = [{"image_id": 1, "category_id": number, "bbox": [20 * number + 1, 1, 9, 9]} for number in (0, 1)]
    document = {"images": [{"id": 1, "file_name": "a.jpg"}], "categories": names, "annotations": boxes}
    (folder / "coco.json").write_text(json.dumps(document))


def yolo(folder: Path) -> None:
    (folder / "a.txt").write_text("0 0.25 0.25 0.2 0.2\n1 0.75 0.75 0.2 0.2\n")
    (folder / "classes.txt").write_text("feliz\ntriste\n")


@pytest.mark.parametrize("form", [csv, workbook, objects, coco, yolo])
def test_boxes_of_several_labels_are_refused_in_every_form(
    opened: Home, tmp_path: Path, form: Callable[[Path], None]
) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    Image.new("RGB", (64, 64)).save(folder / "a.jpg")
    form(folder)
    done = import_source(opened, str(folder))
    assert [bad["code"] for bad in done["rejected"]] == ["several_labels"] * 2
    assert (done["registered"], done["contribution"]) == (0, None)
    assert "one label" in done["rejected"][0]["reason"]


# --- rows that contributors sign ---------------------------------------------------------------------


def row(**more: Any) -> LabeledRow:
    where: dict[str, Any] = {"sha256": SHA256, "cid": bytes(cid_of(DATA, RAW)), "size": len(DATA), "contributor": DID}
    return LabeledRow(**{"label": "feliz", **where, **more})


def test_a_signed_row_is_kept_as_it_was_signed(opened: Home, register: Register) -> None:
    proof = signature(row(attributes={"edad": "30"}, sources={"edad": "self"}))
    cells = {"contributor": DID, "signature": proof, "attr.edad": "30", "source.edad": "self"}
    done = register(label="feliz", **cells)
    assert (done["registered"], done["rejected"]) == (1, [])
    kept = said(opened, DID)
    assert kept["signature"].hex()[:128] == proof[2:130]
    assert kept["signature"][64] in (0, 1)
    assert register(label="feliz", **cells)["unchanged"] == 1


def test_a_wrong_signature_is_refused_with_its_row(opened: Home, register: Register) -> None:
    for wrong in (signature(row(label="triste")), signature(row(), OTHER), signature(row(replaces=b"\1"))):
        (bad,) = register(label="feliz", contributor=DID, signature=wrong)["rejected"]
        assert bad["code"] == "bad_row_signature"
    (bad,) = register(label="feliz", contributor="ana", signature=signature(row()))["rejected"]
    assert bad["code"] == "bad_row_signature"
    with opened.catalog.read() as db:
        assert image_history(db, SHA256) == []


def test_who_signs_is_not_given_another_label_by_the_issuer(opened: Home, register: Register) -> None:
    first = register(label="feliz", contributor=DID, signature=signature(row()))
    (bad,) = register(label="triste", contributor=DID)["rejected"]
    assert bad["code"] == "signature_missing"
    with pytest.raises(InvalidInput, match="sign") as refused:
        relabel(opened, SHA256.hex(), "triste", DID)
    assert refused.value.code == "signature_missing"
    assert first["contribution"] in str(refused.value)  # what they have to sign with
    again = register(label="triste", contributor=DID, signature=signature(row(label="triste")))
    assert [bad["code"] for bad in again["rejected"]] == ["bad_row_signature"]  # it does not say what it corrects
    corrects = row(label="triste", replaces=bytes(CID.parse(first["contribution"])))
    assert register(label="triste", contributor=DID, signature=signature(corrects))["corrected"] == 1
    assert said(opened, DID)["label"] == "triste"
    old = register(label="feliz", contributor=DID, signature=signature(row()))  # played again by whoever kept it
    assert [bad["code"] for bad in old["rejected"]] == ["bad_row_signature"]


def test_a_signed_row_leaves_nothing_as_it_was(opened: Home, register: Register) -> None:
    """It was signed without these; filling them in would break it."""
    first = register(label="feliz", contributor=DID, licence="CC0", **{"attr.edad": "30"})
    corrects = row(replaces=bytes(CID.parse(first["contribution"])))
    assert register(label="feliz", contributor=DID, signature=signature(corrects))["corrected"] == 1
    kept = said(opened, DID)
    assert (kept["licence"], kept["attributes"]) == (None, {})


def test_a_signed_row_holds_no_persons_name(register: Register) -> None:
    (bad,) = register(label="feliz", contributor=DID, subject="Ana", signature=signature(row(subject="Ana")))[
        "rejected"
    ]
    assert bad["code"] == "subject_not_pseudonym"
    pseudonym = "0123456789abcdef" * 2
    done = register(label="feliz", contributor=DID, subject=pseudonym, signature=signature(row(subject=pseudonym)))
    assert done["registered"] == 1


# --- what a snapshot demands -------------------------------------------------------------------------


ALL = Terms(override="every row is looked at")


def test_a_snapshot_demands_licences_consents_and_rights(opened: Home, tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    table = ["file,label,contributor,licence,consent,rights.tdm-reservation"]
    for number, cells in enumerate(("CC0,given,0", "CC0,given,1", "CC-BY-4.0,given,0", "CC0,,0", ",,")):
        (folder / f"{number}.jpg").write_bytes(DATA + bytes([number]))
        table.append(f"{number}.jpg,feliz,ana,{cells}")
    (folder / "labels.csv").write_text("\n".join(table))
    import_source(opened, str(folder))

    def count(**query: Any) -> int:
        return int(take_snapshot(opened, query=query, terms=ALL)["count"])

    assert count() == 5
    honoured = take_snapshot(opened)
    assert honoured["excluded"] == {"reserved": 1}, "one reserves its rights"
    assert honoured["rights"] == {"honoured": 1, "overridden": 0, "allowed": 3, "not_read": 0, "silent": 1}
    assert count(licence="CC0") == 3
    assert count(licence=["CC0", "CC-BY-4.0"]) == 4
    assert count(consent="given") == 3
    assert count(rights={"tdm-reservation": "0"}) == 3
    assert count(rights={"tdm-reservation": ["0", "1"]}) == 4
    assert count(licence="CC0", consent="given", rights={"tdm-reservation": "0"}) == 1
    with pytest.raises(InvalidInput, match="signals of rights"):
        count(rights={"no-such-signal": "0"})


def test_the_command_writes_what_it_demands_into_the_record(
    opened: Home, register: Register, capsys: pytest.CaptureFixture[str]
) -> None:
    register(label="feliz", contributor="ana", licence="CC0", **{"rights.tdm-reservation": "0"})
    asked = ["--licence", "CC0,CC-BY-4.0", "--rights", "tdm-reservation=0"]
    assert main(["snapshot", "create", *asked, "--quiet"]) == 0
    cid = CID.parse(capsys.readouterr().out.strip())
    record = records.parse_as(records.Snapshot, opened.store.get(cid))
    query, use = record.query, record.use
    assert query == {"rights": {"tdm-reservation": "0"}}
    assert use == records.Use(override=None, licences=("CC-BY-4.0", "CC0"), consent=False)
    for wrong in ("tdm-reservation", "=0", "no-such-signal=0"):
        assert main(["snapshot", "create", "--rights", wrong]) != 0
