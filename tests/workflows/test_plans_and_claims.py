"""Every plan shows, also one that came to nothing; claims after the fact are judged anew and never pass for locked."""

from __future__ import annotations

import json

import pytest

from registry.assembly import Home
from registry.catalog.rebuild import rebuild
from registry.cli.main import main
from registry.core.cid import CID
from registry.core.errors import InvalidInput
from registry.workflows.import_source import import_source
from registry.workflows.judge_claims import judge_claims
from registry.workflows.list_plans import list_plans
from registry.workflows.publish_release import publish_release, show_release
from registry.workflows.start_run import Wanted, start_run
from registry.workflows.take_snapshot import take_snapshot
from tests.workflows.conftest import Folder


def run_of(opened: Home, snapshot: CID, seed: int, *claims: str) -> str:
    run = start_run(
        opened, snapshot, Wanted(recipe="simulated", method="simulated", overrides={"seed": seed}, claims=claims)
    )
    opened.worker().work(run)
    return run


def test_a_plan_without_a_release_is_seen(opened: Home, labeled: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    import_source(opened, str(labeled(48)))
    snapshot = CID.parse(take_snapshot(opened)["snapshot"])
    run_of(opened, snapshot, 5, "macro_f1 >= 0.99")
    release = publish_release(opened, run_of(opened, snapshot, 6, "macro_f1 >= 0.1"))["release"]
    found, after = list_plans(opened)
    assert after is None
    by_claim = {one["claims"][0]: one for one in found}
    assert by_claim["macro_f1 >= 0.990000"]["releases"] == []
    assert by_claim["macro_f1 >= 0.100000"]["releases"] == [release]
    assert {one["anchor"]["status"] for one in found} == {"journal"}
    assert {one["issuer"] for one in found} == {opened.key.did}
    rebuild(opened.catalog, opened.store.get, opened.store.cids(), opened.now())
    assert list_plans(opened) == (found, None)
    assert list_plans(opened, "did:pkh:eip155:1:0x" + "0" * 40) == ([], None)
    first, after = list_plans(opened, opened.key.did, limit=1)
    assert (*first, *list_plans(opened, opened.key.did, after)[0]) == tuple(found)
    capsys.readouterr()
    assert main(["plans", "list", "--issuer", opened.key.did, "--json"]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == found


def test_a_claim_after_the_fact_says_so(opened: Home, labeled: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    import_source(opened, str(labeled(48)))
    snapshot = CID.parse(take_snapshot(opened)["snapshot"])
    release = CID.parse(publish_release(opened, run_of(opened, snapshot, 5, "macro_f1 >= 0.1"))["release"])
    shown = show_release(opened, release)
    done = judge_claims(opened, release, ["macro_f1 >= 0.1", "accuracy >= 0.999999"])
    assert done["after_the_fact"] is True
    assert [one["locked_too"] for one in done["claims"]] == [True, False]
    mine = {key: value for key, value in done["claims"][0].items() if key != "locked_too"}
    assert mine == shown["claims"][0]
    assert done["claims"][1]["value"] == shown["metrics"]["accuracy"]["value"]
    assert show_release(opened, release)["claims"] == shown["claims"]  # nothing was put beside the plan's
    with pytest.raises(InvalidInput):
        judge_claims(opened, release, ["recall(gender=f) >= 0.5"])
    capsys.readouterr()
    assert main(["release", "claim", str(release), "macro_f1 >= 0.1"]) == 0
    out = capsys.readouterr().out
    assert "after the fact: macro_f1 >= 0.100000" in out
    assert "made after the fact" in out
