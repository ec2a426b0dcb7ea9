"""What a draw rests on, walked through ``get``: whole, or an error that says which block is not what it should be."""

from __future__ import annotations

import pytest

from registry.core import records
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld.cid import CID, RAW, cid_of
from registry.core.run_view import draw_view
from tests.support.method_refs import method_ref

SOME = cid_of(b"something", RAW)


class Blocks(dict[CID, bytes]):
    """Records by their CID; a missing one is ``NotFound``, as of a store."""

    def keep(self, record: records.Record) -> CID:
        self[records.cid(record)] = records.encode(record)
        return records.cid(record)

    def get_block(self, cid: CID) -> bytes:
        if cid not in self:
            raise NotFound(f"{cid} is not here")
        return self[cid]


def planned(blocks: Blocks, recipe: records.Record) -> CID:
    """A draw of a plan whose ``recipe`` is given."""
    snapshot = records.Snapshot(
        items=SOME, count=0, classes=("triste",), query={}, rule="latest", contributions=(), excluded=SOME
    )
    made_of = blocks.keep(recipe)
    preprocessing = records.Preprocessing(snapshot=blocks.keep(snapshot), recipe=made_of, output=SOME)
    plan = records.Plan(
        preprocessing=blocks.keep(preprocessing),
        method=method_ref("any"),
        recipe=made_of,
        code="any",
        environment=SOME,
        base=None,
        seed=1,
        metrics=(),
        groups=(),
        claims=(),
        final="fold:0",
    )
    return blocks.keep(records.Draw(plan=blocks.keep(plan), beacons=(), seed=bytes(32), folds=SOME))


def test_a_draw_is_read_with_all_that_it_rests_on() -> None:
    blocks = Blocks()
    recipe = records.Recipe(name="mine", method="any", version=1, values={"seed": 1})
    view = draw_view(blocks.get_block, planned(blocks, recipe))
    assert view.recipe == recipe
    assert (view.draw.plan, view.plan.preprocessing) == (records.cid(view.plan), records.cid(view.preprocessing))
    assert view.preprocessing.snapshot == records.cid(view.snapshot)
    assert view.snapshot.classes == ("triste",)


def test_a_record_of_another_type_on_the_way_is_refused() -> None:
    blocks = Blocks()
    draw = planned(blocks, records.Environment(values={}))
    with pytest.raises(InvalidInput) as refused:
        draw_view(blocks.get_block, draw)
    assert refused.value.code == "wrong_record_type"


def test_a_missing_record_on_the_way_is_missing() -> None:
    blocks = Blocks()
    draw = planned(blocks, records.Recipe(name="mine", method="any", version=1, values={}))
    plan = records.parse_as(records.Draw, blocks[draw]).plan
    del blocks[plan]
    with pytest.raises(NotFound):
        draw_view(blocks.get_block, draw)
