"""The home page, signing in, and errors, in a real browser."""

from __future__ import annotations

import pytest

from registry.web.base.static import address
from tests.support.pages import Site, look


@pytest.mark.parametrize("language", ["en", "es"])
def test_home_sign_in_and_errors_are_whole_in_both_languages(site: Site, language: str) -> None:
    site.expected.append("404")
    with site.visit("/", language=language) as page:
        assert page.locator("html").get_attribute("lang") == language
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"  # past the navigation
        assert page.locator(".skip").bounding_box()["y"] >= 0  # type: ignore[index]
        look(page)
        page.goto("/signin")
        look(page)
        page.goto("/api")
        page.evaluate("for (const one of document.querySelectorAll('#noun-images ~ details')) one.open = true")
        look(page)
        page.goto("/search?q=triste")
        look(page)
        page.goto("/nothing/here")
        assert page.locator("h1").inner_text()
        look(page)
        site.sign_in(page)
        assert page.locator("header form[action='/signout']").count() == 1
        look(page)


def test_a_dropped_picture_is_looked_up_by_its_digest_and_never_sent(site: Site) -> None:
    sent: list[tuple[str, str]] = []
    with site.visit("/") as page:
        page.on("request", lambda asked: sent.append((asked.method, asked.url)))
        known = {"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": b"4"}  # as the simulated home registered it
        other = {"name": "other.jpg", "mimeType": "image/jpeg", "buffer": b"not here"}
        page.set_input_files("#drop-files", [known, other])  # type: ignore[arg-type]
        page.locator("#drop-found .badge").nth(1).wait_for()
        rows = page.locator("#drop-found li").all_inner_texts()
        assert "registered here" in rows[0]
        assert "In the snapshots bafyrei" in rows[0]
        assert "Models trained on it: bafyrei" in rows[0]
        assert "not registered here" in rows[1]
        look(page)
    asked = [
        (method, url.partition("?")[0].removeprefix(site.address)) for method, url in sent if "/static/" not in url
    ]
    assert asked == [("GET", "/api/v1/search")] * 2


def test_a_picture_dropped_beside_the_frame_is_looked_up_too(site: Site) -> None:
    with site.visit("/") as page:
        page.evaluate(
            """() => {
              const data = new DataTransfer();
              data.items.add(new File(["4"], "mine.jpg", { type: "image/jpeg" }));
              document.querySelector("h1").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
            }"""
        )
        page.locator("#drop-found .badge.good").wait_for()


def test_without_script_a_digest_is_searched_for(site: Site) -> None:
    digest = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"  # of the file "0"
    site.expected.append("404")
    with site.visit("/", script=False) as page:
        assert page.locator("#drop").is_hidden()
        assert page.locator("pre", has_text="sha256sum").is_visible()
        page.fill("#q", digest)
        page.press("#q", "Enter")
        assert page.url.endswith(f"/images/{digest}")
        page.goto("/search?q=triste")
        assert page.locator("main a", has_text="triste").count() == 1


def test_the_browsers_own_hash_and_ours_agree(site: Site) -> None:
    with site.visit("/") as page:
        same = page.evaluate(
            """async (address) => {
              const { plain, sha256 } = await import(address);
              const hex = (bytes) => [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
              for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 100003]) {
                const data = new Uint8Array(length).map((_, place) => place * 7);
                if (hex(plain(data)) !== (await sha256(data.buffer))) return length;
              }
              return "same";
            }""",
            address("sha256.js"),
        )
        assert same == "same"
