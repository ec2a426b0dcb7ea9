"""The verifier in a browser: opened from a disk, it verifies a file that is dropped on it and asks for nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

import tests.vectors
from registry.content.unixfs.reader import read_whole
from registry.core.table import tables
from registry.web.verify.verify import verify_page
from registry.workflows.audit.audit_file import audit_car
from registry.workflows.store.prove_picture import prove
from tests.support.forgery import Released, car_of
from tests.support.pages import Site, look

EVIDENCE = ("3.drand", "3.evidence", "3.stamped", "3.witnesses")
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


def test_a_proof_is_answered_for_the_picture_that_is_dropped_beside_it(
    saved: tuple[Page, list[str]], published: Released
) -> None:
    page, said = saved
    home = published.home
    image = next(tables.rows_as_dicts(published.view.snapshot.items, home.store.get))
    proof = prove(home, image["sha256"], [published.entry])
    drop(page, "proof.car", proof)
    page.wait_for_selector("#verdict")
    assert "is in these data" in page.inner_text(".headline")
    assert image["sha256"].hex() in page.inner_text("#result")
    drop(page, "other.png", b"\x89PNG\r\n\x1a\n another picture")
    page.wait_for_selector(".verdict.bad .headline:has-text('It is not the picture in other.png')")
    drop(page, "<i>mine.png", read_whole(home.store, image["image"]))
    page.wait_for_selector(".headline:has-text('It is the picture in <i>mine.png')")

    forged = bytearray(proof)
    forged[-9] ^= 1
    drop(page, "forged.car", bytes(forged))
    page.wait_for_selector(".headline:has-text('shows nothing')")
    assert "does not hash to its CID" in page.inner_text("#result")
    page.click("#language")
    assert "no demuestra nada" in page.inner_text("#result")
    assert said == []


def test_whom_the_reader_trusts_counts_for_what_is_verified(saved: tuple[Page, list[str]]) -> None:
    page, said = saved
    stamped = Path(tests.vectors.__file__).parent / "stamped-1"
    drop(page, "release.car", (stamped / "release.car").read_bytes())
    page.wait_for_selector("#verdict")
    assert {id: _kind(page, id) for id in EVIDENCE} == {**dict.fromkeys(EVIDENCE, "open"), "3.drand": "good"}
    drop(page, "authority.pem", (stamped / "trust" / "authority.pem").read_bytes())
    page.wait_for_selector("#trusted:not([hidden])")
    drop(page, "witness.txt", (stamped / "trust" / "witness.txt").read_bytes())
    page.wait_for_selector("#trusted:has-text('2 files say')")
    page.wait_for_selector("#verdict")
    assert {id: _kind(page, id) for id in EVIDENCE} == dict.fromkeys(EVIDENCE, "good")
    assert said == []


def _kind(page: Page, id: str) -> str:
    shown = page.locator(f"#result .checks .check:has(code:text-is('{id}'))").get_attribute("class") or ""
    return shown.removeprefix("check ")


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
