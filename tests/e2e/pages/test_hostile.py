"""Hostile texts and pictures in a real browser: nothing runs, nothing is asked of others, nothing covers the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient
from playwright.sync_api import Browser, Dialog, Page

from registry.api.app import create_app
from registry.assembly import open_home
from registry.settings import read_settings
from tests.api.conftest import make_token
from tests.support.hostile_site import forged_snapshots, plant
from tests.support.pages import DESK, PHONE, Site, overflow, served

COVERED = """() => {
  const main = document.querySelector("main").getBoundingClientRect();
  const outside = [...document.querySelectorAll("main *")].filter((one) => {
    const box = one.getBoundingClientRect();
    const style = getComputedStyle(one);
    return box.width && style.position !== "absolute" && style.visibility !== "hidden" && box.top < main.top - 1;
  });
  return outside.map((one) => one.outerHTML.slice(0, 160));
}"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[tuple[Site, list[str]]]:
    """A served home of hostile content, and the addresses at which it is shown."""
    home = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path_factory.mktemp("hostile") / "home")}))
    with TestClient(create_app(home)) as client:
        images, snapshot = plant(client, make_token(home))
        forged, *_ = forged_snapshots(home, snapshot)
    paths = ["/", "/images", *(f"/images/{one}" for one in (*images[:3], images[8], images[-1]))]
    paths += [f"/snapshots/{one}{tail}" for one in (snapshot, forged) for tail in ("", "/items", "/people")]
    paths += [
        f"/lineage/{snapshot}",
        f"/snapshots/{snapshot}/diff/{forged}",
        "/search?q=%3Cscript%3Ealert(1)%3C/script%3E",
    ]
    with served(home) as address:
        yield Site(home, address, browser), paths
    home.close()


def ran(page: Page) -> list[str]:
    """Words of every dialog that a page opens from now on."""
    found: list[str] = []

    def note(dialog: Dialog) -> None:
        found.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    return found


def test_nothing_hostile_runs_or_covers_the_page(hostile: tuple[Site, list[str]], tmp_path: Path) -> None:
    site, paths = hostile
    with site.visit(None) as page:
        dialogs = ran(page)
        for path in paths:
            page.goto(path)
            for width, height in (DESK, PHONE):
                page.set_viewport_size({"width": width, "height": height})
                assert overflow(page) == [], (path, width)
                assert page.evaluate(COVERED) == [], (path, width)
            assert page.title().endswith("Emotionet"), path
            assert page.evaluate("document.querySelectorAll('main script, main iframe, main object').length") == 0
        page.goto(paths[1])
        page.click("main a.shot >> nth=0")
        assert "/images/" in page.url
        with page.expect_download() as download:  # a page behind a picture's signature is saved, not shown
            page.evaluate("(address) => { location.href = address }", f"/ipfs/{paths[6].rpartition('/')[2]}?format=raw")
        assert download.value.suggested_filename.endswith(".bin")
    assert dialogs == []
    assert site.wrong == []
