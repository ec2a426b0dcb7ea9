"""A registry that is served over a socket, as in the API's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.assembly import Home, open_home
from registry.client import connection, sending, uploading
from registry.client.connection import Patience
from registry.settings import read_settings
from tests.api.conftest import environment as environment
from tests.api.conftest import home as home
from tests.api.conftest import make_token
from tests.api.conftest import server as server

QUICK = Patience(connect=5, silence=20, first=0.01, longest=0.05, give_up=60)


@pytest.fixture
def token(home: Home) -> str:
    """A token's text that may do everything but administer."""
    return make_token(home)["Authorization"].removeprefix("Bearer ")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses, and batches so small that even a few images make many requests."""
    monkeypatch.setattr(connection, "Patience", lambda: QUICK)
    monkeypatch.setattr(sending, "BATCH_ROWS", 4)
    monkeypatch.setattr(uploading, "CAR_BYTES", 1500)


@pytest.fixture
def another(tmp_path: Path) -> Iterator[Home]:
    """A home beside the server's, for a local import."""
    opened = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path / "another")}))
    yield opened
    opened.close()
