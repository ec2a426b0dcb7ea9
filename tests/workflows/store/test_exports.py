"""What leaves for other tools is read by those tools: mlcroissant, ultralytics, prov."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import mlcroissant
import pytest
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries
from litestar.testing import TestClient
from PIL import Image
from prov.model import (
    ProvActivity,
    ProvAgent,
    ProvDerivation,
    ProvDocument,
    ProvEntity,
    ProvGeneration,
    ProvInvalidation,
)

from registry.api.app import create_app
from registry.api.pages.snapshots.bounds import FORMS
from registry.assembly import Home
from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.training_runs import runs
from registry.cli.main import main
from registry.core import records
from registry.core.errors import Conflict, InvalidInput, NotFound, Unavailable
from registry.core.ipld.cid import CID
from registry.core.table import tables
from registry.exports.formats import FOLDERS
from registry.exports.prov import prov_json
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.publish_release import publish_release
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.export_snapshot import export_snapshot
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.find_records import record_lineage
from registry.workflows.withdrawals.withdraw import withdraw

LABELS = ("triste", "sorprendido", "feliz", "enojado")
# mlcroissant's own warnings, of pandas and of its optional parts
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("children_here")]


def picture(number: int, kind: str, orientation: int | None = None) -> bytes:
    stream, exif = io.BytesIO(), Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.new("RGB", (40 + number, 30), (number * 9 % 256, 80, 200)).save(stream, kind, exif=exif.tobytes())
    return stream.getvalue()


@pytest.fixture
def snapshot(opened: Home, tmp_path: Path) -> CID:
    folder = tmp_path / "faces"
    folder.mkdir()
    lines = ["file,label,contributor,subject,licence,box,attr.gender"]
    for number in range(12):
        name = f"Person Name {number}." + ("png" if number % 3 else "jpg")
        orientation = 6 if number == 0 else None
        (folder / name).write_bytes(picture(number, "PNG" if number % 3 else "JPEG", orientation))
        box = "4 3 20 15" if number == 1 else ""
        gender, licence = "fm"[number % 2], "CC-BY-4.0" if number % 2 else ""
        lines.append(f"{name},{LABELS[number % 4]},anna,Person {number // 2},{licence},{box},{gender}")
    (folder / "broken.jpg").write_bytes(b"no picture")
    lines.append("broken.jpg,feliz,anna,,,,")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    import_source(opened, str(folder))
    return CID.parse(take_snapshot(opened)["snapshot"])


def test_mlcroissant_loads_every_image_with_its_label(opened: Home, snapshot: CID, tmp_path: Path) -> None:
    done = export_snapshot(opened, snapshot, "croissant", tmp_path / "out")
    assert done["images"] == 12
    assert done["left_out"] == [hashlib.sha256(b"no picture").hexdigest()]
    dataset = mlcroissant.Dataset(jsonld=str(tmp_path / "out" / "croissant.json"))
    assert not dataset.metadata.issues.errors
    assert str(dataset.metadata.ctx.conforms_to.value).endswith("croissant/1.1")
    assert [str(one) for one in dataset.metadata.license or []] == ["CC-BY-4.0"]
    found = list(dataset.records(record_set="items"))
    assert len(found) == 12
    for one in found:
        plain = {name.removeprefix("items/"): value for name, value in one.items()}
        text = {name: value.decode() if isinstance(value, bytes) else value for name, value in plain.items()}
        data = (tmp_path / "out" / "images" / text["filename"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == text["sha256"] == text["filename"].partition(".")[0]
        assert LABELS[int(text["class"])] == text["label"]
        assert plain["image"].size[0] in range(30, 60)
    labels = {str(one["items/label"], "utf-8") for one in found}
    assert labels == set(LABELS)


def test_the_bytes_of_a_withdrawn_image_leave_by_no_way(
    opened: Home, snapshot: CID, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone, kept = picture(1, "PNG"), picture(2, "PNG")
    sha256 = hashlib.sha256(gone).hexdigest()
    with opened.catalog.read() as db:
        image = next(iter(images.cids_of(db, sha256)))
    ways = [f"/snapshots/{snapshot}/export/{form}" for form in FORMS] + [f"/ipfs/{snapshot}?format=car"]
    alone = [f"/images/{sha256}/thumbnail", f"/ipfs/{image}?format=raw", f"/ipfs/{image}?format=car"]
    folders = [f"/snapshots/{snapshot}/export/{form}" for form in FOLDERS]

    def written(name: str) -> bytes:
        """What the command line gives out: folders, and a CAR."""
        for form in FOLDERS:
            place = str(tmp_path / name / form)
            assert main(["snapshot", "export", str(snapshot), "--format", form, "-o", place]) == 0
        assert main(["export", str(snapshot), "-o", str(tmp_path / name / "it.car")]) == 0
        return b"".join(path.read_bytes() for path in sorted((tmp_path / name).rglob("*")) if path.is_file())

    with TestClient(create_app(opened)) as client:
        for path in [*folders, f"/ipfs/{snapshot}?format=car"]:
            assert gone in client.get(path).content, path
        assert written("before").count(gone) == len(FOLDERS) + 1
        withdraw(opened, sha256, "they asked for it")
        for path in ways:
            answer = client.get(path)
            assert answer.status_code == 200
            assert gone not in answer.content, path
            assert (kept in answer.content) == ("format=car" in path or path in folders), path
        for path in folders:
            with zipfile.ZipFile(io.BytesIO(client.get(path).content)) as packed:
                (named,) = (one for one in packed.namelist() if one.endswith("left-out.json"))
                assert json.loads(packed.read(named))[sha256] == "withdrawn"
        assert {client.get(path).status_code for path in alone} == {410}
    capsys.readouterr()
    after = written("after")
    assert gone not in after
    assert after.count(kept) == len(FOLDERS) + 1
    assert "1 (withdrawn)" in "".join(capsys.readouterr())


def test_nobodys_name_is_in_an_export(opened: Home, snapshot: CID, tmp_path: Path) -> None:
    for form in ("croissant", "yolo"):
        export_snapshot(opened, snapshot, form, tmp_path / form)
        for path in (tmp_path / form).rglob("*"):
            assert "Person" not in path.name
            if path.suffix in (".json", ".csv", ".yaml", ".txt"):
                assert "Person" not in path.read_text(encoding="utf-8")


def test_the_same_snapshot_gives_the_same_bytes(opened: Home, snapshot: CID, tmp_path: Path) -> None:
    def digests(folder: Path) -> dict[str, str]:
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    for form in ("croissant", "yolo"):
        for name in ("one", "other"):
            export_snapshot(opened, snapshot, form, tmp_path / form / name)
        assert digests(tmp_path / form / "one") == digests(tmp_path / form / "other")


READ = """
import json, sys
from pathlib import Path
from pipeline.workspace import quiet
quiet()
from ultralytics.cfg import get_cfg
from ultralytics.data.build import build_yolo_dataset
from ultralytics.data.utils import check_det_dataset
import os
os.chdir(sys.argv[1])
data = check_det_dataset(str(Path(sys.argv[1]) / "data.yaml"))
found = {}
for split in ("train", "val"):
    dataset = build_yolo_dataset(get_cfg(), data[split], 1, data, mode="val")
    for label in dataset.labels:
        found[Path(label["im_file"]).stem] = [split, label["cls"].ravel().tolist(), label["bboxes"].tolist()]
