"""What a followed issuer publishes is used beside one's own: shown, audited, and part of snapshots and releases."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home
from registry.catalog.queries.signed_records import entries
from registry.content.sources.fetch import fetch_what_there_is
from registry.content.sources.gateway import GatewayClient
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.table import tables
from registry.provenance.checks.results import HOLDS
from registry.workflows.audit.audit_file import audit_car
from registry.workflows.follow.keep_up import bring_up_to_date, follow
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.log.append import append
from registry.workflows.names.set_name import set_name
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.export_held import export_held
from registry.workflows.store.find_records import record_of
from tests.api.conftest import served
from tests.support.forgery import Released, failed, opened_home, publish, results, simulated_release

OURS = range(100, 124)


def own_faces(folder: Path) -> Path:
    """Other pictures than ``forgery.faces``, of other persons, by another contributor."""
    folder.mkdir(parents=True)
    lines = ["file,label,contributor,subject,attr.side"]
    for number in OURS:
        (folder / f"{number}.jpg").write_bytes(b"ours %d" % number)
        label, side = ["triste", "feliz", "enojado"][number % 3], "lr"[number % 5 > 2]
        lines.append(f"{number}.jpg,{label},carla,{number // 2},{side}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


class Both(NamedTuple):
    """Two registries: one with a release, an audit of it by somebody here, and a name; one that follows it."""

    there: Released
    here: Home
    address: str

    @property
    def their_release(self) -> CID:
        return record_of(self.there.home, self.there.entry)


def audit_of(release: CID) -> records.Audit:
    check = records.AuditCheck(id="1.blocks", result="does not hold", reason="seen", tolerance=None)
    return records.Audit(target=bytes(release), levels=(1,), environment={}, checks=(check,), beacon=None)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("both")
    with simulated_release(folder / "there") as there, served(there.home) as address:
        release = record_of(there.home, there.entry)
        set_name(there.home, there.home.key, "best", release)
        append(there.home, there.home.key, audit_of(release))
        with opened_home(folder / "here") as here:
            import_source(here, str(own_faces(folder / "ours")))
            follow(here, there.home.key.did, [address])
            assert bring_up_to_date(here, there.home.key.did)["state"] == "up to date"
            yield Both(there, here, address)


def get(client: TestClient[Any], path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.text)
    return answer.json()


def test_releases_audits_and_names_appear_with_their_issuer(both: Both) -> None:
    did, cid = both.there.home.key.did, str(both.their_release)
    with TestClient(create_app(both.here)) as client:
        (listed,) = get(client, "/api/v1/releases")["items"]
        assert (listed["cid"], listed["issuer"]) == (cid, did)
        shown = get(client, f"/api/v1/releases/{cid}")
        assert shown["issuer"] == did
        assert [(one["issuer"], one["fails"]) for one in shown["audits"]] == [(did, 1)]
        names = get(client, "/api/v1/names")["items"]
        assert [(one["name"], one["issuer"], one["target"]) for one in names] == [("best", did, cid)]
        (audit,) = get(client, f"/api/v1/audits?target={cid}")["items"]
        assert audit["issuer"] == did
        assert did in {one["issuer"] for one in get(client, "/api/v1/snapshots")["items"]}
        for path in ("/releases", f"/releases/{cid}"):
            page = client.get(path, headers={"Accept": "text/html"})
            assert page.status_code == 200
            assert did in page.text


def whole(both: Both, *roots: CID) -> None:
    """Bring what a release links to, as `emotionet import` does of a CID."""
    source = GatewayClient([both.address])
    try:
        assert fetch_what_there_is(source, both.here.store, list(roots), set()) == []
    finally:
        source.close()


def test_a_followed_release_is_audited_by_its_cid_after_its_bytes_were_fetched(both: Both, tmp_path: Path) -> None:
    whole(both, both.there.entry)
    path = tmp_path / "release.car"
    export_held(both.here, both.their_release, path)
    report = audit_car(path)
    assert failed(report) == []
    assert results(report)["4.items"] == HOLDS


def test_a_snapshot_and_a_release_span_both_issuers(both: Both, tmp_path: Path) -> None:
    here, theirs = both.here, both.there.home.key.did
    only = take_snapshot(here, query={"issuer": theirs}, include_referenced=True)
    mine = take_snapshot(here, query={"issuer": here.key.did})
    assert mine["count"] == len(OURS)
    whole(both, both.there.view.preprocessing.snapshot)
    spanning = take_snapshot(here)
    assert spanning["count"] == only["count"] + mine["count"]
    snapshot = records.parse_as(records.Snapshot, here.store.get(CID.parse(spanning["snapshot"])))
    with here.catalog.read() as db:
        signers = {entries.first_signer(db, cid) for cid in snapshot.contributions}
    assert signers == {here.key.did, theirs}
    made = publish(here)
    path = tmp_path / "spanning.car"
    export_held(here, record_of(here, made.entry), path)
    report = audit_car(path)
    assert failed(report) == []
    assert results(report)["4.items"] == HOLDS
    assert report.issuer == here.key.did


def test_a_row_that_the_followed_issuer_takes_back_is_in_no_new_snapshot(both: Both) -> None:
    here, there = both.here, both.there.home
    query = {"issuer": there.key.did}
    before = take_snapshot(here, query=query, include_referenced=True)
    said = records.parse_as(records.Snapshot, here.store.get(CID.parse(before["snapshot"])))
    several = sha256(b"0").digest()  # which two people labelled
    gone = next(row["sha256"] for row in tables.rows_as_dicts(said.items, here.store.get) if row["sha256"] != several)
    back = records.Withdrawal(target=gone, reason="asked", remedy="notice", effective=there.now())
    append(there, there.key, msgspec.structs.replace(back, issuer=there.key.did, contributor="anna"))
    assert bring_up_to_date(here, there.key.did)["refusals"] == []
    after = take_snapshot(here, query=query, include_referenced=True)
    left = records.parse_as(records.Snapshot, here.store.get(CID.parse(after["snapshot"])))
    assert gone not in {row["sha256"] for row in tables.rows_as_dicts(left.items, here.store.get)}
    assert after["count"] == before["count"] - 1
