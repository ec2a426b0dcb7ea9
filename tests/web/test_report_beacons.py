"""A report says by which beacons the folds were drawn."""

from __future__ import annotations

from typing import Any

from registry.core import records
from registry.web.report.report import render_report
from tests.support.beacons import drand_round, network
from tests.web.example import data

BLOCK: dict[str, Any] = {"contract": "0x" + "c" * 40, "transaction": "0x" + "d" * 64, "block_hash": "0x" + "b" * 64}
BEACONS = (
    records.EvmBlock(chain="eip155:1", block_number=10, time="2026-12-01T11:59:50Z", **BLOCK),
    drand_round(7),
)


def test_the_report_says_by_which_beacons_the_folds_were_drawn() -> None:
    found = render_report(data(beacons=BEACONS))
    assert "The folds were drawn from block 10 of eip155:1, which holds the plan&#39;s anchor." in found
    assert f"The folds were drawn from round 7 of drand {network().hash}, the first after" in found
    assert "The folds were drawn from" not in render_report(data())
