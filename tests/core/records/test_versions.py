"""Formats can change: a made-up version 2 of a record type and of a table's columns, met from both sides."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from registry.core import records
from registry.core.errors import InvalidInput, NewerVersion, Untrusted
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.records import versions
from registry.core.table import columns, tables
from registry.core.table import versions as table_versions
from registry.core.table.columns import KINDS, Shape

OLD = records.Withdrawal(target=b"\1" * 32, reason="asked to", remedy="notice", effective="2026-11-30T00:00:00Z")
OLD_BYTES = records.encode(OLD)
STEPS = versions.STEPS["withdrawal"]


class Withdrawal3(records.Withdrawal, frozen=True, kw_only=True, tag="withdrawal"):
    """Version 3 of a withdrawal, as a later program may have it."""

    v: int = 3
    urgency: str | None


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that writes version 3 of withdrawals, in which version 2 meant that nothing was urgent."""
    monkeypatch.setitem(records.TYPES, "withdrawal", Withdrawal3)
    monkeypatch.setitem(versions.STEPS, "withdrawal", (*STEPS, versions.added(urgency="none")))


def new_bytes(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What the later program writes, met by today's."""
    with monkeypatch.context() as later:
        later.setitem(records.TYPES, "withdrawal", Withdrawal3)
        later.setitem(versions.STEPS, "withdrawal", (*STEPS, versions.added(urgency="none")))
        return records.encode(
            Withdrawal3(target=OLD.target, reason="", remedy="notice", effective=OLD.effective, urgency="now")
        )


def default_version(kind: type[records.Record]) -> int:
    fields = {field.name: field.default for field in msgspec.structs.fields(kind)}
    return int(fields["v"])


@pytest.mark.parametrize("kind", records.TYPES)
def test_each_type_writes_the_version_that_its_steps_lead_to(kind: str) -> None:
    assert default_version(records.TYPES[kind]) == versions.newest(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_each_table_writes_the_version_that_its_steps_lead_to(kind: str) -> None:
    steps = table_versions.STEPS.get(kind, ())
    assert KINDS[kind].version == 1 + len(steps)
    assert [step.before.version for step in steps] == list(range(1, len(steps) + 1))
    assert {step.before.key for step in steps} <= {KINDS[kind].key}


@pytest.mark.usefixtures("later")
def test_an_old_record_means_what_is_stated_and_keeps_its_bytes() -> None:
    found = records.parse(OLD_BYTES)
    assert isinstance(found, Withdrawal3)
    assert (found.v, found.urgency, found.reason) == (2, "none", "asked to")
    assert records.encode(found) == OLD_BYTES
    assert records.cid(found) == cid_of(OLD_BYTES, DAG_CBOR)
    assert records.parse_as(records.Withdrawal, OLD_BYTES) == found


@pytest.mark.usefixtures("later")
def test_a_new_record_is_written_in_its_own_version() -> None:
    new = Withdrawal3(target=OLD.target, reason="", remedy="notice", effective=OLD.effective, urgency=None)
    assert encoding.decode(records.encode(new))["v"] == 3
    assert records.parse(records.encode(new)) == new


@pytest.mark.usefixtures("later")
def test_an_old_record_can_say_no_more_than_its_version() -> None:
    value = encoding.decode(OLD_BYTES)
    with pytest.raises(InvalidInput) as caught:
        records.parse(encoding.encode({**value, "urgency": "none"}))
    assert caught.value.code == "malformed_record"
    with pytest.raises(InvalidInput) as caught:
        records.encode(Withdrawal3(v=2, target=b"", reason="", remedy="notice", effective=OLD.effective, urgency="now"))
    assert caught.value.code == "record_version"
    with pytest.raises(InvalidInput) as caught:
        records.parse(encoding.encode({**value, "v": 3}))
    assert (caught.value.code, type(caught.value)) == ("malformed_record", InvalidInput)


def test_a_newer_record_asks_for_a_newer_emotionet(monkeypatch: pytest.MonkeyPatch) -> None:
    data = new_bytes(monkeypatch)
    for read in (records.parse, lambda data: records.parse_as(records.Withdrawal, data)):
        with pytest.raises(NewerVersion) as caught:
            read(data)
        assert str(caught.value) == "version 3 of withdrawal is newer than this program"
        assert (caught.value.code, caught.value.hint) == ("newer_version", "install a newer Emotionet.")
    with pytest.raises(InvalidInput) as other:
        records.parse_as(records.Plan, data)
    assert (other.value.code, type(other.value)) == ("wrong_record_type", InvalidInput)


def test_a_type_that_is_not_known_is_no_record_here() -> None:
    for value in ({"v": 1, "type": "prophecy"}, {"v": 2, "type": "prophecy"}, {"v": 1, "type": "table"}):
        with pytest.raises(InvalidInput) as caught:
            records.parse(encoding.encode(value))
        assert (caught.value.code, type(caught.value)) == ("not_a_record", InvalidInput)


# --- tables ------------------------------------------------------------------------------------------
BEFORE = KINDS["training.history"]
AFTER = Shape(BEFORE.kind, 2, ("epoch", "seconds", *BEFORE.columns[1:]), BEFORE.key)
OLD_ROWS = [(number, {"loss": f"0.{number}"}, None) for number in range(900)]


@pytest.fixture
def later_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in which histories have one more column, in the middle."""
    monkeypatch.setitem(columns.KINDS, BEFORE.kind, AFTER)
    monkeypatch.setitem(table_versions.STEPS, BEFORE.kind, (table_versions.added(BEFORE, seconds=None),))


def built(shape: Shape, rows: Any) -> tuple[CID, dict[CID, bytes]]:
    blocks: dict[CID, bytes] = {}
    return tables.build(shape, rows, blocks.__setitem__), blocks


@pytest.mark.usefixtures("later_table")
def test_an_old_table_is_read_in_todays_columns() -> None:
    cid, blocks = built(BEFORE, OLD_ROWS)
    found = list(tables.iterate(cid, blocks.__getitem__))
    assert found == [(number, None, values, state) for number, values, state in OLD_ROWS]
    named = next(tables.rows_as_dicts(cid, blocks.__getitem__))
    assert named == {"epoch": 0, "seconds": None, "values": {"loss": "0.0"}, "state": None}
    assert tables.find(cid, (7,), blocks.__getitem__) == found[7]
    assert tables.verify_proof(cid, (7,), tables.prove(cid, (7,), blocks.__getitem__)) == found[7]
    header = tables.read(cid, blocks.__getitem__)
    assert (header.written, header.shape) == (BEFORE, AFTER)
    assert built(header.written, OLD_ROWS)[0] == cid


@pytest.mark.usefixtures("later_table")
def test_an_old_table_and_a_new_one_are_compared_by_what_they_mean() -> None:
    old, blocks = built(BEFORE, OLD_ROWS)
    new, more = built(AFTER, [(number, 5 if number == 3 else None, values, None) for number, values, _ in OLD_ROWS])
    blocks |= more
    before, after = (3, None, {"loss": "0.3"}, None), (3, 5, {"loss": "0.3"}, None)
    assert list(tables.diff(old, new, blocks.__getitem__)) == [(before, after)]
    assert list(tables.diff(new, old, blocks.__getitem__)) == [(after, before)]


@pytest.mark.usefixtures("later_table")
def test_an_old_table_with_new_columns_is_malformed() -> None:
    cid, blocks = built(Shape(BEFORE.kind, 1, AFTER.columns, BEFORE.key), [])
    with pytest.raises(Untrusted) as caught:
        tables.read(cid, blocks.__getitem__)
    assert caught.value.code == "table_shape"


def test_a_newer_table_asks_for_a_newer_emotionet() -> None:
    cid, blocks = built(AFTER, [])
    with pytest.raises(NewerVersion, match=r"version 2 of the table training\.history is newer than this program"):
        tables.read(cid, blocks.__getitem__)
    header = encoding.decode(blocks[cid]) | {"v": 2, "columnsVersion": 1, "cuts": "otherwise"}
    data = encoding.encode(header)
    with pytest.raises(NewerVersion, match="version 2 of a table's structure"):
        tables.read(cid_of(data, DAG_CBOR), {cid_of(data, DAG_CBOR): data}.__getitem__)
