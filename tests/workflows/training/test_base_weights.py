"""Base weights by file and by CID: looked at before anything is queued, named in the plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.assembly import Home
from registry.catalog.queries.training_runs import runs
from registry.content.unixfs import importer, reader
from registry.content.weights_folder import read_weights
from registry.core import records
from registry.core.errors import InvalidInput, NotFound, Untrusted
from registry.core.ipld.cid import CID
from registry.exports.card.base_origin import declared_origin
from registry.workflows.base_weights import declared_licence, read_base
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.publish_release import publish_release
from registry.workflows.runs.estimate_run import ARCHITECTURE_ALONE, estimate_run
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.workflows.conftest import Folder

MODEL = b'{"origin": {"licence": "MIT", "format": "onnx"}}'


@pytest.fixture
def snapshot(opened: Home, labeled: Folder) -> CID:
    import_source(opened, str(labeled(12)))
    return CID.parse(take_snapshot(opened)["snapshot"])


def folder_of(place: Path, weights: bytes = b"numbers") -> Path:
    place.mkdir()
    (place / "weights.safetensors").write_bytes(weights)
    (place / "model.json").write_bytes(MODEL)
    return place


def with_base(base: str) -> Wanted:
    return Wanted("simulated", "simulated", base=base, overrides={"folds": 2})


def test_a_file_becomes_a_directory_that_the_plan_names(opened: Home, snapshot: CID, tmp_path: Path) -> None:
    wanted = with_base(str(folder_of(tmp_path / "base")))
    told = estimate_run(opened, snapshot, wanted)
    assert (told["base"], told["base_licence"]) == (str(tmp_path / "base"), "MIT")
    run = start_run(opened, snapshot, wanted)
    opened.worker().work(run)
    with opened.catalog.read() as db:
        row = runs.row(db, run)
    plan = records.parse_as(records.Plan, opened.store.get(CID.parse(row["plan"])))
    assert plan.base is not None
    files = read_weights(opened.store, plan.base, ("weights.safetensors", "model.json"))
    assert files == {"weights.safetensors": b"numbers", "model.json": MODEL}


def test_weights_of_a_release_are_a_base_by_their_cid(opened: Home, snapshot: CID) -> None:
    run = start_run(opened, snapshot, Wanted("simulated", "simulated", overrides={"folds": 2}))
    opened.worker().work(run)
    cid = publish_release(opened, run)["weights"][0]["cid"]
    again = start_run(opened, snapshot, with_base(cid))
    with opened.catalog.read() as db:
        assert runs.row(db, again)["options"]["base"] == cid
        assert runs.row(db, run)["options"]["base"] is None


def test_without_any_it_is_said(opened: Home, snapshot: CID) -> None:
    told = estimate_run(opened, snapshot, Wanted("simulated", "simulated"))
    assert (told["base"], told["base_licence"]) == (ARCHITECTURE_ALONE, None)


def test_what_can_not_be_used_queues_nothing(opened: Home, snapshot: CID, tmp_path: Path) -> None:
    bad = folder_of(tmp_path / "bad", b"hostile numbers")
    stray = importer.add_bytes(opened.store, b"no directory").cid
    empty = importer.add_directory(opened.store, {}).cid
    added = {name: importer.add_bytes(opened.store, (bad / name).read_bytes()) for name in ("model.json",)}
    half = importer.add_directory(opened.store, {name: (one.cid, one.tsize) for name, one in added.items()}).cid
    for given, kind in (
        (str(bad), Untrusted),
        (str(stray), InvalidInput),
        (str(empty), InvalidInput),
        (str(half), InvalidInput),
        ("nonsense", InvalidInput),
        (str(snapshot), InvalidInput),
        ("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi", NotFound),
    ):
        for ask in (start_run, estimate_run):
            with pytest.raises(kind):
                ask(opened, snapshot, with_base(given))
    with opened.catalog.read() as db:
        assert runs.list_runs(db)[0] == []


def test_what_lies_beside_weights_is_not_read(opened: Home) -> None:
    files = {"weights.safetensors": b"numbers", "model.json": MODEL, "more": b"x" * 1000}
    added = {name: importer.add_bytes(opened.store, data) for name, data in files.items()}
    root = importer.add_directory(opened.store, {name: (one.cid, one.tsize) for name, one in added.items()}).cid
    method = opened.method("simulated")
    assert set(read_base(opened, method, str(root), {})) == {"weights.safetensors", "model.json"}


@pytest.mark.parametrize(
    "model", [b"", b"{", b"[]", b"{}", b'{"origin": null}', b'{"origin": 3}', b'{"origin": {}}', b"[" * 100_000]
)
def test_a_licence_that_is_not_stated(model: bytes) -> None:
    assert declared_licence({"model.json": model}) is None


def test_the_card_carries_what_base_weights_say_of_themselves(opened: Home, snapshot: CID, tmp_path: Path) -> None:
    run = start_run(opened, snapshot, with_base(str(folder_of(tmp_path / "base"))))
    opened.worker().work(run)
    release = records.parse_as(records.Release, opened.store.get(CID.parse(publish_release(opened, run)["release"])))
    card = reader.read_whole(opened.store, release.card).decode()
    assert "made from a file (onnx, no sha256 stated)" in card
    assert "under the licence that it states, MIT." in card
    assert "The base weights state as theirs: MIT." in card


def test_hostile_origins_are_cut_to_text() -> None:
    said = declared_origin(b'{"origin": {"licence": "' + b"x" * 100_000 + b'", "format": 3, "sha256": ["a"]}}')
    assert said is not None
    assert (len(said.licence or ""), said.format, said.sha256) == (200, None, None)
