"""On a real chain: an honest release holds online at every level that is built, and offline nothing contradicts."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.assembly import open_home
from registry.core.records import EvmBlock
from registry.core.table import tables
from registry.provenance.checks.results import FAILS, UNCHECKED
from registry.provenance.checks.target.deep import DeepOptions
from registry.settings import read_settings
from registry.workflows.audit.audit_target import audit_car, audit_target
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.log.anchor_documents import submit_anchor
from registry.workflows.store.export_held import export_held
from registry.workflows.withdrawals.withdraw import withdraw
from tests.support.anchors.chain import fund
from tests.support.forgery import PLUGIN, faces, failed, publish, results


def test_an_anchored_release_holds(anvil: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EMOTIONET_CHAIN_RPC", anvil)
    monkeypatch.setenv("PYTHONPATH", str(PLUGIN))
    monkeypatch.syspath_prepend(str(PLUGIN))
    first = open_home(read_settings())
    fund(anvil, first.key.address)
    monkeypatch.setenv("EMOTIONET_CHAIN_CONTRACT", first.chain.deploy())
    first.close()
    home = open_home(read_settings())
    import_source(home, str(faces(tmp_path / "faces")))
    released = publish(home)
    submit_anchor(home, released.entry)
    image = next(tables.iterate(released.view.snapshot.items, home.store.get))
    withdraw(home, image[0].hex(), "later")  # an entry after the anchored one
    submit_anchor(home, None)
    report = audit_target(home, str(released.entry))
    assert (failed(report), report.exit_code(strict=True)) == ([], 0)
    path = tmp_path / "release.car"
    export_held(home, released.entry, path)
    online = audit_car(path, offline=False, chain=home.anchors)
    assert (failed(online), online.exit_code(strict=True)) == ([], 0)
    drawn = [audit_target(home, str(released.entry), level=5, deep=DeepOptions(sample=5)).sample for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert isinstance(drawn[0] and drawn[0].beacon, EvmBlock)  # of the release's anchor, as the chain says
    home.close()
    offline = results(audit_car(path))
    assert FAILS not in offline.values()
    assert {id for id, result in offline.items() if result == UNCHECKED and id[0] in "1234"} == {
        "2.labels",
        "2.query",
        "3.order",
        "3.beacon",
        "4.attempts",  # the file does not hold what the log's other entries say
    }
