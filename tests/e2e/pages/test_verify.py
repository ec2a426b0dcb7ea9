"""The verifier in a browser: opened from a disk, it verifies a file that is dropped on it and asks for nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from registry.web.verify.verify import verify_page
from registry.workflows.audit.audit_file import audit_car
from tests.support.forgery import Released, car_of
from tests.support.pages import Site, look

DROP = """([name, text]) => {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name));
  document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
}"""


@pytest.fixture(scope="module")
def release(published: Released, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return car_of(published.home, published.entry, tmp_path_factory.mktemp("verify") / "<b>release.car")


@pytest.fixture
def saved(browser: Browser, tmp_path: Path) -> Iterator[tuple[Page, list[str]]]:
    """The page opened from a disk, and all that it says to its console or asks for."""
    path = tmp_path / "verify.html"
    path.write_text(verify_page(), "utf-8")
    context = browser.new_context(locale="en-GB", offline=True)
    page, said = context.new_page(), list[str]()
    page.on("console", lambda one: said.append(f"{one.type}: {one.text}"))
    page.on("pageerror", lambda error: said.append(f"uncaught: {error}"))
    page.on("request", lambda asked: said.append(asked.url) if not asked.url.startswith(("file:", "blob:")) else None)
    page.goto(path.as_uri())
    yield page, said
    context.close()


def drop(page: Page, name: str, data: bytes) -> None:
    """As if a file were let go over the page."""
    page.evaluate(DROP, [name, b64encode(data).decode()])


def test_a_file_that_is_dropped_on_the_saved_page_is_verified_offline(
    saved: tuple[Page, list[str]], release: Path
) -> None:
    page, said = saved
    verdict = audit_car(release).verdict.document()
    drop(page, release.name, release.read_bytes())
    page.wait_for_selector("#verdict")
    shown = page.inner_text("#result")
    assert all(part["en"] in shown for part in verdict["parts"])
    assert "<b>release.car" in shown
    assert page.locator("#result .check.bad").count() == 0
    assert page.locator("#result .check.good").count() > 25
    page.click("#language")
    spanish = page.inner_text("#result")
    assert all(part["es"] in spanish for part in verdict["parts"])
    assert page.locator("html").get_attribute("lang") == "es"

    damaged = bytearray(release.read_bytes())
    damaged[-9] ^= 1
    drop(page, "damaged.car", bytes(damaged))
    page.wait_for_selector("#result .check.bad")
    assert "1.blocks" in page.inner_text(".verdict")
    assert page.locator(".headline").count() == 1
    assert page.locator("table").count() == 0  # no figure of a release whose records do not hold

    drop(page, "no.car", b"<script>alert(1)</script>")
    page.wait_for_selector(".headline:has-text('no se comprobó nada')")
    assert page.locator("#result .check").count() == 1
    assert said == []


def test_without_a_worker_the_page_works_in_slices(saved: tuple[Page, list[str]], release: Path) -> None:
    page, said = saved
    page.evaluate("() => { globalThis.Worker = class { constructor() { throw new Error('none'); } }; }")
    drop(page, "release.car", release.read_bytes())
    page.wait_for_selector("#verdict")
    assert page.locator(".verdict.good").count() == 1
    assert said == []


def test_the_served_page_is_usable_by_everybody(site: Site, release: Path) -> None:
    for language in ("en", "es"):
        with site.visit("/verify", language=language) as page:
            look(page)
            page.set_input_files("#choose", release)
            page.wait_for_selector("#verdict")
            page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            look(page)


def test_the_page_can_be_saved_from_its_own_link(site: Site) -> None:
    with site.visit("/verify") as page:
        with page.expect_download() as downloaded:
            page.click("#save")
        assert Path(downloaded.value.path()).read_text("utf-8") == verify_page()
