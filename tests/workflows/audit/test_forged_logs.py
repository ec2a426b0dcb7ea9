"""Forks, first entries and withdrawals that an issuer, or somebody else, forges: who signed what is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from registry.assembly import Home
from registry.core import records
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.log import make_entry
from registry.core.run_view import ReleaseView
from registry.core.table import tables
from registry.workflows.audit.audit_target import audit_car
from registry.workflows.store.export_held import export_held
from tests.support.forged_evidence import EARLY, LATE
from tests.support.forgery import (
    OtherKey,
    Released,
    car_of,
    failed,
    forge,
    put,
    reason_of,
    replaced,
    sections,
    signed,
    way_back,
    write_car,
)


def twin(home: Home, cid: CID, by: records.Record | None = None) -> CID:
    """Another entry in the same place of the log, rightly signed."""
    entry = records.parse_as(records.Entry, home.store.get(cid))
    said = put(
        home, records.encode(by or records.Withdrawal(target=b"\1" * 32, reason="", remedy="notice", effective=EARLY))
    )
    return put(home, signed(home, msgspec.structs.replace(entry, record=said)))


@pytest.mark.parametrize("place", ["before the plan", "the plan's", "the release's", "after the release", "the first"])
def test_both_halves_of_a_fork_in_one_file_are_seen(released: Released, place: str, tmp_path: Path) -> None:
    home, entry, view = released
    way = way_back(home, entry)
    if place == "after the release":
        seq = records.parse_as(records.Entry, home.store.get(entry)).seq + 1
        said = put(
            home, records.encode(records.Withdrawal(target=b"\2" * 32, reason="", remedy="notice", effective=LATE))
        )
        one = put(home, records.encode(make_entry(home.key, seq, entry, way[-1], said, LATE)))
        beside = [one, twin(home, one)]
    else:
        cid = {
            "before the plan": way[way.index(view.release.plan_entry) + 1],
            "the plan's": view.release.plan_entry,
            "the release's": entry,
            "the first": way[-1],
        }[place]
        issuer = records.Issuer(chains=(("eip155:5", "0x" + "5" * 40),)) if place == "the first" else None
        beside = [twin(home, cid, issuer)]
    report = audit_car(car_of(home, entry, tmp_path / "forked.car", beside=beside), level=3)
    assert failed(report) == ["2.log"]
    assert "forks" in reason_of(report, "2.log")


def test_who_else_signed_what_is_told(released: Released, honest: Path, tmp_path: Path) -> None:
    home, _, view = released
    other = OtherKey()
    roots, blocks = sections(honest)
    for record, fails in (
        (records.Issuer(chains=()), True),
        (view.plan, True),
        (view.release, True),
        (records.Withdrawal(target=b"\3" * 32, reason="mine", remedy="notice", effective=EARLY), False),
    ):
        foreign = other.says(home, record)
        said = records.parse_as(records.Entry, home.store.get(foreign)).record
        more = [(cid, home.store.get(cid)) for cid in (foreign, said) if cid not in dict(blocks)]
        path = write_car(tmp_path / "more.car", [*roots, foreign], [*blocks, *more])
        report = audit_car(path, level=3)
        assert (failed(report), other.did in reason_of(report, "2.issuer")) == (["2.issuer"] if fails else [], True)
        assert (report.type, report.issuer) == ("release", home.key.did)


def test_a_first_entry_of_another_key_is_no_first_entry(released: Released, tmp_path: Path) -> None:
    """The opening is exchanged for somebody else's, the entry after it follows from that one."""
    home, entry, _ = released
    foreign = OtherKey().says(home, records.Issuer(chains=()))
    second = way_back(home, entry)[-2]
    value = records.parse_as(records.Entry, home.store.get(second))
    forged = forge(home, entry, replaced(second, value, prev=bytes(foreign)))
    path = tmp_path / "forged.car"
    report = audit_car(car_of(home, forged, path))
    assert "2.issuer" in failed(report)
    assert OtherKey().did in reason_of(report, "2.issuer")


