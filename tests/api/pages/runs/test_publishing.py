"""A completed run is published by a form of its page, under a name."""

from __future__ import annotations

import time

from registry.assembly import Home
from registry.catalog.queries.training_runs import runs
from tests.api.conftest import Client
from tests.api.pages.reading import HTML, see, value
from tests.api.pages.runs.conftest import queued


def test_a_run_is_published_under_a_name_and_the_name_leads_to_it(signed: Client, home: Home) -> None:
    run = queued(home, overrides={"seed": 41})
    home.worker().work(run)
    page = see(signed, f"/runs/{run}")
    form = {"csrf": value(page), "name": "faces"}
    wrong = signed.post(f"/runs/{run}/publish", data={**form, "name": "latest"}, headers=HTML)
    assert wrong.status_code == 422
    answer = signed.post(f"/runs/{run}/publish", data=form, headers=HTML, follow_redirects=False)
    assert answer.headers["location"] == f"/runs/{run}"
    until = time.monotonic() + 60
    while "Published as" not in (page := see(signed, f"/runs/{run}")):
        assert time.monotonic() < until, page
        time.sleep(0.2)
    with home.catalog.read() as db:
        release = runs.row(db, run)["release"]
    assert f'href="/releases/{release}"' in page
    assert release in see(signed, "/releases/faces")
    assert ">faces</a>" in see(signed, "/releases")
