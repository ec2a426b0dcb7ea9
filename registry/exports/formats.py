"""The formats in which a snapshot's images leave as a folder, one line each.

A format is a module beside this one with ``write(dataset, folder)``; it is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from registry.core.extras import need

if TYPE_CHECKING:
    from pathlib import Path

    from registry.exports.dataset import Dataset


class Format(NamedTuple):
    """``reader``: the program that it is for; ``splits``: whether it takes a draw's fold; ``extra``: what it needs."""

    module: str
    reader: str
    splits: bool = False
    extra: str | None = None


FOLDERS: Mapping[str, Format] = {
    "croissant": Format("registry.exports.croissant", "mlcroissant", extra="tables"),
    "yolo": Format("registry.exports.yolo", "ultralytics", splits=True),
}


def write_folder(name: str, dataset: Dataset, folder: Path) -> None:
    """Write a dataset into ``folder``. ``Unavailable`` where what the format needs is not installed."""
    form = FOLDERS[name]
    if form.extra is not None:
        need(form.extra, name.capitalize())
    import_module(form.module).write(dataset, folder)