def test_an_unsigned_withdrawal_excuses_nothing(released: Released, honest: Path, tmp_path: Path) -> None:
    home, entry, view = released
    row = next(iter(home_items(home, view)))
    roots, blocks = sections(honest)
    left = [(cid, data) for cid, data in blocks if cid != row["image"]]
    record = records.Withdrawal(target=row["sha256"], reason="gone", remedy="notice", effective=EARLY)
    bare = put(home, records.encode(record))
    outsiders = OtherKey().says(home, record)
    theirs = make_entry(OtherKey(), 0, None, None, bare, EARLY)
    bad = put(home, records.encode(msgspec.structs.replace(theirs, issuer=home.key.did)))
    for name, more in (("nothing", []), ("bare", [bare]), ("outsider", [outsiders, bare]), ("bad", [bad, bare])):
        blocks = [*left, *((cid, home.store.get(cid)) for cid in more)]
        report = audit_car(write_car(tmp_path / f"{name}.car", [*roots, *more], blocks), level=1)
        assert "1.images" in failed(report), name
        assert report.withdrawn == []
    seq = records.parse_as(records.Entry, home.store.get(entry)).seq + 9
    mine = put(home, records.encode(make_entry(home.key, seq, entry, way_back(home, entry)[-1], bare, LATE)))
    blocks = [*left, *((cid, home.store.get(cid)) for cid in (mine, bare))]
    report = audit_car(write_car(tmp_path / "mine.car", [*roots, mine], blocks))
    assert (failed(report), report.exit_code(strict=False)) == ([], 0)
    told = {"what": f"image {row['sha256'].hex()}", "issuer": home.key.did, "effective": EARLY, "reason": "gone"}
    assert report.withdrawn == [{**told, "remedy": "notice"}]
    for half in ({"issuer": home.key.did}, {"contributor": row["contributors"][0]}):
        said = put(home, records.encode(msgspec.structs.replace(record, **half)))
        mine = put(home, records.encode(make_entry(home.key, seq, entry, way_back(home, entry)[-1], said, LATE)))
        blocks = [*left, *((cid, home.store.get(cid)) for cid in (mine, said))]
        report = audit_car(write_car(tmp_path / "half.car", [*roots, mine], blocks), level=1)
        assert ("1.images" in failed(report), report.withdrawn) == (True, []), half


def home_items(home: Home, view: ReleaseView) -> Iterator[dict[str, Any]]:
    return tables.rows_as_dicts(view.snapshot.items, home.store.get)


def test_labels_said_to_be_another_issuers_need_an_entry_of_that_one(released: Released, tmp_path: Path) -> None:
    home, entry, view = released
    cid, other = view.snapshot.contributions[0], OtherKey()
    said = records.parse_as(records.Contribution, home.store.get(cid))
    theirs = records.encode(msgspec.structs.replace(said, issuer=other.did))
    forged = forge(home, entry, {cid: theirs})
    assert "no entry of that issuer says it" in _issuer_of(home, forged, tmp_path / "claimed.car")
    opening = cid_of(b"an opening elsewhere", DAG_CBOR)
    signed_by_them = make_entry(other, 1, opening, opening, put(home, theirs), EARLY)
    beside = put(home, records.encode(signed_by_them))
    assert "others signed 1 contribution" in _issuer_of(home, forged, tmp_path / "signed.car", beside)


def _issuer_of(home: Home, entry: CID, path: Path, *beside: CID) -> str:
    return reason_of(audit_car(car_of(home, entry, path, beside=beside), level=2), "2.issuer")


def test_a_releases_file_has_the_entries_of_its_contributions(released: Released, tmp_path: Path) -> None:
    home, entry, view = released
    export_held(home, entry, tmp_path / "a.car")
    found = [records.parse_as(records.Entry, data) for _, data in sections(tmp_path / "a.car")[1] if _is_entry(data)]
    assert {one.record for one in found} >= set(view.snapshot.contributions)


def _is_entry(data: bytes) -> bool:
    return b"dtypeeentry" in data
