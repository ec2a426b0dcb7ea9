"""One catalog, one store, two keys: each issuer's log, plans, runs, releases and withdrawals are its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from registry.assembly import Home, open_home
from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.labeled_images.history import image_history
from registry.catalog.queries.signed_records import entries, releases
from registry.catalog.queries.training_runs import runs
from registry.core.errors import Conflict
from registry.core.ipld.cid import CID
from registry.settings import read_settings
from registry.workflows import local_issuers
from registry.workflows.audit.audit_target import audit_target
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.images.registering.relabel import relabel
from registry.workflows.log.anchor_documents import submit_anchor
from registry.workflows.releases.publish_release import publish_release
from registry.workflows.runs.control_run import resume
from registry.workflows.runs.list_plans import list_plans
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.upkeep.maintenance import rebuild_catalog
from registry.workflows.withdrawals.withdraw import withdraw
from registry.workflows.withdrawals.withdrawn import withdrawals_by
from tests.catalog.databases import KINDS, fresh_url
from tests.conftest import ROOT
from tests.support.logs import log_of
from tests.workflows.conftest import Folder

pytestmark = pytest.mark.usefixtures("children_here")


@pytest.fixture(autouse=True)
def ask_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if some seconds had passed since anybody asked whose keys other machines have."""
    monkeypatch.setattr(local_issuers, "_ASKED_SECONDS", 0.0)


SIMULATED = Wanted(recipe="simulated", method="simulated")


class Pair(NamedTuple):
    """Two homes, each with a key of its own, on one database and one folder of blocks."""

    anna: Home
    ben: Home


@pytest.fixture(params=KINDS)
def pair(request: pytest.FixtureRequest, environment: dict[str, str], tmp_path: Path) -> Iterator[Pair]:
    (tmp_path / "home").mkdir()
    (tmp_path / "blocks").mkdir()
    (tmp_path / "ben").mkdir()
    for name in ("home", "ben"):
        (tmp_path / name / "blocks").symlink_to(tmp_path / "blocks")
    with fresh_url(request.param, tmp_path, request) as url:
        shared = {**environment, "EMOTIONET_DATABASE_URL": url}
        places = (shared, {**shared, "EMOTIONET_HOME": str(tmp_path / "ben")})
        homes = Pair(*(open_home(read_settings(place)) for place in places))
        yield homes
        for home in homes:
            home.close()


def run_of(home: Home, snapshot: CID) -> str:
    run = start_run(home, snapshot, SIMULATED)
    home.worker().work(run)
    return run


def rows_of(home: Home) -> dict[str, Any]:
    with home.catalog.read() as db:
        return {row["issuer"]: row for row in releases.list_releases(db)[0]}


def logs(pair: Pair) -> list[list[dict[str, Any]]]:
    with pair.anna.catalog.read() as db:
        return [log_of(db, home.key.did) for home in pair]


def published(pair: Pair, labeled: Folder) -> list[dict[str, Any]]:
    """Both import, correct a label of the other's images, take the same snapshot, train and publish."""
    for home, name in zip(pair, ("annas", "bens"), strict=True):
        import_source(home, str(labeled(24, name)))
    with pair.anna.catalog.read() as db:
        image = images.list_images(db, limit=1)[0][0]["sha256"]
    for home, label in zip(pair, ("feliz", "triste"), strict=True):
        assert relabel(home, image, label)["registered"] == 1
    with pair.anna.catalog.read() as db:
        said = {one["issuer"]: one["label"] for one in image_history(db, bytes.fromhex(image)) if one["current"]}
    assert said.keys() == {home.key.did for home in pair}
    snapshots = [CID.parse(take_snapshot(home)["snapshot"]) for home in pair]
    return [publish_release(home, run_of(home, cid)) for home, cid in zip(pair, snapshots, strict=True)]