print(json.dumps({"names": data["names"], "labels": found}))
"""


def read_yolo(folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", READ, str(folder)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def test_ultralytics_reads_every_box(opened: Home, snapshot: CID, tmp_path: Path) -> None:
    export_snapshot(opened, snapshot, "yolo", tmp_path / "out")
    found = read_yolo(tmp_path / "out")
    assert list(found["names"].values()) == ["triste", "sorprendido", "feliz", "enojado"]
    assert len(found["labels"]) == 12
    supplied = hashlib.sha256(picture(1, "PNG")).hexdigest()
    _, kinds, boxes = found["labels"][supplied]
    assert kinds == [1.0]
    assert boxes[0] == pytest.approx([14 / 41, 10.5 / 30, 20 / 41, 15 / 30], abs=1e-5)
    turned = hashlib.sha256(picture(0, "JPEG", 6)).hexdigest()
    assert found["labels"][turned][2] == [[0.5, 0.5, 1.0, 1.0]]


def test_a_draws_fold_is_the_split(opened: Home, snapshot: CID, tmp_path: Path) -> None:
    run = start_run(opened, snapshot, Wanted("simulated", "simulated"))
    opened.worker().work(run)
    with opened.catalog.read() as db:
        draw = CID.parse(runs.row(db, run)["draw"])
    export_snapshot(opened, snapshot, "yolo", tmp_path / "out", draw, 1)
    found = read_yolo(tmp_path / "out")["labels"]
    assert {split for split, *_ in found.values()} == {"train", "val"}
    with pytest.raises(NotFound, match="no fold 9"):
        export_snapshot(opened, snapshot, "yolo", tmp_path / "other", draw, 9)
    assert not (tmp_path / "other").exists()


def test_what_is_there_is_never_overwritten(opened: Home, snapshot: CID, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(Conflict):
        export_snapshot(opened, snapshot, "croissant", tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def items(opened: Home, snapshot: CID) -> list[Any]:
    record = records.parse_as(records.Snapshot, opened.store.get(snapshot))
    return list(tables.rows_as_dicts(record.items, opened.store.get))


@pytest.mark.parametrize("form", ["croissant", "yolo"])
def test_damaged_bytes_are_not_called_missing(opened: Home, snapshot: CID, tmp_path: Path, form: str) -> None:
    path, offset, length = opened.store.place(items(opened, snapshot)[0]["image"])  # type: ignore[attr-defined]
    with path.open("r+b") as pack:
        pack.seek(offset + length - 1)
        pack.write(b"?")
    with pytest.raises(NotFound, match="is damaged here") as caught:
        export_snapshot(opened, snapshot, form, tmp_path / "out")
    assert caught.value.code == "damaged"
    assert not list(tmp_path.glob("*out*"))


def test_an_image_that_is_not_held_is_named(
    opened: Home, snapshot: CID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, get = items(opened, snapshot)[3]["image"], opened.store.get

    def without(cid: CID) -> bytes:
        if cid == gone:
            raise NotFound(f"{cid} is not here")
        return get(cid)

    monkeypatch.setattr(opened.store, "get", without)
    with pytest.raises(NotFound, match=f"{gone}.* is not held here"):
        export_snapshot(opened, snapshot, "yolo", tmp_path / "out")
    assert not list(tmp_path.glob("*out*"))


def test_a_full_disk_is_told_from_a_place_that_is_none(
    opened: Home, snapshot: CID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"no folder")
    with pytest.raises(Unavailable, match="Not a directory") as caught:
        export_snapshot(opened, snapshot, "yolo", tmp_path / "file" / "out")
    assert caught.value.code == "not_written"

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(Unavailable, match="No space left on device") as caught:
        export_snapshot(opened, snapshot, "croissant", tmp_path / "out")
    assert caught.value.code == "disk_full"
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize("form", ["croissant", "yolo"])
def test_progress_counts_what_is_left_out_too(opened: Home, snapshot: CID, tmp_path: Path, form: str) -> None:
    told: list[tuple[str, int, int]] = []
    done = export_snapshot(opened, snapshot, form, tmp_path / "out", progress=lambda *step: told.append(step))
    assert len(done["left_out"]) == 1
    assert told == [("export", number, 13) for number in range(1, 14)]


def test_a_draw_is_of_its_own_snapshot_and_only_for_yolo(opened: Home, snapshot: CID, tmp_path: Path) -> None:
    run = start_run(opened, snapshot, Wanted("simulated", "simulated"))
    opened.worker().work(run)
    with opened.catalog.read() as db:
        draw = CID.parse(runs.row(db, run)["draw"])
    other = CID.parse(take_snapshot(opened, query={"label": "feliz"})["snapshot"])
    with pytest.raises(InvalidInput, match=str(snapshot)):
        export_snapshot(opened, other, "yolo", tmp_path / "out", draw)
    out = str(tmp_path / "out")
    assert main(["snapshot", "export", str(snapshot), "--format", "croissant", "--draw", str(draw), "-o", out]) == 2
    assert not (tmp_path / "out").exists()


def test_prov_reads_a_releases_lineage(opened: Home, snapshot: CID, capsys: pytest.CaptureFixture[str]) -> None:
    run = start_run(opened, snapshot, Wanted("simulated", "simulated"))
    opened.worker().work(run)
    release = publish_release(opened, run)["release"]
    capsys.readouterr()
    assert main(["release", "card", release]) == 0
    assert vars(ModelCard(capsys.readouterr().out).data)["license"] == "agpl-3.0"
    assert main(["release", "card", release, "--hub-dataset", "somebody/faces"]) == 0
    entries = parse_eval_result_entries(yaml.safe_load(capsys.readouterr().out))
    assert {one.dataset_id for one in entries} == {"somebody/faces"}
    assert main(["release", "card", release, "--hub-dataset", "nonsense"]) == 2
    found = record_lineage(opened, CID.parse(release))
    document = ProvDocument.deserialize(content=json.dumps(prov_json(found["nodes"], found["edges"])), format="json")
    entities = {str(one.identifier) for one in document.get_records(ProvEntity)}
    assert entities == {f"ipfs:{node['cid']}" for node in found["nodes"]}
    assert {str(one.identifier) for one in document.get_records(ProvAgent)} == {opened.key.did}
    made = {str(one.identifier) for one in document.get_records(ProvActivity)}
    assert f"emotionet:making-{release}" in made
    generated = {(str(one.args[0]), str(one.args[1])) for one in document.get_records(ProvGeneration)}
    assert (f"ipfs:{release}", f"emotionet:making-{release}") in generated
    derived = {(str(one.args[0]), str(one.args[1])) for one in document.get_records(ProvDerivation)}
    seen, frontier = set(), {f"ipfs:{release}"}
    while frontier:
        seen |= frontier
        frontier = {used for made_one, used in derived if made_one in frontier} - seen
    assert f"ipfs:{snapshot}" in seen  # the release comes, step by step, from the snapshot
    for one in document.get_records(ProvEntity):  # the document itself says where every identifier leads
        assert one.identifier is not None
        assert one.identifier.uri == "ipfs://" + str(one.identifier).removeprefix("ipfs:")
    kinds = {node["cid"]: node["type"] for node in found["nodes"]}
    weights = {f"ipfs:{cid}" for cid, kind in kinds.items() if kind == "weights"}
    trained = {entity for entity, activity in generated if kinds.get(activity.rpartition("-")[2]) == "training"}
    assert weights <= trained
    again = ProvDocument.deserialize(content=document.serialize(format="json"), format="json")
    assert again == document


def test_prov_of_an_image_and_of_its_withdrawal() -> None:
    image, label, taken = "ab" * 32, "bafycontribution", "bafywithdrawal"
    nodes: list[dict[str, Any]] = [
        {"cid": image, "type": "image", "issuer": None, "time": None},
        {"cid": label, "type": "contribution", "issuer": "did:pkh:eip155:1:0x0", "time": "2026-01-02T03:04:05Z"},
        {"cid": taken, "type": "withdrawal", "issuer": "did:pkh:eip155:1:0x0", "time": "2026-01-03T03:04:05Z"},
    ]
    edges = [
        {"from": label, "to": image, "relation": "labels"},
        {"from": taken, "to": image, "relation": "withdraws"},
    ]
    document = ProvDocument.deserialize(content=json.dumps(prov_json(nodes, edges)), format="json")
    uris = {one.identifier.uri for one in document.get_records(ProvEntity) if one.identifier is not None}
    assert uris == {f"urn:emotionet:sha256:{image}", f"ipfs://{label}", f"ipfs://{taken}"}
    (gone,) = document.get_records(ProvInvalidation)
    assert [str(one) for one in gone.args[:2]] == [f"sha256:{image}", f"emotionet:making-{taken}"]
    one: Any
    for one in document.get_records(ProvActivity):  # no entry says how long something took, so neither do we
        assert one.get_startTime() is None
        assert one.get_endTime() is None
