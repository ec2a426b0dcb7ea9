"""The size of a CAR is known before it is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.workflows.store.export_held import export_held, export_size
from tests.support.forgery import Released, simulated_release


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with simulated_release(tmp_path_factory.mktemp("released")) as made:
        yield made


@pytest.mark.parametrize("without_images", [False, True])
def test_the_size_that_is_said_is_the_files(released: Released, tmp_path: Path, without_images: bool) -> None:
    home, entry, view = released
    size = export_size(home, entry, without_images=without_images)
    done = export_held(home, entry, tmp_path / "release.car", without_images=without_images)
    assert size.total <= done["size"] <= size.total + 200 * done["blocks"]
    assert size.images == (0 if without_images else view.snapshot.count)


def test_progress_ends_where_it_was_said_to(released: Released, tmp_path: Path) -> None:
    home, entry, _ = released
    told: list[tuple[int, int]] = []
    total = export_size(home, entry).total
    export_held(home, entry, tmp_path / "x.car", progress=lambda _, done, of: told.append((done, of)), total=total)
    assert told[-1] == (total, total)
    assert told == sorted(told)
