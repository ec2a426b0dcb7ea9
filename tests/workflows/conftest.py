"""A home of one's own with the simulated training method beside it, and folders of labeled images."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from registry.assembly import Home, open_home
from registry.settings import read_settings
from tests.support.children import in_this_process

PLUGIN = Path(__file__).parents[1] / "support" / "plugin"
Folder = Callable[..., Path]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a home in a temporary folder; child processes inherit it."""
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EMOTIONET_LEASE_SECONDS", "3")
    monkeypatch.setenv("PYTHONPATH", str(PLUGIN))
    monkeypatch.setattr(sys, "path", [str(PLUGIN), *sys.path])
    return dict(os.environ)


@pytest.fixture
def opened(environment: dict[str, str]) -> Iterator[Home]:
    home = open_home(read_settings(environment))
    yield home
    home.close()


@pytest.fixture
def children_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children are calls: for tests of what a run leaves."""
    in_this_process(monkeypatch)


@pytest.fixture
def labeled(tmp_path: Path) -> Folder:
    """Make a folder of ``count`` different files with a labels.csv; ``rows`` are appended as they are."""

    def make(count: int = 24, name: str = "faces", rows: str = "", label: Callable[[int], str] | None = None) -> Path:
        folder = tmp_path / name
        (folder / "images").mkdir(parents=True)
        names = ["triste", "sorprendido", "feliz", "enojado"]
        lines = ["file,label,contributor,subject"]
        for index in range(count):
            (folder / "images" / f"face_{index:03d}.jpg").write_bytes(f"picture {index} of {name}".encode())
            said = label(index) if label else names[index % 4]
            lines.append(f"face_{index:03d}.jpg,{said},anna,Person {index // 2}")
        (folder / "labels.csv").write_text("\n".join(lines) + "\n" + rows, encoding="utf-8")
        return folder

    return make
