"""Audits that somebody signed: a release shows them all, favourable or not, also where it came in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from registry.cli.main import main
from registry.cli.texts.release import release_text
from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID
from registry.core.sampling import SEED_BYTES
from registry.provenance.checks.results import FAILS
from registry.provenance.checks.target.deep import DeepOptions
from registry.workflows.audit.audit_target import audit_car, audit_target
from registry.workflows.audit.publish_audit import audit_record, publish_audit
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.publish_release import show_release
from registry.workflows.store.export_held import export_held
from tests.support.blocks import lose
from tests.support.forgery import opened_home, simulated_release


def test_a_release_shows_every_audit_with_who_it_is_by_wherever_it_goes(tmp_path: Path) -> None:
    with simulated_release(tmp_path / "a") as (home, entry, view):
        release = records.cid(view.release)
        good = publish_audit(home, audit_target(home, str(release), level=5, deep=DeepOptions(sample=4)))
        lose(home.store, view.release.card)
        bad = audit_target(home, str(release))
        assert not bad.holds
        publish_audit(home, bad)
        shown = show_release(home, release)["audits"]
        assert sorted((one["fails"] > 0, one["sample"], one["local"]) for one in shown) == [
            (False, 4, True),
            (True, None, True),
        ]
        assert sum("audit by" in line for line in release_text(show_release(home, release))) == 2
        said = records.parse_as(records.Audit, home.store.get(good.record))
        assert (said.v, said.beacon, len(said.sample.seed if said.sample else b"")) == (2, None, SEED_BYTES)
    with simulated_release(tmp_path / "b") as (home, entry, view):
        publish_audit(home, audit_target(home, str(entry)))
        export_held(home, entry, tmp_path / "a.car")
        first = home.key.did
    assert audit_car(tmp_path / "a.car").holds
    with opened_home(tmp_path / "c") as other:
        import_source(other, str(tmp_path / "a.car"))
        (one,) = show_release(other, records.cid(view.release))["audits"]
        assert (one["issuer"], one["local"], one["published_by"]) == (first, False, "somebody else")
        publish_audit(other, audit_target(other, str(records.cid(view.release))))
        export_held(other, entry, tmp_path / "b.car")
        assert {one["local"] for one in show_release(other, records.cid(view.release))["audits"]} == {True, False}
    assert audit_car(tmp_path / "b.car").holds


def test_the_command_publishes_what_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulated_release(tmp_path) as (home, entry, view):
        assert main(["audit", str(entry), "--publish", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        said = records.parse_as(records.Audit, home.store.get(CID.parse(found["published"]["audit"])))
        assert said.target == bytes(records.cid(view.release))
        assert said.levels == (1, 2, 3, 4, 6)
        assert {one.id for one in said.checks} >= {"1.blocks", "6.verdicts"}


def test_what_is_no_release_is_not_published(tmp_path: Path) -> None:
    (tmp_path / "a.car").write_bytes(b"<html>")
    report = audit_car(tmp_path / "a.car")
    assert report.checks[0].result == FAILS
    with pytest.raises(InvalidInput, match="nothing to publish"):
        audit_record(report)


def test_an_audit_of_version_1_is_read_and_written_as_it_was() -> None:
    new = records.Audit(target=b"\x01" * 32, levels=(1,), environment={}, checks=(), beacon=None, sample=None)
    old = {name: value for name, value in encoding.decode(records.encode(new)).items() if name != "sample"} | {"v": 1}
    read = records.parse_as(records.Audit, encoding.encode(old))
    assert (read.v, read.sample) == (1, None)
    assert encoding.decode(records.encode(read)) == old
