"""Folds that are drawn by a round of drand after a timestamp: no chain, an authority and relays that misbehave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.assembly import Home, open_home
from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.errors import UsageError
from registry.core.ipld.cid import CID
from registry.evaluation.sentences import warning_text
from registry.provenance.beacons.networks import KNOWN
from registry.provenance.checks.results import FAILS, HOLDS
from registry.settings import read_settings
from registry.workflows.audit.audit_file import audit_car
from registry.workflows.audit.trust_roots import trust_of
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.publish_release import publish_release
from registry.workflows.runs.control_run import resume
from registry.workflows.runs.estimate_run import estimate_run
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.export_held import export_held
from registry.workflows.upkeep.examine_home import examine
from tests.support.anchors.authority import Authority, serving
from tests.support.beacons import Relay, info, network, relays
from tests.support.forgery import faces as made_faces
from tests.support.forgery import opened_home, results

WANTED = Wanted(recipe="simulated", method="simulated", claims=("macro_f1 >= 0.10",))
DRAND = f"drand:{network().hash}"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Home, list[Relay]]]:
    """A home with an authority, a relay that lies and one that doesn't, and a snapshot of images."""
    told = tmp_path / "networks.json"
    told.write_text(json.dumps([info()]), encoding="utf-8")
    with serving(Authority(tmp_path / "authority")) as authority, relays("exchanged", "honest") as both:
        monkeypatch.setenv("EMOTIONET_TSA", authority.url)
        monkeypatch.setenv("EMOTIONET_TSA_ROOTS", str(authority.root))
        monkeypatch.setenv("EMOTIONET_DRAND", "simulated")
        monkeypatch.setenv("EMOTIONET_DRAND_NETWORKS", str(told))
        monkeypatch.setenv("EMOTIONET_DRAND_RELAYS", ",".join(one.url for one in both))
        monkeypatch.setenv("EMOTIONET_FINALITY_SECONDS", "0")
        with opened_home(tmp_path) as home:
            import_source(home, str(made_faces(tmp_path / "faces")))
            yield home, both


def worked(home: Home, run: str) -> str | None:
    """Work a run to its end: its error, None where it has none."""
    home.worker().work(run)
    with home.catalog.read() as db:
        error: str | None = runs.row(db, run)["error"]
        return error


def warnings(home: Home, run: str) -> list[str]:
    with home.catalog.read() as db:
        return [
            f"{warning_text(one['data'], 'en')} {warning_text(one['data'], 'es')}"
            for one in home.queue.events(db, run)
            if one["kind"] == "warning"
        ]


def test_folds_drawn_by_drand_hold_in_an_audit_without_any_network(
    made: tuple[Home, list[Relay]], tmp_path: Path
) -> None:
    home, (liar, _) = made
    snapshot = CID.parse(take_snapshot(home)["snapshot"])
    assert estimate_run(home, snapshot, WANTED)["beacons"] == [DRAND]
    run = start_run(home, snapshot, WANTED)
    assert worked(home, run) is None
    assert any(
        liar.url.removeprefix("http://") in one and "lies" in one and "miente" in one for one in warnings(home, run)
    )
    entry = CID.parse(publish_release(home, run)["entry"])
    path = tmp_path / "release.car"
    export_held(home, entry, path)
    report = audit_car(path, trust=trust_of(home.settings))
    found = {one.id: (one.result, one.reason) for one in report.checks}
    assert [id for id, (result, _) in found.items() if result == FAILS] == []
    assert (found["3.drand"][0], found["4.draw"]) == (HOLDS, (HOLDS, "from the plan's seed and drand"))
    assert found["3.drawn"][0] == HOLDS
    assert results(audit_car(path))["3.drand"] == "not checked"
    [told] = [one for one in examine(home) if one["name"] == "beacons"]
    assert (told["ok"], "genuine" in told["detail"], "lies" in told["detail"]) == (True, True, True)


def test_a_draw_waits_for_its_round_and_can_be_resumed(
    made: tuple[Home, list[Relay]], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, both = made
    monkeypatch.setattr("registry.workflows.plan_beacons.PAUSE", 0.0)
    for one in both:
        one.newest = 0
    run = start_run(home, CID.parse(take_snapshot(home)["snapshot"]), WANTED)
    error = worked(home, run)
    assert error is not None
    assert "does not have the round yet" in error
    assert any("waiting for round" in one and "espera la ronda" in one for one in warnings(home, run))
    with home.catalog.read() as db:
        plan = runs.row(db, run)["plan"]
        assert runs.row(db, run)["draw"] is None
    _resumed(home, run, EMOTIONET_DRAND=None, said="which EMOTIONET_DRAND does not")
    _resumed(home, run, EMOTIONET_DRAND="quicknet", said="which EMOTIONET_DRAND does not")
    for one in both:
        one.newest = 1 << 40
    resume(home, run)
    assert worked(home, run) is None
    with home.catalog.read() as db:
        row = runs.row(db, run)
    assert row["plan"] == plan
    [mixed] = records.parse_as(records.Draw, home.store.get(CID.parse(row["draw"]))).beacons
    assert mixed.named == DRAND


def _resumed(home: Home, run: str, said: str, **settings: str | None) -> None:
    """Nothing takes the place of what the plan names."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.delenv(name) if value is None else patch.setenv(name, value)
        other = open_home(read_settings())
        resume(other, run)
        assert said in str(worked(other, run))
        other.close()


def test_drand_needs_something_that_shows_when_the_plan_was_anchored(
    made: tuple[Home, list[Relay]], monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = CID.parse(take_snapshot(made[0])["snapshot"])
    monkeypatch.delenv("EMOTIONET_TSA")
    home = open_home(read_settings())
    with pytest.raises(UsageError, match="nothing here shows when"):
        start_run(home, snapshot, WANTED)
    assert estimate_run(home, snapshot, Wanted(**{**vars(WANTED), "unanchored": True}))["beacons"] == []
    home.close()


@pytest.mark.parametrize("name", ["other", "simulated simulated"])
def test_a_network_that_is_not_trusted_is_named(
    made: tuple[Home, list[Relay]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("EMOTIONET_DRAND", name)
    with pytest.raises(UsageError, match="no drand network that is trusted here"):
        _ = open_home(read_settings()).beacons


def test_a_file_of_networks_that_are_none_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "networks.json"
    bad.write_text("[{}]", encoding="utf-8")
    settings = read_settings({"EMOTIONET_HOME": str(tmp_path), "EMOTIONET_DRAND_NETWORKS": str(bad)})
    with pytest.raises(UsageError, match="describes no drand network"):
        trust_of(settings).networks()
    assert trust_of(read_settings({"EMOTIONET_HOME": str(tmp_path)})).networks() == KNOWN
