"""A home with one simulated release, whose pages are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from registry.assembly import Home
from registry.catalog.queries.training_runs import runs
from registry.core.ipld.cid import CID
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.api.pages.released import client, home, signed
from tests.support.forgery import Released, simulated_release

__all__ = ["client", "home", "signed"]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with simulated_release(tmp_path_factory.mktemp("run-pages")) as made:
        yield made


def run_of(home: Home) -> str:
    """The run of the release."""
    with home.catalog.read() as db:
        return str(runs.list_runs(db, status="completed")[0][-1]["run"])


def queued(home: Home, **wanted: Any) -> str:
    """A run that waits for a worker."""
    snapshot = CID.parse(take_snapshot(home)["snapshot"])
    return start_run(home, snapshot, Wanted(**{"recipe": "simulated", "method": "simulated", **wanted}))
