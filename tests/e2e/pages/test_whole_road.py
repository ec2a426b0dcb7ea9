"""The main job through the pages alone: register, snapshot, train, watch, cancel, resume, publish, audit, withdraw.

Once with JavaScript, once with it switched off. Every page on the way is looked at, then once more in the other
language. Training is simulated, in this process.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from registry.assembly import Home
from tests.support.forgery import opened_home
from tests.support.pages import DESK, PHONE, Site, look, overflow, served

LABELS = ("triste", "feliz", "enojado")
EPOCH_MS = 150  # long enough that a run can be cancelled on its way
PATIENCE_MS = 60_000


def pictures(folder: Path) -> Path:
    """24 small pictures of three classes, and their table."""
    folder.mkdir()
    lines = ["file,label,contributor,subject"]
    for number in range(24):
        colour = (number * 10, 250 - number * 10, number * 37 % 256)
        Image.new("RGB", (48, 48), colour).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{LABELS[number % 3]},anna,{number // 2}")
    (folder / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def working(tmp_path: Path) -> Iterator[Home]:
    """An empty home with a worker; its simulated method is slow enough to be watched."""
    with opened_home(tmp_path) as home, pytest.MonkeyPatch.context() as patch:
        import simulated_method  # type: ignore[import-not-found]

        patch.setitem(simulated_method.DEFAULTS["training"], "delay", EPOCH_MS)
        worker = home.worker()
        thread = threading.Thread(target=worker.work, daemon=True)
        thread.start()
        yield home
        worker.stopping.set()
        thread.join(30)
        assert not thread.is_alive()


class Road:
    """Somebody on the way; ``seen`` are the addresses of the pages that were looked at."""

    def __init__(self, site: Site, page: Page, script: bool) -> None:
        self.site, self.page, self.script = site, page, script
        self.seen: list[str] = []
        page.set_default_timeout(PATIENCE_MS)

    def look(self) -> None:
        """Judge the page that is open."""
        self.seen.append(self.page.url.removeprefix(self.site.address))
        if self.script:
            look(self.page, dark=False)  # each page's own test looks at both
            return
        for size in (DESK, PHONE):
            self.page.set_viewport_size({"width": size[0], "height": size[1]})
            assert overflow(self.page) == []

    def press(self, selector: str, leads_to: str | None = None) -> None:
        """Press a button or a link, and wait for an address that matches."""
        self.page.locator(selector).first.click()
        if leads_to:
            self.page.wait_for_url(re.compile(leads_to))

    def until(self, selector: str) -> None:
        """Until the page has it: what is live comes by itself, without JavaScript the page is asked again."""
        end = time.monotonic() + PATIENCE_MS / 1000
        while not self.page.locator(selector).count():
            assert time.monotonic() < end, f"{self.page.url} never had {selector}"
            self.page.wait_for_timeout(300)
            if not self.script:
                self.page.reload()

    def register(self, folder: Path) -> None:
        self.page.goto("/register")
        self.look()
        self.page.set_input_files("#folder", str(folder))
        self.press("#send button.primary", r"/register/[^/]+$")
        self.until('button[value="sign"]')
        self.look()
        self.press('button[value="sign"]')
        self.until('main a[href^="/snapshots/new?"]')
        self.look()

    def snapshot(self) -> str:
        self.press('main a[href^="/snapshots/new?"]')
        self.page.fill("#name", "faces")
        self.press('form[method="get"] button', "preview=1")
        self.look()
        self.press('form[method="post"][action="/snapshots/new"] button', r"/snapshots/(new/|baf)")
        self.until('main a[href^="/runs/new?snapshot="]')
        self.look()
        return self.page.url

    def train(self) -> str:
        self.press('main a[href^="/runs/new?snapshot="]', "/runs/new")
        self.page.select_option("#method", "simulated")
        self.press('button[value="more"]')  # which shows the method's own recipes
        self.until('#recipe option:text-is("simulated")')
        self.page.locator('input[name="metric"]').first.fill("macro_f1")
        self.page.locator('input[name="threshold"]').first.fill("0.10")
        self.page.fill('input[name="option.epochs"]', "8")
        self.press('button[value="estimate"]:not(.unseen)')
        self.until("#estimate")
        self.look()
        self.press('button[value="start"]', r"/runs/r[a-z2-7]{12}$")
        return self.page.url

    def watch_and_cancel(self) -> None:
        self.until('#live meter:not([value="0"])')  # an epoch of some fold is done
        self.press('form[action$="/cancel"] button')
        self.until('form[action$="/resume"] button')
        self.look()

    def resume(self) -> None:
        self.press('form[action$="/resume"] button')
        self.until('form[action$="/publish"] button')
        self.look()

    def publish(self) -> str:
        self.press('form[action$="/publish"] button')
        self.until('main .note.good a[href^="/releases/"]')
        self.press('main .note.good a[href^="/releases/"]', r"/releases/baf")
        self.look()
        return self.page.url

    def audit(self) -> None:
        self.press('form[action="/audits"] button', r"/audits/[^/]+$")
        self.until("main .verdict")
        assert self.page.locator("#checks .badge.good").count() > 20
        assert self.page.locator("#checks .badge.bad").count() == 0
        self.look()

    def withdraw(self) -> str:
        self.page.goto("/images")
        self.look()
        self.press('main a[href^="/images/"]:has(img)', r"/images/[0-9a-f]{64}")
        image = self.page.url
        self.look()
        self.press('main a[href$="/withdraw"]', r"/withdraw$")
        self.page.fill("#reason", "the person asked for it")
        self.look()
        self.press('form[action$="/withdraw"] button.danger')
        self.page.goto(image)
        assert self.page.locator("main .badge.bad, main .note.bad").count() >= 1
        assert self.page.locator("main img").count() == 0
        self.look()
        return image


class Way(NamedTuple):
    """A language, whether JavaScript runs, and the language of the second look."""

    language: str
    script: bool
    other: str


@pytest.mark.parametrize("way", [Way("en", True, "es"), Way("es", False, "en")], ids=["with script", "without script"])
def test_the_whole_road_through_pages_alone(way: Way, working: Home, browser: Browser, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "faces")
    with served(working) as address:
        site = Site(working, address, browser)
        with site.visit("/", language=way.language, script=way.script) as page:
            road = Road(site, page, way.script)
            expect(page.locator("ol.steps li")).to_have_count(3)  # how to start, where nothing is here
            road.look()
            site.sign_in(page)
            road.register(folder)
            snapshot = road.snapshot()
            run = road.train()
            road.watch_and_cancel()
            road.resume()
            release = road.publish()
            road.audit()
            road.withdraw()
            page.goto(release)
            told = page.locator("main .note").filter(has_text=re.compile("withdr|retir"))
            assert told.count() >= 1  # the withdrawal is said on the release too
            for one in (
                "/",
                snapshot,
                run,
                "/runs",
                "/releases",
                "/snapshots",
                f"/lineage/{release.rpartition('/')[2]}",
            ):
                page.goto(one)
                road.look()
            page.locator("header form[action='/signout'] button").click()
            assert page.locator("header a[href^='/signin']").count() == 1
        assert site.wrong == []
        with site.visit("/", language=way.other, script=way.script) as page:
            for one in dict.fromkeys(road.seen):
                page.goto(one)
                if not one.startswith("/register/"):  # which was somebody's own
                    assert page.locator("html").get_attribute("lang") == way.other
                    assert overflow(page) == [], one
        assert [one for one in site.wrong if "401" not in one] == []
