"""Starting a run through pages, and comparing several."""

from __future__ import annotations

import re
from typing import Any

import pytest

from registry.assembly import Home
from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.snapshots import checked_tables as snapshot_tables
from registry.evaluation.claims import check_about, parse_claim
from registry.web.pages.runs.run_form import claimable
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.api.conftest import Client
from tests.api.pages.reading import HTML, see, value
from tests.api.pages.runs.conftest import queued, run_of
from tests.support.forgery import publish


@pytest.fixture(scope="module")
def snapshot(home: Home) -> str:
    return str(take_snapshot(home)["snapshot"])


def filled(page: str, **more: Any) -> dict[str, Any]:
    """The form as a browser would send it, with some fields filled in."""
    hidden = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', page))
    return {**hidden, "csrf": value(page), "method": "simulated", "recipe": "simulated", **more}


def test_without_a_snapshot_one_is_chosen(client: Client, snapshot: str) -> None:
    page = see(client, "/runs/new")
    assert f'href="/runs/new?snapshot={snapshot}"' in page


def test_without_a_gpu_the_recipe_of_minutes_is_proposed(
    client: Client, snapshot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for device, recipe in (("", "quick"), ("cuda", "emotionet-2023")):
        monkeypatch.setenv("EMOTIONET_DEVICE", device)
        page = see(client, f"/runs/new?snapshot={snapshot}")
        assert f"<option selected>{recipe}</option>" in page
    assert "<option selected>quick</option>" in see(client, f"/runs/new?snapshot={snapshot}&recipe=quick")
    assert "How long it takes on this machine" in page


def test_a_run_is_seen_before_it_is_started(signed: Client, home: Home, snapshot: str) -> None:
    page = see(signed, f"/runs/new?snapshot={snapshot}&method=simulated")
    assert 'placeholder="3"' in page  # the recipe's folds
    claim = {"metric": ["macro_f1"], "comparator": [">="], "threshold": ["0.1"]}
    more = signed.post("/runs/new", data=filled(page, do="more", **claim), headers=HTML)
    assert more.text.count('name="metric"') == 2
    assert 'value="macro_f1"' in more.text
    assert 'value="holm" selected' in page
    chosen = {"name": "first-try", "correction": "none"}
    form = filled(page, do="estimate", **claim, **chosen, **{"option.epochs": "4", "option.seed": "77"})
    answer = signed.post("/runs/new", data=form, headers=HTML)
    assert answer.status_code == 200, answer.text
    assert "What it would do and cost" in answer.text
    assert "3</b><span>trainings of 4 epochs" in answer.text
    assert "macro_f1 &gt;= 0.10" in answer.text
    assert "several attempts: not corrected" in answer.text
    started = signed.post("/runs/new", data={**form, "do": "start"}, headers=HTML, follow_redirects=False)
    assert started.status_code == 303, started.text
    run = started.headers["location"].rpartition("/")[2]
    assert "The run was taken on;" in see(signed, f"/runs/{run}")
    assert re.search(r"several attempts</dt><dd>not corrected", see(signed, f"/runs/{run}"))
    with home.catalog.read() as db:
        options = runs.row(db, run)["options"]
    assert options["values"]["training"]["epochs"] == 4
    assert options["values"]["seed"] == 77
    assert options["correction"] == "none"
    home.worker().work(run)
    assert "first-try" in see(signed, "/runs")
    assert f"<code>{run}</code>" in see(signed, "/runs/first-try")
    assert [one["metric"] for one in options["claims"]] == ["macro_f1"]


def test_another_method_offers_its_own_recipes_and_refuses_none_of_the_method_before(
    signed: Client, snapshot: str
) -> None:
    page = see(signed, f"/runs/new?snapshot={snapshot}")
    before = re.search(r'name="recipe">.*?<option selected>([^<]+)', page, re.S)
    assert before
    form = filled(page, recipe=before[1], do="estimate")
    assert form["shown_method"] != form["method"]
    answer = signed.post("/runs/new", data=form, headers=HTML)
    assert answer.status_code == 200
    assert "now those of the method simulated" in answer.text
    assert re.search(r'name="recipe">\s*<option selected>simulated', answer.text)
    again = signed.post("/runs/new", data=filled(answer.text, do="estimate"), headers=HTML)
    assert "What it would do and cost" in again.text
    first = re.search(r'<form id="run".*?<button[^>]* value="(\w+)"', answer.text, re.S)
    assert first
    assert first[1] == "estimate"  # what Enter presses


@pytest.mark.parametrize(
    ("field", "given", "said"),
    [
        ("option.epochs", "-1", "must be a whole number"),
        ("option.epochs", "99999999", "must be a whole number from 1 to"),
        ("recipe", "../../etc/passwd", "no recipe is called"),
        ("base", "not a CID", "not a CID"),
        ("threshold", "7", "is not a claim"),
        ("metric", "happiness", "there is no figure"),
        ("final", "fold:99", "final must be"),
        ("name", "Not A Name", "can be no name"),
        ("correction", "bonferroni", "a correction is holm or none"),
    ],
)
def test_what_can_not_be_is_said_and_the_form_keeps_what_was_typed(
    signed: Client,
    snapshot: str,
    field: str,
    given: str,
    said: str,
) -> None:
    page = see(signed, f"/runs/new?snapshot={snapshot}&method=simulated")
    form = {"metric": "macro_f1", "comparator": ">=", "threshold": "0.5", "option.seed": "5", field: given}
    answer = signed.post("/runs/new", data=filled(page, do="start", **form), headers=HTML)
    assert answer.status_code == 422, answer.text
    assert said in answer.text.replace("&#39;", "'")
    assert 'name="option.seed" value="5"' in answer.text


def test_a_bad_claim_is_told_beside_its_field_in_the_readers_language(signed: Client, snapshot: str) -> None:
    page = see(signed, f"/runs/new?snapshot={snapshot}&method=simulated")
    claim = {"metric": "macro_f1", "comparator": ">=", "threshold": "90 %"}
    spanish = {**HTML, "accept-language": "es"}
    answer = signed.post("/runs/new", data=filled(page, do="estimate", **claim), headers=spanish)
    assert answer.status_code == 422
    found = re.search(r'id="v1"[^>]*aria-describedby="e1".*?id="e1">([^<]*)<small lang="en">', answer.text, re.S)
    assert found
    assert "Esta afirmación no se entiende" in found[1]
    assert "emotionet-2023" not in answer.text  # a recipe that this method does not have


def test_every_figure_that_is_offered_can_be_claimed(home: Home, snapshot: str) -> None:
    record = records.parse_as(records.Snapshot, home.store.get(CID.parse(snapshot)))
    offered = claimable(record, home.store.get)
    assert {"macro_f1", "f1(feliz)", "recall_gap(class)", "recall(side=l)", "recall_gap(side)"} <= set(offered)
    claims = [parse_claim(f"{name} >= 0.5", record.classes) for name in offered]
    assert [one.metric for one in claims] == offered
    check_about(claims, record.classes, (row["attributes"] for row in snapshot_tables.items(record, home.store.get)))


def test_a_form_that_is_forged_starts_nothing(signed: Client, home: Home, snapshot: str) -> None:
    with home.catalog.read() as db:
        before = len(runs.list_runs(db)[0])
    form = {"snapshot": snapshot, "method": "simulated", "do": "start", "csrf": "x"}
    assert signed.post("/runs/new", data=form, headers=HTML).status_code == 403
    with home.catalog.read() as db:
        assert len(runs.list_runs(db)[0]) == before
    assert "not known any more" in see(signed, "/runs/new/none", 404)


def test_only_what_differs_is_shown_until_all_is_asked_for(client: Client, home: Home) -> None:
    run, other = run_of(home), queued(home, overrides={"seed": 21, "epochs": 3})
    page = see(client, f"/runs/compare?run={run}&run={other}")
    assert "<code>training.epochs</code>" in page
    assert "<code>seed</code>" in page
    assert "<code>folds.k</code>" not in page
    assert "Publish both runs" in page
    whole = see(client, f"/runs/compare?run={run}&run={other}&all=1", language="es")
    assert "<code>folds.k</code>" in whole
    assert "Solo lo que difiere" in whole
    assert f"run={run}&amp;run={other}" in page  # the view's state stands in the address


def test_two_released_runs_are_compared_on_the_same_images(client: Client, home: Home) -> None:
    first = run_of(home)
    with home.catalog.read() as db:
        released_first = runs.row(db, first)["release"]
    publish(home, overrides={"seed": 31})
    with home.catalog.read() as db:
        done = runs.list_runs(db, status="completed")[0]
    second = next(one for one in done if one["release"] and one["run"] != first)
    page = see(client, f"/runs/compare?run={first}&run={second['run']}")
    assert "images that both judged" in page
    assert f"/releases/{released_first}/compare/{second['release']}" in page
    three = see(client, f"/runs/compare?run={first}&run={second['run']}&run={queued(home, overrides={'seed': 32})}")
    assert three.count("Leave r") == 6  # a title and a name each
    assert "On the same images" not in three


def test_a_comparison_takes_two_to_ten_runs(client: Client, home: Home) -> None:
    run = run_of(home)
    many = "&".join(f"run={queued(home, overrides={'seed': 100 + number})}" for number in range(11))
    for query in ("", f"?run={run}", f"?run={run}&run={run}", f"?{many}"):
        assert "choose 2 to 10 runs" in see(client, f"/runs/compare{query}", 400)


def test_a_run_that_there_is_not_is_not_compared(client: Client, home: Home) -> None:
    see(client, f"/runs/compare?run={run_of(home)}&run=nothing", 404)
