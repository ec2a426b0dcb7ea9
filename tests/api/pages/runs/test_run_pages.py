"""The pages of runs: what is listed and shown of a run in each of its states, and what their forms do."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from registry.assembly import Home
from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.ipld.cid import CID
from tests.api.conftest import Client
from tests.api.pages.reading import HTML, see, value
from tests.api.pages.runs.conftest import queued, run_of


def test_a_completed_run_says_its_verdicts_first(client: Client, home: Home) -> None:
    run = run_of(home)
    page = see(client, f"/runs/{run}")
    verdict, claims, figures, folds = (page.index(text) for text in ('"verdict"', ">Claims<", ">Figures<", ">Folds<"))
    assert verdict < claims < figures < folds
    assert "is supported: " in page[verdict:claims]
    assert "not audited" in page[verdict:claims]
    assert "macro_f1 &gt;= 0.10" in page
    assert "supported" in page[claims:figures]
    assert "<svg" in page
    assert page.count('<tr><th scope="row"><span class="fold-name">') == 3
    assert "Published as" in page
    spanish = see(client, f"/runs/{run}", language="es")
    assert "se sostiene" in spanish
    assert "F1 macro" in spanish
    assert client.get(f"/runs/{run}").json()["run"] == run  # a program gets the document at the same address


def test_best_and_last_stand_side_by_side_in_every_fold(client: Client, home: Home) -> None:
    row = re.findall(
        r'<tr><th scope="row"><span class="fold-name">.*?</tr>', see(client, f"/runs/{run_of(home)}"), re.S
    )[0]
    numbers = re.findall(r'<td class="n">(.*?)</td>', row)
    assert numbers[0] == "0.500"  # the last of 1/1 and 1/2
    assert numbers[1] == '<b>0.500</b> <span class="soft small">epoch 2</span>'


def test_the_list_is_filtered_and_leads_to_a_comparison(client: Client, home: Home) -> None:
    run, other = run_of(home), queued(home, overrides={"seed": 11})
    page = see(client, "/runs")
    assert all(f'name="run" value="{one}"' in page for one in (run, other))
    assert 'action="/runs/compare"' in page
    assert other not in see(client, "/runs?status=completed")
    assert run not in see(client, "/runs?status=queued")
    with home.catalog.read() as db:
        snapshot = runs.row(db, run)["snapshot"]
    assert run in see(client, f"/runs?snapshot={snapshot}")
    assert "No run meets this filter" in see(client, "/runs?status=failed")
    assert "is one of" in see(client, "/runs?status=%3Cscript%3E", 400)
    see(client, "/runs/nothing", 404)


def test_a_run_is_cancelled_and_resumed_by_forms(signed: Client, home: Home) -> None:
    run = queued(home, overrides={"seed": 12})
    page = see(signed, f"/runs/{run}")
    assert "Cancel the run" in page
    assert '<noscript><meta http-equiv="refresh"' in page
    answer = signed.post(f"/runs/{run}/cancel", data={"csrf": value(page)}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/runs/{run}")
    page = see(signed, f"/runs/{run}")
    assert "The run was cancelled." in page
    assert "Resume the run" in page
    assert "http-equiv" not in page
    assert signed.post(f"/runs/{run}/resume", data={"csrf": value(page)}, follow_redirects=False).status_code == 303
    assert "queued" in see(signed, f"/runs/{run}")
    again = signed.post(f"/runs/{run}/cancel", data={"csrf": value(page)}, follow_redirects=False)
    assert again.status_code == 303
    twice = signed.post(f"/runs/{run}/cancel", data={"csrf": value(page)}, headers=HTML, follow_redirects=False)
    assert twice.status_code == 409
    assert "cancelled already" in twice.text


@pytest.mark.parametrize("verb", ["cancel", "resume", "publish"])
def test_a_form_needs_a_signed_in_person_and_a_value_of_ours(client: Client, home: Home, verb: str) -> None:
    run = run_of(home)
    client.cookies.clear()
    answer = client.post(f"/runs/{run}/{verb}", data={}, headers=HTML, follow_redirects=False)
    assert answer.status_code in (302, 303)
    assert answer.headers["location"].startswith("/signin")


@pytest.mark.parametrize("verb", ["cancel", "resume", "publish"])
def test_a_forged_form_does_nothing(signed: Client, home: Home, verb: str) -> None:
    run = queued(home, overrides={"seed": 13})
    answer = signed.post(f"/runs/{run}/{verb}", data={"csrf": "x"}, headers=HTML, follow_redirects=False)
    assert answer.status_code == 403
    with home.catalog.read() as db:
        assert runs.row(db, run)["status"] == "queued"


def test_a_failed_run_says_why_and_the_way_out(client: Client, home: Home) -> None:
    run = queued(home, recipe='{"fail": true}')
    home.worker().work(run)
    page = see(client, f"/runs/{run}")
    assert "This run failed" in page
    assert page.count("this method was told to fail") >= 2  # on top, and in the log
    assert "failed at fold" in page
    assert "falló en pliegue" in see(client, f"/runs/{run}/log", language="es")


def test_a_run_that_fails_before_its_plan_keeps_its_name_and_says_that_nobody_cancelled_it(
    client: Client, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = queued(home, overrides={"seed": 15}, name="teamrun")
    for path in ("/runs", f"/runs/{run}"):
        assert "teamrun" in see(client, path)
    dropping = type(home.method("simulated"))
    real = dropping.preprocess

    def drop_all(self: Any, *given: Any) -> Any:
        return [msgspec.structs.replace(row, reason="blur") for row in real(self, *given)]

    monkeypatch.setattr(dropping, "preprocess", drop_all)
    home.worker().work(run)
    for path in ("/runs", f"/runs/{run}"):
        assert "teamrun" in see(client, path)
    page = see(client, f"/runs/{run}")
    assert "cleaning dropped every image" in page
    assert "the reasons are counted below" in page
    assert "emotionet runs" not in page.partition('class="log"')[0]
    assert f"/runs/{run}/dropped" not in page  # there is no record of what was dropped
    assert "cancelled" not in page
    assert "not trained" in page
    for below in ("live", "log"):
        assert "blur" in see(client, f"/runs/teamrun/{below}") or below == "log"
    assert client.get(f"/api/v1/runs/{run}").json()["names"] == ["teamrun"]
    assert {one["run"]: one["names"] for one in client.get("/api/v1/runs").json()["items"]}[run] == ["teamrun"]


def test_what_is_hostile_in_an_event_is_only_text(client: Client, home: Home) -> None:
    run = queued(home, overrides={"seed": 14})
    evil = "<script>alert(1)</script>" + "x" * 5000
    with home.catalog.write() as db:
        home.queue.emit(db, run, "warning", {"text": evil}, home.now())
        home.queue.emit(db, run, "fold", {"fold": 0, "epoch": 1, "epochs": 2, "loss": evil, "f1": "nan"}, home.now())
        home.queue.emit(db, run, "<b>odd</b>", {}, home.now())
    for path in (f"/runs/{run}", f"/runs/{run}/log", f"/runs/{run}/live"):
        page = see(client, path)
        assert "<script>alert" not in page
        assert "<b>odd" not in page
        assert "x" * 1000 not in page


def test_the_part_that_is_live_comes_alone(client: Client, home: Home) -> None:
    part = see(client, f"/runs/{run_of(home)}/live")
    assert "<html" not in part
    assert 'data-live="no"' in part
    assert 'data-live="yes"' in see(client, f"/runs/{queued(home, overrides={'seed': 15})}/live")


def test_events_are_followed_from_a_number_on(client: Client, home: Home) -> None:
    run = run_of(home)
    whole = client.get(f"/api/v1/runs/{run}/events").text
    rest = client.get(f"/api/v1/runs/{run}/events?after=3").text
    assert "id: 3\r" in whole.replace("\n", "\r")
    assert "id: 4\r" in rest.replace("\n", "\r")
    assert "id: 3\r" not in rest.replace("\n", "\r")


def test_a_run_that_dropped_nothing_says_so(client: Client, home: Home) -> None:
    assert "No image was dropped" in see(client, f"/runs/{run_of(home)}/dropped")
    early = queued(home, overrides={"seed": 16})
    assert "has not cleaned its images yet" in see(client, f"/runs/{early}/dropped", 409)


def test_a_strangers_evaluation_that_states_no_number_breaks_no_page(client: Client, home: Home) -> None:
    run, evil = run_of(home), "1e999999999"
    with home.catalog.read() as db:
        row = runs.row(db, run)
    found = records.parse_as(records.Evaluation, home.store.get(CID.parse(row["evaluation"])))
    forged = msgspec.structs.replace(found, verdicts=(msgspec.structs.replace(found.verdicts[0], threshold=evil),))
    home.store.put(records.cid(forged), records.encode(forged))
    with home.catalog.write() as db:
        other = runs.create(
            db,
            **{name: row[name] for name in ("snapshot", "recipe_name", "engine", "options", "plan", "kept", "dropped")},
            now=home.now(),
            status="completed",
            evaluation=str(records.cid(forged)),
        )
    assert "states what can&#39;t be shown" in see(client, f"/runs/{other}")
    assert other in see(client, "/runs")
    assert evil not in see(client, f"/runs/compare?run={run}&run={other}&all=1")
