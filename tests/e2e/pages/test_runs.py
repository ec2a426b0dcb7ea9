"""Snapshots and runs in a browser: every page in both languages, a run that is watched, cancelled and resumed, and the
way from a snapshot to a run without scripts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect

from registry.assembly import Home
from registry.catalog.queries.training_runs import runs
from registry.core.ipld.cid import CID
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.support.pages import Site, look

SLOW = '{"delay": 400, "epochs": 40}'


@contextmanager
def worked(home: Home, run: str) -> Iterator[None]:
    """A worker that does this run's jobs meanwhile; it has stopped afterwards."""
    worker = home.worker()
    thread = threading.Thread(target=worker.work, args=(run,))
    thread.start()
    try:
        yield
    finally:
        worker.stopping.set()
        thread.join(60)
        assert not thread.is_alive()


def completed(home: Home) -> tuple[str, str]:
    """The run of the release, and its snapshot."""
    with home.catalog.read() as db:
        found = runs.list_runs(db, status="completed")[0][-1]
    return found["run"], found["snapshot"]


def queued(home: Home, recipe: str = "simulated", seed: int = 7) -> str:
    """A run that waits for a worker."""
    snapshot = CID.parse(take_snapshot(home)["snapshot"])
    return start_run(home, snapshot, Wanted(recipe=recipe, method="simulated", overrides={"seed": seed}))


def addresses(home: Home) -> list[str]:
    run, snapshot = completed(home)
    other = str(take_snapshot(home, query={"label": "feliz"})["snapshot"])
    waiting = queued(home, seed=5)
    failing = queued(home, '{"fail": true}')
    home.worker().work(failing)
    return [
        "/snapshots",
        f"/snapshots/{snapshot}",
        f"/snapshots/{snapshot}/items",
        f"/snapshots/{snapshot}/excluded",
        f"/snapshots/{snapshot}/people",
        f"/snapshots/{snapshot}/copies",
        f"/snapshots/{snapshot}/diff/{other}",
        "/snapshots/new?preview=1",
        "/runs",
        f"/runs/{run}",
        f"/runs/{waiting}",
        f"/runs/{failing}",
        f"/runs/{run}/log",
        f"/runs/{run}/dropped",
        f"/runs/compare?run={run}&run={waiting}&all=1",
        "/runs/new",
        f"/runs/new?snapshot={snapshot}&method=simulated",
    ]


def test_every_page_is_whole_in_both_languages(site: Site) -> None:
    listed = addresses(site.home)
    with site.visit(None) as page:
        for address in listed:
            page.goto(address)
            expect(page.locator("html")).to_have_attribute("lang", "en")
            assert page.locator("h1").count() == 1, address
            look(page)
    with site.visit(None, language="es") as page:
        for address in listed:
            page.goto(address)
            expect(page.locator("html")).to_have_attribute("lang", "es")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


def test_a_run_is_watched_cancelled_and_resumed(site: Site) -> None:
    run = queued(site.home, SLOW)
    with site.visit() as page:
        site.sign_in(page, "runs:write", "releases:write")
        page.goto(f"/runs/{run}")
        live = page.locator("#live")
        expect(live).to_have_attribute("data-status", "queued")
        with worked(site.home, run):
            expect(live).to_have_attribute("data-status", "running", timeout=20_000)
            expect(live.locator("table.folds tbody tr")).to_have_count(3)
            expect(live.locator("figure svg").first).to_be_visible(timeout=20_000)
            before = live.get_attribute("data-seq")
            live.locator("figure summary").first.click()
            expect(live).not_to_have_attribute("data-seq", before or "", timeout=20_000)
            expect(live.locator("figure details").first).to_have_attribute("open", "")
            expect(live.locator(".state")).to_contain_text("Time left")
            look_once(page)
            page.get_by_role("button", name="Cancel the run").click()
            expect(page.get_by_text("The run was cancelled.")).to_be_visible()
            expect(page.get_by_role("heading", name="This run was cancelled")).to_be_visible()
        page.get_by_role("button", name="Resume the run").click()
        expect(live).to_have_attribute("data-status", "queued")
        with worked(site.home, run):
            expect(live).to_have_attribute("data-status", "running", timeout=20_000)
            page.get_by_role("button", name="Cancel the run").click()
        quick = queued(site.home, '{"delay": 300, "epochs": 2}')
        page.goto(f"/runs/{quick}")
        with worked(site.home, quick):
            publish = page.get_by_role("button", name="Publish as a release")
            expect(publish).to_be_visible(timeout=60_000)  # the page came to its end by itself
        expect(page.get_by_text("This run claims nothing.")).to_be_visible()
        publish.click()
        expect(page.get_by_text("Published as")).to_be_visible()


def look_once(page: Page) -> None:
    """Nothing sticks out of a page that changes while it is looked at."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_from_a_snapshot_to_a_run_without_scripts(site: Site) -> None:
    with site.visit(None, script=False, language="es") as page:
        site.sign_in(page, "snapshots:write", "runs:write")
        page.goto("/snapshots/new")
        page.fill("#name", "sin-guiones")
        page.get_by_role("button", name="Ver qué contendría").click()
        page.get_by_role("button", name="Firmar y tomarla").click()
        expect(page.locator("h1")).to_contain_text("sin-guiones · ")
        page.get_by_role("link", name="Entrenar con ella").click()
        page.goto(page.url + "&method=simulated")
        page.fill("#m1", "macro_f1")
        page.fill("#v1", "0.1")
        page.fill("#o-epochs", "3")
        page.get_by_role("button", name="Ver cuánto costaría").click()
        expect(page.get_by_role("heading", name="Qué haría y cuánto costaría")).to_be_visible()
        page.get_by_role("button", name="Iniciar el entrenamiento").click()
        page.wait_for_url("**/runs/r*")
        run = page.url.rpartition("/")[2]
        assert page.locator('noscript meta[http-equiv="refresh"], meta[http-equiv="refresh"]').count() == 1
        site.home.worker().work(run)
        page.reload()
        expect(page.locator("main")).to_contain_text("se sostiene")
        page.goto("/runs")
        page.check(f'input[value="{run}"]')
        page.locator('input[name="run"]').nth(1).check()
        page.get_by_role("button", name="Comparar los elegidos").click()
        expect(page.locator("h1")).to_have_text("Entrenamientos comparados")
