"""What a file claims to be: other codecs, other targets, several releases, endless streams."""

from __future__ import annotations

from pathlib import Path

from registry.assembly import Home
from registry.catalog.index import indexing
from registry.core import records
from registry.core.ipld import car
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB, RAW, cid_of
from registry.core.ipld.dagpb import Link, Node, encode_node
from registry.core.ipld.unixfs import FILE, UnixFS, encode_unixfs
from registry.core.tensors import tensors_digest
from registry.core.weights import WEIGHTS
from registry.provenance.checks.results import HOLDS, UNCHECKED
from registry.workflows.audit.audit_target import audit_car, audit_target
from tests.support.forged_evidence import BLOCK, EARLY, PLACE, Anchored, evidence_of
from tests.support.forged_items import files_of, in_items, set_cell
from tests.support.forgery import (
    OtherKey,
    Released,
    car_of,
    failed,
    forge,
    put,
    reason_of,
    replaced,
    results,
    sections,
    way_back,
    write_car,
)


def test_a_block_under_another_codec_is_not_that_block(released: Released, honest: Path, tmp_path: Path) -> None:
    roots, blocks = sections(honest)
    evaluation = released.view.release.evaluation
    other = CID.v1(RAW, evaluation.digest)
    moved = [(other if cid == evaluation else cid, data) for cid, data in blocks]
    report = audit_car(write_car(tmp_path / "moved.car", roots, moved))
    assert "1.complete" in failed(report)
    assert str(evaluation) in reason_of(report, "1.complete")
    assert report.exit_code(strict=False) == 1


def test_a_file_that_holds_a_release_is_audited_as_that_release(
    released: Released, honest: Path, tmp_path: Path
) -> None:
    home, entry, view = released
    roots, blocks = sections(honest)
    for first in (view.release.plan_entry, way_back(home, entry)[-1], view.preprocessing.snapshot):
        report = audit_car(write_car(tmp_path / "turned.car", [first, *roots], blocks), level=3)
        assert (report.type, report.target, report.entry) == ("release", str(records.cid(view.release)), str(entry))
        assert report.to_json()["type"] == "release"
        assert report.exit_code(strict=False) == 0
    without = [block for block in blocks if block[0] != entry]
    report = audit_car(write_car(tmp_path / "plan.car", [view.release.plan_entry], without))
    assert report.type == "plan"


def test_evidence_is_no_target(released: Released, tmp_path: Path) -> None:
    one = Anchored(released)
    evidence = one.evidence(one.plan_entry)
    path = car_of(one.home, one.entry, tmp_path / "a.car", roots=[evidence, one.entry])
    report = audit_car(path)
    assert (report.exit_code(strict=False), failed(report)) == (1, ["1.file"])
    assert "evidence" in reason_of(report, "1.file")


def test_a_file_of_two_releases_names_the_one_that_is_meant(released: Released, tmp_path: Path) -> None:
    home, entry, view = released
    other = forge(home, entry, replaced(records.cid(view.release), view.release, licence="none"))
    blocks = dict(sections(car_of(home, entry, tmp_path / "one.car"))[1])
    blocks |= dict(sections(car_of(home, other, tmp_path / "two.car"))[1])
    report = audit_car(write_car(tmp_path / "both.car", [view.release.plan_entry], blocks.items()))
    assert failed(report) == ["1.file"]
    report = audit_car(write_car(tmp_path / "both.car", [view.release.plan_entry, other, entry], blocks.items()))
    assert (report.entry, "2.log" in failed(report)) == (str(other), True)  # and the log forks


def test_evidence_of_nothing_breaks_no_report(released: Released, honest: Path, tmp_path: Path) -> None:
    """Anyone can add a block to a file."""
    roots, blocks = sections(honest)
    data = records.encode(evidence_of(b"no CID", {**PLACE, "block_number": 1, "block_hash": BLOCK, "time": EARLY}))
    report = audit_car(write_car(tmp_path / "more.car", roots, [*blocks, (cid_of(data, DAG_CBOR), data)]))
    assert "1.records" in failed(report)
    assert len(report.checks) > 30
    assert results(report)["6.metrics"] == HOLDS


def test_a_file_that_claims_to_be_endless_is_not_read(released: Released, tmp_path: Path) -> None:
    """An image of a few blocks that name each other again and again, as large as its row says."""
    home, entry, view = released
    block = repeating(home)
    changed = in_items(set_cell(1, block))(home, view)
    report = audit_car(car_of(home, forge(home, entry, changed), tmp_path / "bomb.car"), level=1)
    assert "1.images" in failed(report)


def repeating(home: Home) -> CID:
    size, cid = 1 << 10, put(home, bytes(1 << 10), RAW)
    for _ in range(5):
        sizes = (size,) * 64
        data = encode_unixfs(UnixFS(FILE, filesize=sum(sizes), blocksizes=sizes))
        node = encode_node(Node(tuple(Link(cid, "", size) for _ in sizes), data))
        size, cid = sum(sizes), put(home, node, DAG_PB)
    return cid


def test_what_no_check_looks_at_is_listed(released: Released, honest: Path) -> None:
    for level in (None, 2, 6, 8):
        report = audit_car(honest, level=level)
        found = results(report)
        deep: tuple[str, ...] = ("7.predictions", "8.training") if level != 8 else ()
        deep += ("5.pixels", "5.dropped", "5.rights") if (level or 0) < 5 else ()
        for id in ("2.labels", "2.query", *deep):
            assert found[id] == UNCHECKED, (level, id)
        assert all(check.reason for check in report.checks if check.result == UNCHECKED)
        assert {check.level for check in report.checks} == set(range(1, 9))


def test_a_stream_of_version_2_is_audited_alike(honest: Path, tmp_path: Path) -> None:
    data = honest.read_bytes()
    head = bytes(16) + b"".join(number.to_bytes(8, "little") for number in (51, len(data), 0))
    (tmp_path / "v2").write_bytes(car.PRAGMA_V2 + head + data + bytes(9))
    report = audit_car(tmp_path / "v2")
    assert (failed(report), report.type) == ([], "release")


def test_the_digest_is_that_of_the_published_bytes(released: Released) -> None:
    home, _, view = released
    for one in view.release.weights:
        assert tensors_digest(files_of(home, one.cid)[WEIGHTS]) == one.tensors


def test_who_signs_a_release_again_does_not_become_its_issuer(released: Released) -> None:
    """Not even by an entry that says to be older, where it was imported into the home that published it."""
    home, entry, view = released
    foreign = OtherKey(9).says(home, view.release)
    with home.catalog.write() as db:
        indexing.index_entry(db, foreign, home.store.get)
    report = audit_target(home, str(records.cid(view.release)), level=2)
    assert (report.issuer, report.entry, failed(report)) == (home.key.did, str(entry), [])
    report = audit_target(home, str(foreign), level=2)
    assert (report.issuer, failed(report)) == (OtherKey(9).did, ["2.issuer", "2.log"])
