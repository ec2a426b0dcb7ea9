"""The pages of a home with a release: what a module names ``released`` is opened, asked, and signed in to.

A module or conftest that imports these says so in its ``__all__``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home
from tests.api.conftest import Client
from tests.api.pages.reading import sign_in
from tests.support.forgery import Released


@pytest.fixture(scope="module")
def home(released: Released) -> Home:
    return released.home


@pytest.fixture(scope="module")
def client(home: Home) -> Iterator[Client]:
    with TestClient(create_app(home), raise_server_exceptions=False) as found:
        yield found


@pytest.fixture
def signed(client: Client, home: Home) -> Iterator[Client]:
    """A browser that is signed in with all scopes."""
    sign_in(client, home)
    yield client
    client.cookies.clear()
