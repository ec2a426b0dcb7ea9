"""The book at /docs: each page under the policy, search and theme with it, both languages, telephones and the dark."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from bench.book.build import build, languages
from registry.web import book
from tests.support.pages import PHONE, Site, overflow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("book")
    build(folder)
    return folder


@pytest.fixture
def there(built: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(book, "BUILT", built)
    return built


def test_the_book_opens_in_the_readers_language(site: Site, there: Path) -> None:
    for language in languages():
        with site.visit("/docs", language=language) as page:
            assert page.url.endswith(f"/docs/{language}/index.html")
            assert page.locator("html").get_attribute("lang") == language


def test_search_and_theme_work_under_the_policy(site: Site, there: Path) -> None:
    with site.visit("/docs/en/search.html?q=withdrawal") as page:
        page.locator("ul.search li a").first.wait_for()
        page.locator("ul.search li a").first.click()
        assert "/docs/en/" in page.url
        before = page.locator("body").get_attribute("data-theme")
        page.locator(".content-icon-container .theme-toggle, .theme-toggle").locator("visible=true").first.click()
        assert page.locator("body").get_attribute("data-theme") != before


def test_pages_fit_a_telephone_in_the_dark(site: Site, there: Path) -> None:
    for name in ("index", "tutorial", "sent-a-car", "beside-others", "audit"):
        for language in languages():
            with site.visit(None) as page:
                page.emulate_media(color_scheme="dark")
                page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
                page.goto(f"/docs/{language}/{name}.html")
                assert overflow(page) == [], (language, name)


def test_nothing_but_the_book_is_served_there(site: Site, there: Path) -> None:
    (there.parent / "secret.html").write_text("no", encoding="utf-8")
    (there / "en" / "leads-out.html").symlink_to(there.parent / "secret.html")
    with httpx.Client(base_url=site.address) as client:
        for path in (
            "en/nothing.html",
            "fr/index.html",
            "en/%2e%2e/%2e%2e/secret.html",
            "en/..%2f..%2fsecret.html",
            "en/leads-out.html",
            "en/%00.html",
            ".doctrees/en/index.doctree",
            "en/.buildinfo",
        ):
            assert client.get(f"/docs/{path}").status_code in (400, 404), path
        answer = client.get("/docs/en/index.html")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        tag = answer.headers["etag"]
        assert client.get("/docs/en/index.html", headers={"if-none-match": tag}).status_code == 304
        assert client.get("/docs/en/index.html?else=1").status_code == 400


def test_where_it_is_not_built_a_sentence_says_how(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(book, "BUILT", tmp_path)
    answer = httpx.get(f"{site.address}/docs", headers={"accept": "text/html"})
    assert answer.status_code == 404
    assert "make docs" in answer.text
