"""A table read, or compared, from a key on: the same rows as from the start, and little is read for them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.core.errors import InvalidInput, Untrusted
from registry.core.table import tables
from tests.core.table.made_tables import CONTENT, SHAPE, Blocks, plain, row
from tests.core.table.test_forged_tables import FORGERIES

KEYS = st.one_of(st.none(), st.integers(-1, 61))


@pytest.mark.usefixtures("often")
@settings(max_examples=150, deadline=None)
@given(CONTENT, CONTENT, KEYS)
def test_what_comes_after_a_key_is_the_rest_of_the_rows(a: dict[int, int], b: dict[int, int], key: int | None) -> None:
    blocks = Blocks()
    one, other = plain(a, blocks), plain(b, blocks)
    wanted = None if key is None else (key,)
    assert list(tables.after(one, wanted, blocks.get)) == [(k, a[k]) for k in sorted(a) if key is None or k > key]
    whole = list(tables.diff(one, other, blocks.get))
    later = [pair for pair in whole if key is None or next(side for side in pair if side)[0] > key]
    assert list(tables.diff(one, other, blocks.get, wanted)) == later


def test_a_page_far_back_reads_a_few_nodes() -> None:
    blocks = Blocks()
    rows = sorted(row(number) for number in range(20_000))
    cid = tables.build(SHAPE, rows, blocks.put)
    assert len(blocks) > 50
    blocks.reads = 0
    page = tables.after(cid, rows[15_000][:2], blocks.get)
    assert [next(page) for _ in range(20)] == rows[15_001:15_021]
    assert blocks.reads < 10


def test_a_key_of_another_type_is_refused() -> None:
    blocks = Blocks()
    with pytest.raises(InvalidInput) as caught:
        list(tables.after(plain({1: 1}, blocks), ("one",), blocks.get))
    assert caught.value.code == "bad_key"


@pytest.mark.parametrize("name", [one for one in FORGERIES if "too" not in one or "values" in one])
def test_no_row_of_a_forged_node_is_shown(name: str) -> None:
    """Where a node should have ended is for ``iterate`` to check; all else is seen here too."""
    blocks = Blocks()
    cid = FORGERIES[name](blocks)
    with pytest.raises(Untrusted):
        list(tables.after(cid, None, blocks.get))
