"""Releases, lineage and audits in a real browser: one visit a language, many things looked at on the way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from registry.core.ipld.cid import CID
from registry.workflows.store.find_records import record_of
from tests.support.forgery import Released, car_of, forge, publish, replaced
from tests.support.pages import PHONE, Site, look, overflow

SECONDS = 30_000  # ms: an audit takes a few on busy cores


@pytest.fixture(scope="module")
def supported(published: Released) -> CID:
    return record_of(published.home, published.entry)


@pytest.fixture(scope="module")
def refuted(published: Released) -> CID:
    return record_of(published.home, publish(published.home, claims=("macro_f1 >= 0.999",)).entry)


@pytest.fixture(scope="module")
def tampered(published: Released, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose confusion matrix is not that of its predictions, signed by who holds the key."""
    view = published.view
    turned = tuple(tuple(reversed(row)) for row in view.evaluation.confusion)
    entry = forge(published.home, published.entry, replaced(view.release.evaluation, view.evaluation, confusion=turned))
    return car_of(published.home, entry, tmp_path_factory.mktemp("tampered") / "tampered.car")


def test_a_reader_learns_what_holds_and_checks_it(site: Site, supported: CID, refuted: CID, tampered: Path) -> None:
    site.expected.append("404")  # pictures that are none have no thumbnail
    with site.visit("/releases") as page:
        look(page)
        page.click(f'h2 a[href="/releases/{refuted}"]')
        first = page.locator(".holds .verdict")
        expect(first).to_contain_text("is refuted")
        assert first.bounding_box() is not None
        look(page)
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        box = page.locator(".holds .verdict").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < PHONE[1]  # on a phone the answer needs no scrolling
        cell = page.locator(".confusion td a").first
        count = int((cell.inner_text()).split()[0])
        cell.click()
        assert page.locator(".judged").count() == count
        look(page)
        page.select_option("#right", "no")
        page.click("main form button")
        assert page.locator(".judged.is-right").count() == 0
        page.goto(f"/releases/{refuted}")
        page.click("text=Check the records now")
        page.wait_for_url("**/audits/*")
        expect(page.locator("#checks")).to_contain_text("6.verdicts", timeout=SECONDS)
        expect(page.locator(".verdict")).to_contain_text("is refuted", timeout=SECONDS)
        look(page)
        page.click("text=To the release")
        expect(page.locator(".holds")).to_contain_text("This registry checked the records")
        page.goto("/audits")
        look(page)
        page.set_input_files("#file", tampered)
        page.click("text=Send and audit")
        expect(page.locator(".note.bad")).to_contain_text("6.confusion", timeout=SECONDS)
        expect(page.locator(".verdict")).not_to_contain_text("is supported")
        look(page)
        page.goto(f"/releases/{supported}/compare/{refuted}")
        look(page)


def test_lo_mismo_en_castellano(site: Site, supported: CID, refuted: CID) -> None:
    site.expected.append("404")
    with site.visit(f"/releases/{supported}", language="es") as page:
        expect(page.locator(".holds .verdict")).to_contain_text("se sostiene")
        look(page)
        words = page.locator("main").inner_text()
        assert not re.search(r"\b(supported|refuted|Figures|Downloads|fold [0-9])\b", words)
        page.goto(f"/releases/{refuted}/images?right=no")
        look(page)
        page.goto(f"/lineage/{supported}")
        look(page)


def test_the_drawing_of_a_lineage_is_walked_by_keyboard_and_slides_on_a_phone(site: Site, supported: CID) -> None:
    with site.visit(f"/lineage/{supported}") as page:
        look(page)
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        assert overflow(page) == []
        expect(page.locator(".scroll-sign")).to_be_visible()
        page.reload()
        here, frame = page.locator(".node.here rect").bounding_box(), page.locator(".lineage-frame").bounding_box()
        assert here is not None
        assert frame is not None
        assert frame["x"] <= here["x"] <= frame["x"] + frame["width"]  # it begins where the reader is
        page.locator(".lineage-frame").focus()
        reached = []
        for _ in range(page.locator("svg.lineage a").count()):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.getAttribute('href')"))
        assert f"/releases/{supported}" in reached
        assert len(set(reached)) == page.locator("svg.lineage a").count()
        page.locator('svg.lineage a[href$="/items"]').focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/snapshots/*/items")


def test_without_script_an_audit_is_read_when_it_is_over(site: Site, supported: CID) -> None:
    site.expected.append("404")
    with site.visit(f"/releases/{supported}", script=False) as page:
        page.click(".holds form button")
        page.wait_for_url("**/audits/*")
        page.wait_for_selector(".verdict", timeout=SECONDS)  # the page refreshes by itself
        assert page.locator("#checks tbody th code").count() > 40
        page.click("text=To the release")
        page.click("text=All judgements")
        assert page.locator(".judged").count() > 0


def test_a_picture_of_ones_own_is_judged_and_gone(site: Site, supported: CID, tmp_path: Path) -> None:
    site.expected.append("404")
    with site.visit(f"/releases/{supported}") as page:
        expect(page.locator("#predict + *")).to_contain_text("deleted at once")
        assert page.locator("#image").count() == 0
        site.sign_in(page, "runs:write")
        page.goto(f"/releases/{supported}")
        picture = tmp_path / "own.jpg"
        picture.write_bytes(b"no picture")
        page.set_input_files("#image", picture)
        page.click("#predict ~ form button")
        expect(page.locator("main")).to_contain_text("Your picture was deleted")
        look(page)
