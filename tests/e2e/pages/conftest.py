"""A served home with one simulated release, and a browser.

A test fails on what a console says and on foreign requests.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.forgery import Released, simulated_release
from tests.support.pages import Site, served


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    """A home with one release, for the tests of one module."""
    with simulated_release(tmp_path_factory.mktemp("pages")) as made:
        yield made


@pytest.fixture(scope="module")
def served_site(published: Released, browser: Browser) -> Iterator[Site]:
    with served(published.home) as address:
        yield Site(published.home, address, browser)


@pytest.fixture
def site(served_site: Site) -> Iterator[Site]:
    """The served home: ``site.visit(path)`` gives a page, ``look(page)`` of tests.support.pages judges it."""
    served_site.wrong.clear()
    served_site.expected.clear()
    yield served_site
    assert served_site.wrong == []
