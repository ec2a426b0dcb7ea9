"""Every plan shows, also one that came to nothing; claims after the fact are judged anew and never pass for locked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from registry.assembly import Home
from registry.catalog.index.rebuild import rebuild
from registry.cli.main import main
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.web.base.words import Words
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.judge_claims import judge_claims
from registry.workflows.releases.publish_release import publish_release, show_release
from registry.workflows.runs.list_plans import list_plans
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.workflows.conftest import Folder

pytestmark = pytest.mark.usefixtures("children_here")


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
    assert by_claim["macro_f1 >= 0.99"]["releases"] == []
    assert by_claim["macro_f1 >= 0.10"]["releases"] == [release]
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
    assert [one["in_plan"] for one in done["claims"]] == [True, False]
    mine = {key: value for key, value in done["claims"][0].items() if key != "in_plan"}
    assert {**mine, "n": 48, "alone": None} == shown["claims"][0]
    assert done["claims"][1]["value"] == shown["metrics"]["accuracy"]["value"]
    assert show_release(opened, release)["claims"] == shown["claims"]  # nothing was put beside the plan's
    with pytest.raises(InvalidInput):
        judge_claims(opened, release, ["recall(gender=f) >= 0.5"])
    capsys.readouterr()
    assert main(["release", "claim", str(release), "macro_f1 >= 0.1"]) == 0
    out = capsys.readouterr().out
    assert "after the fact: macro_f1 >= 0.10" in out
    assert "made after the fact" in out


def test_a_report_shows_claims_after_the_fact_apart_from_the_plans(
    opened: Home, labeled: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import_source(opened, str(labeled(48)))
    snapshot = CID.parse(take_snapshot(opened)["snapshot"])
    release = publish_release(opened, run_of(opened, snapshot, 5, "macro_f1 >= 0.1"))["release"]
    page, report = tmp_path / "page.html", ["release", "report", release, "-o", str(tmp_path / "page.html")]
    assert main(report) == 0
    assert "After the fact" not in page.read_text(encoding="utf-8")
    page.unlink()
    claims = ("accuracy >= 0.999999", "recall(feliz) >= 0.000001")
    assert main([*report, "--claim", claims[0], "--claim", claims[1]]) == 0
    text = page.read_text(encoding="utf-8")
    plans, _, later = text.partition("After the fact")
    later, _, rest = later.partition("<h2>")
    english = Words("en")
    for claim in judge_claims(opened, CID.parse(release), claims)["claims"]:
        said = f"{claim['metric']} {claim['comparator'].replace('>', '&gt;')} {claim['threshold']}"
        assert said in later
        assert said not in plans + rest
        for part in (claim["verdict"], english.short(claim["value"]), english.interval(claim)):
            assert part in later
    assert "macro_f1 &gt;= 0.10" in plans
    assert "macro_f1" not in later
    assert main([*report, "--lang", "es", "--claim", "macro_f1 >= 0.1"]) == 0
    later = page.read_text(encoding="utf-8").partition("A posteriori")[2].partition("<h2>")[0]
    assert "macro_f1 &gt;= 0.10" in later
    assert "también está en el plan" in later
    page.unlink()
    capsys.readouterr()
    for bad, status in (("macro_f1 is good", 2), ("recall(gender=f) >= 0.5", 1)):
        assert main([*report, "--claim", bad]) == status
        assert capsys.readouterr().err.startswith("emotionet: ")
        assert main(["release", "claim", release, bad]) == status
    assert not list(tmp_path.glob("page*"))