def test_two_issuers_publish_from_one_catalog(pair: Pair, labeled: Folder) -> None:
    done = published(pair, labeled)
    dids = [home.key.did for home in pair]
    assert [one["issuer"] for one in done] == dids
    for home, log, one in zip(pair, logs(pair), done, strict=True):
        assert [row["seq"] for row in log] == list(range(len(log)))
        assert sorted(row["record_type"] for row in log if row["record_type"] in {"plan", "release", "snapshot"}) == [
            "plan",
            "release",
            "snapshot",
        ]
        assert all(home.store.has(CID.parse(row["cid"])) for row in log)
        plans = list_plans(home, home.key.did)[0]
        assert [(plan["issuer"], plan["published_by"], plan["releases"]) for plan in plans] == [
            (home.key.did, "this registry", [one["release"]])
        ]
        assert one["anchor"]["status"] == "journal"
        assert submit_anchor(home, None)["entry"] == log[-1]["cid"]
    # homes that share a server's database are machines of one registry; one file in two homes is a test's own doing
    others = set() if pair.anna.settings.database_is_shared else {"somebody else"}
    assert {plan["published_by"] for plan in list_plans(pair.anna)[0]} == {"this registry", *others}
    for home in pair:
        for did, other, one in zip(dids, reversed(dids), done, strict=True):
            assert audit_target(home, one["release"], level=2, issuer=did).exit_code(strict=False) == 0
            assert audit_target(home, one["release"], level=2, issuer=other).exit_code(strict=False) == 1

    before = list_plans(pair.anna), logs(pair), rows_of(pair.anna)
    for home in pair:
        assert rebuild_catalog(home)["problems"] == []
        assert (list_plans(pair.anna), logs(pair), rows_of(pair.anna)) == before

    withdraw(pair.ben, done[0]["release"], "not mine to take back")
    withdraw(pair.ben, done[1]["release"], "a mistake")
    taken_back = withdrawals_by(pair.anna, list(rows_of(pair.anna).values()))
    assert set(taken_back) == {done[1]["release"]}


def test_who_has_another_key_signs_nothing_of_a_run(pair: Pair, labeled: Folder) -> None:
    import_source(pair.anna, str(labeled(24)))
    import_source(pair.ben, str(labeled(4, "bens")))
    snapshot = CID.parse(take_snapshot(pair.anna)["snapshot"])
    run = start_run(pair.anna, snapshot, SIMULATED)
    length = [len(log) for log in logs(pair)]
    pair.ben.worker().work(run, idle=lambda: True)
    with pair.ben.catalog.read() as db:
        assert runs.row(db, run)["plan"] is None
        assert runs.row(db, run)["issuer"] == pair.anna.key.did
    pair.anna.queue.cancel(run)
    with pytest.raises(Conflict, match="whose key is not in this home") as raised:
        resume(pair.ben, run)
    assert raised.value.code == "key_missing"
    resume(pair.anna, run)
    pair.anna.worker().work(run)
    with pytest.raises(Conflict) as raised:
        publish_release(pair.ben, run)
    assert raised.value.code == "key_missing"
    assert [len(log) for log in logs(pair)] == [length[0] + 1, length[1]]
    assert publish_release(pair.anna, run)["issuer"] == pair.anna.key.did


def test_an_equal_run_of_another_issuer_is_another_run(pair: Pair, labeled: Folder) -> None:
    import_source(pair.anna, str(labeled(24)))
    snapshot = CID.parse(take_snapshot(pair.anna)["snapshot"])
    first = start_run(pair.anna, snapshot, SIMULATED, anew=False)
    second = start_run(pair.ben, snapshot, SIMULATED, anew=False)
    assert first != second
    with pytest.raises(Conflict) as raised:
        start_run(pair.ben, snapshot, SIMULATED, anew=False)
    assert raised.value.code == "unfinished_run"
    assert second in str(raised.value)


def test_a_signer_is_given_to_what_signs(pair: Pair, labeled: Folder) -> None:
    """One home signs as whoever it is told to: nothing below a command reads the home's own key."""
    ben = pair.ben.key
    import_source(pair.anna, str(labeled(8)), signer=ben)
    snapshot = take_snapshot(pair.anna, signer=ben)["snapshot"]
    withdraw(pair.anna, snapshot, "asked to", signer=ben)
    with pair.anna.catalog.read() as db:
        assert entries.issuers(db) == [ben.did]
        assert [row["record_type"] for row in log_of(db, ben.did)] == [
            "issuer",
            "contribution",
            "snapshot",
            "withdrawal",
        ]


BEGINS = {
    "api/bulk/register.py",
    "api/gateway/tlog.py",
    "workflows/audit/publish_audit.py",
    "workflows/releases/export_release.py",
    "workflows/images/importing/import_source.py",
    "workflows/images/registering/relabel.py",
    "workflows/log/anchor_documents.py",
    "workflows/references/ask_again.py",
    "workflows/references/fetch_job.py",
    "workflows/releases/publish_release.py",
    "workflows/runs/start_run.py",
    "workflows/snapshots/take_snapshot.py",
    "workflows/upkeep/examine_chain.py",  # not to sign: which address pays
    "workflows/upkeep/examine_home.py",
    "workflows/training/run_context.py",
    "workflows/withdrawals/withdraw.py",
    "workflows/withdrawals/who_asks.py",  # not to sign: a request's rows are its own only in this registry's log
}


def test_the_homes_key_is_read_where_a_command_a_request_or_a_job_begins() -> None:
    """Everything else is given a signer, or an issuer."""
    root = ROOT / "registry"
    reads = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if re.search(r"\bparts\.key\b", path.read_text(encoding="utf-8"))
    }
    assert reads == BEGINS
