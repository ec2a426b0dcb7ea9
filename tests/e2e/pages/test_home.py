"""The home page, signing in, and errors, in a real browser."""

from __future__ import annotations

import pytest

from tests.support.pages import Site, look


@pytest.mark.parametrize("language", ["en", "es"])
def test_home_sign_in_and_errors_are_whole_in_both_languages(site: Site, language: str) -> None:
    site.expected.append("404")
    with site.visit("/", language=language) as page:
        assert page.locator("html").get_attribute("lang") == language
        look(page)
        page.goto("/signin")
        look(page)
        page.goto("/nothing/here")
        assert page.locator("h1").inner_text()
        look(page)
        site.sign_in(page)
        assert page.locator("header form[action='/signout']").count() == 1
        look(page)
