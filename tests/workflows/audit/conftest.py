"""One small release for the tests of forgeries, and its file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.workflows.store.export_held import export_held
from tests.support.forgery import (
    Released,
    simulated_release,
)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with simulated_release(tmp_path_factory.mktemp("forgeries")) as found:
        yield found


@pytest.fixture(scope="module")
def honest(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release's file."""
    path = tmp_path_factory.mktemp("honest") / "release.car"
    export_held(released.home, released.entry, path)
    return path
