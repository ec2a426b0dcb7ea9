"""Values that wait in a file are those that were put, however many."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import spool
from registry.content.labels import make_row
from registry.content.labels.label_row import LabelRow
from registry.content.labels.labeled_folder import import_folder
from registry.content.stores.memory import NullSink
from registry.core.errors import Unavailable
from registry.spool import ByPath, Spool


@given(st.lists(st.binary(max_size=90), max_size=60), st.integers(1, 200))
def test_a_spool_gives_back_what_was_put_in_whatever_pieces_it_was_written(values: list[bytes], buffer: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "_BUFFER", buffer)
        found = Spool(bytes, values[:20])
        assert list(found) == values[:20]  # read between two puts
        for value in values[20:]:
            found.append(value)
        assert (list(found), len(found)) == (values, len(values))
        assert found == Spool(bytes, values)
        assert [found[place] for place in range(len(values))] == values
        assert found[1:4] == values[1:4]
        assert values == [] or found[-1] == values[-1]
        with pytest.raises(IndexError):
            found[len(values)]


def test_a_row_comes_back_as_it_was() -> None:
    rows = [
        make_row(7, {"file": "añ.jpg", "label": "feliz", "box": "1 2 3 4; 5 6 7.5 8", "attr.age": "30"}, "labels.csv"),
        make_row(8, {"cid": "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", "label": "x"}),
    ]
    assert Spool(LabelRow, rows) == rows
    assert Spool(LabelRow, rows) != rows[:1]


def test_of_each_path_one_value_is_kept() -> None:
    found = ByPath(["a", "b/c", "d"], str)
    found.put("d", "last")
    assert [found.get(path) for path in ("a", "b/c", "d")] == [None, None, "last"]
    assert list(found.without()) == ["a", "b/c"]
    with pytest.raises(KeyError):
        found.get("c")


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool, "_BUFFER", 4)
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(Unavailable) as caught:
        Spool(bytes, [b"12345"])
    assert caught.value.code == "disk_full"


def test_what_is_kept_of_a_file_is_small(tmp_path: Path) -> None:
    peaks = []
    for count in (300, 1800):
        folder = tmp_path / str(count)
        (folder / "images").mkdir(parents=True)
        for number in range(count):
            (folder / "images" / f"{number}.jpg").write_bytes(b"\xff\xd8\xff" + str(number).encode())
        lines = [f"{number}.jpg,feliz\n" for number in range(count)]
        (folder / "labels.csv").write_text("file,label\n" + "".join(lines))
        tracemalloc.start()
        assert len(import_folder(folder, NullSink(), "unixfs-v1-2025").rows) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / 1500 < 700  # bytes a file; 3,000 where every row is held
