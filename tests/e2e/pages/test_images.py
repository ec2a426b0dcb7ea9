"""Images in a browser: the grid that scrolls on, one image, registering a folder, correcting, taking back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from registry.web.pages import images
from registry.workflows.images.importing.import_source import import_source
from tests.support.forgery import Released, simulated_release
from tests.support.pages import Site, look
from tests.support.pictures import SVG, jpeg

MANY, ON_A_PAGE = 260, 20
MOST = 9 * ON_A_PAGE  # tiles in the document: eight pages, and one that comes in


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    """A home with a release and many more images than the document of a page holds."""
    with simulated_release(tmp_path_factory.mktemp("pages")) as made:
        folder = tmp_path_factory.mktemp("many")
        for number in range(MANY):
            (folder / f"{number}.jpg").write_bytes(SVG if number == 0 else b"%d of many" % number)
        (folder / "boxed.jpg").write_bytes(jpeg(1, (300, 200)))
        rows = [f"{number}.jpg,many,anna," for number in range(MANY)]
        hostile = '"<img src=x onerror=alert(1)>",'
        rows += ["boxed.jpg,feliz,anna,20 20 100 100; 200 50 60 60", f"boxed.jpg,triste,{hostile}"]
        (folder / "labels.csv").write_text("\n".join(["file,label,contributor,box", *rows]))
        assert import_source(made.home, str(folder))["registered"] == MANY + 2
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What somebody registers: a table with other names for its columns, and one row too many."""
    made = tmp_path_factory.mktemp("faces")
    (made / "images").mkdir()
    for number in range(3):
        (made / "images" / f"{number}.jpg").write_bytes(jpeg(40 + number))
    lines = ["picture,label", *(f"{number}.jpg,feliz" for number in range(4))]
    (made / "table.csv").write_text("\n".join(lines))
    return made


def tiles(page: Page) -> int:
    return page.locator("#shots .shot").count()


def test_the_grid_filters_by_its_bars_and_scrolls_on_without_growing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "ON_A_PAGE", ON_A_PAGE)  # of the server, which is a thread of this process
    with site.visit("/images", language="es") as page:
        look(page)
        page.get_by_role("link", name="many", exact=True).first.click()
        page.wait_for_url("**/images?label=many")
        expect(page.locator("#count")).to_contain_text(str(MANY))
        first = page.locator("#shots .shot").first.get_attribute("href")
        most, seen = 0, set[str]()
        for _ in range(60):
            most = max(most, tiles(page))
            seen |= set(page.eval_on_selector_all("#shots .shot", "all => all.map(one => one.pathname)"))
            if len(seen) == MANY:
                break
            page.evaluate("scrollTo(0, document.body.scrollHeight)")
            page.wait_for_timeout(100)
        assert len(seen) == MANY
        assert ON_A_PAGE < most <= MOST
        assert page.locator("#shots .shot").first.get_attribute("href") != first
        for _ in range(80):
            page.evaluate("scrollBy(0, -1500)")
            page.wait_for_timeout(40)
            if page.evaluate("scrollY") == 0:
                break
        expect(page.locator("#shots .shot").first).to_have_attribute("href", str(first))
        assert tiles(page) <= MOST
    with site.visit("/images?label=many", script=False) as page:
        page.get_by_role("link", name="Show more").click()
        assert "cursor=" in page.url
        assert tiles(page) == ON_A_PAGE
        page.get_by_role("link", name="Remove the filter").first.click()
        assert page.url.endswith("/images")


def test_one_image_is_told_corrected_and_taken_back(site: Site) -> None:
    with site.visit("/images?label=feliz&contributor=anna", language="es") as page:
        page.locator("#shots .shot").first.click()
        look(page)
        expect(page.get_by_role("heading", name="Historial de sus etiquetas")).to_be_visible()
        expect(page.get_by_role("heading", name="Cómo retirarla")).to_be_visible()
    with site.visit(None) as page:
        site.sign_in(page, "images:write", "contribute-for", "withdrawals:write")
        page.goto("/images?disputed=true&contributor=anna&label=feliz")
        page.locator("#shots .shot").first.click()
        assert page.locator(".boxed rect").count() == 2
        width = page.locator(".boxed img").evaluate("one => one.naturalWidth")
        assert width == 300
        page.select_option("#whose", "=anna")
        page.fill("#new-label", "<script>alert(1)</script>")
        page.get_by_role("button", name="Sign the label").click()
        expect(page.locator(".note.good")).to_contain_text("<script>alert(1)</script>")
        look(page)
        page.get_by_role("link", name="Take it back", exact=True).click()
        look(page)
        page.fill("#reason", "no longer mine")
        page.get_by_label("That models are trained again").check()
        page.get_by_role("button", name="Sign the withdrawal").click()
        expect(page.locator(".note.bad")).to_contain_text("no longer mine")
        assert page.locator(".boxed img").count() == 0
        look(page)


@pytest.mark.parametrize("script", [True, False])
def test_a_folder_is_sent_checked_and_signed(site: Site, folder: Path, script: bool) -> None:
    with site.visit(None, script=script) as page:
        site.sign_in(page, "images:write", "contribute-for")
        page.goto("/register")
        if script:
            look(page)
        page.set_input_files("#folder", folder)
        page.get_by_role("button", name="Send and check").click()
        page.wait_for_url(re.compile("/register/[^/]+$"))
        expect(page.locator("[role=alert] b").first).to_contain_text("can't be registered")
        page.select_option("#map-file", "picture")
        page.get_by_role("button", name="Check again").click()
        expect(page.locator("#errors ~ .scroll").first).to_contain_text("3.jpg")
        if script:
            look(page)
        page.get_by_role("button", name="Sign and register 3 labels").click()
        for _ in range(40):
            if page.get_by_role("heading", name="What comes next").count():
                break
            page.wait_for_timeout(250)
            page.reload()
        assert (page.get_by_role("link", name="Make a snapshot").get_attribute("href") or "").startswith(
            "/snapshots/new?"
        )
        if script:
            look(page)


def test_an_upload_that_broke_off_goes_on_without_what_is_here(site: Site, folder: Path) -> None:
    site.expected.append("Failed to load resource")
    with site.visit(None) as page:
        site.sign_in(page, "images:write", "contribute-for")
        page.goto("/register")
        page.route("**/register/*/files", lambda route: route.abort())
        page.set_input_files("#folder", folder)
        page.get_by_role("button", name="Send and check").click()
        expect(page.locator(".sending p")).to_contain_text("The connection broke")
        page.unroute("**/register/*/files")
        sent: list[int] = []
        page.on(
            "request", lambda asked: sent.append(len(asked.post_data_buffer or b"")) if "files" in asked.url else None
        )
        page.get_by_role("button", name="Send and check").click()
        page.wait_for_url(re.compile("/register/[^/]+$"))
        assert len(sent) == 1
        assert sent[0] < 2000  # the table alone: the pictures were registered before
    with site.visit("/register", language="es") as page:
        look(page)
        expect(page.locator(".note")).to_contain_text("images:write")
