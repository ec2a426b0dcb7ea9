"""Evidence of anchors as a forger writes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from registry.core import records
from registry.core.ipld.cid import CID
from registry.provenance.checks.report import Report
from registry.workflows.audit.audit_target import audit_car
from tests.support.forgery import (
    Released,
    car_of,
    forge,
    put,
    replaced,
    way_back,
)

EARLY, LATE = "2001-01-01T00:00:00Z", "2099-01-01T00:00:00Z"


CONTRACT, BLOCK = "0x" + "c" * 40, "0x" + "b" * 64


PLACE: dict[str, Any] = {"chain": "eip155:1", "contract": CONTRACT, "transaction": "0x" + "d" * 64}


LATER = {"block_number": 20, "block_hash": "0x" + "e" * 64, "time": LATE}


def evidence_of(entry: CID | bytes, block: Mapping[str, Any]) -> records.Evidence:
    statement = records.to_value(records.Block(**block))
    return records.Evidence(entry=bytes(entry), kind="evm", statement=statement, proof=None)


class Anchored:
    """The release as if it had been anchored: an opening that names a chain, a beacon, evidence of plan and release."""

    def __init__(self, released: Released, *more: records.Beacon, **beacon: Any) -> None:
        home, entry, view = released
        plan = records.parse_as(records.Entry, home.store.get(view.release.plan_entry))
        at = {**PLACE, "block_number": 10, "block_hash": BLOCK, "time": plan.issued_at, **beacon}
        self.home, self.beacon = home, records.EvmBlock(**at)
        opening = records.parse_as(records.Entry, home.store.get(way_back(home, entry)[-1])).record
        changed = {
            opening: records.encode(records.Issuer(chains=(("eip155:1", CONTRACT),))),
            **replaced(view.release.draw, view.draw, beacons=(self.beacon, *more)),
        }
        self.entry = forge(home, entry, changed)
        release = records.parse_as(records.Entry, home.store.get(self.entry)).record
        self.plan_entry = records.parse_as(records.Release, home.store.get(release)).plan_entry

    def evidence(self, entry: CID, **fields: Any) -> CID:
        said = {**PLACE, "block_number": 10, "block_hash": BLOCK, "time": self.beacon.time, **fields}
        return put(self.home, records.encode(evidence_of(entry, said)))

    def report(self, path: Path, *evidence: CID, rooted: bool = True) -> Report:
        """``rooted``: evidence as roots, as we write it; otherwise as blocks alone."""
        roots = [self.entry, *(evidence if rooted else ()), way_back(self.home, self.entry)[-1]]
        return audit_car(car_of(self.home, self.entry, path, roots=roots, beside=evidence), level=3)
