"""Clients register the same images on two servers while one after the other is killed (bench/kills.py, shorter)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench import kills
from tests.catalog.databases import KINDS, fresh_url


@pytest.mark.parametrize("kind", KINDS)
def test_every_answered_row_is_there_once_whoever_is_killed(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with fresh_url(kind, tmp_path, request) as url:
        home = {"EMOTIONET_HOME": str(tmp_path / "home"), "EMOTIONET_DATABASE_URL": url}
        done = kills.run({**os.environ, **home}, seconds=5, clients=4, every=2.5)
    assert " 2 kills" in done, done
