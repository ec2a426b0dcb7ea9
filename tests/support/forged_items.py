"""Changed items of a release's tables, and the files of its weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from registry.assembly import Home
from registry.content.unixfs import reader
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.run_view import ReleaseView
from tests.support.forgery import (
    Changed,
    new_table,
    replaced,
)

Change = Callable[[Home, ReleaseView], Changed]


def files_of(home: Home, folder: CID) -> dict[str, bytes]:
    there = reader.list_directory(home.store, folder)
    return {name: reader.read_whole(home.store, one.cid) for name, one in there.items()}


def in_items(edit: Callable[[list[Any]], None]) -> Change:
    """The first item's row edited; the contributions are left as they are (level 4 has its own word on that)."""

    def change(home: Home, view: ReleaseView) -> Changed:
        def rows(found: list[Any]) -> list[Any]:
            edit(found[0])
            return found

        table = new_table(home, view.snapshot.items, records.SNAPSHOT_ITEMS, rows)
        return replaced(view.preprocessing.snapshot, view.snapshot, items=table)

    return change


def set_cell(index: int, value: Any) -> Callable[[list[Any]], None]:
    def edit(row: list[Any]) -> None:
        row[index] = value(row) if callable(value) else value

    return edit
