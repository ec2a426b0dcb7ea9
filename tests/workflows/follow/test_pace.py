"""When a followed log is asked for again, and what `emotionet doctor` says of it."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from registry.assembly import open_home
from registry.catalog import follows
from registry.core.errors import Unavailable
from registry.settings import read_settings
from registry.workflows.follow import beside_worker
from registry.workflows.follow.keep_up import bring_all_up_to_date, bring_up_to_date, documents, follow
from registry.workflows.follow.pace import LONGEST, is_due, standing, wait_after
from registry.workflows.upkeep.examine_home import examine
from tests.support.anchors.signer import MemorySigner
from tests.support.liars import Teller, telling

START = "2026-11-23T15:00:00Z"
NOBODY = "http://127.0.0.1:9"


def later(seconds: float) -> str:
    return (datetime.fromisoformat(START) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def row(succeeded: float | None, tried: float | None) -> dict[str, Any]:
    times = [None if one is None else later(one) for one in (succeeded, tried)]
    known = {"issuer": "did:x", "state": "unreachable", "seq": 2, "added": START}
    return {**known, "succeeded": times[0], "tried": times[1]}


def test_a_log_that_is_up_to_date_is_asked_for_at_each_interval() -> None:
    assert is_due(row(None, None), START, 300)
    assert not is_due(row(600, 600), later(800), 300)
    assert is_due(row(600, 600), later(900), 300)


def test_a_silent_registry_is_asked_ever_less_often_but_never_given_up() -> None:
    tried, waits = 0.0, []
    for _ in range(12):
        waits.append(wait_after(row(0, tried), 300))
        tried += waits[-1]
    assert waits[:4] == [300, 300, 600, 1200]
    assert waits[-1] == LONGEST


def test_a_clock_that_was_set_back_delays_nothing() -> None:
    assert is_due(row(50_000, 50_000), START, 300)


def test_doctor_names_who_had_no_success_for_a_day() -> None:
    assert standing([], START) == "no other registry's log is followed"
    assert "did:x unreachable, 3 entries" in standing([row(0, 60)], later(3600))
    with pytest.raises(Unavailable, match="did:x is unreachable, not up to date since 2026-11-23T15:00:00Z") as found:
        standing([row(0, 60), row(None, 60)], later(90_000))
    assert "and 1 other log alike" in str(found.value)


def test_the_loop_waits_for_a_silent_registry_while_the_command_asks_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, teller = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path / "home")})), Teller(MemorySigner(41))
    silent = MemorySigner(42).did
    teller.say(teller.profile("a"))
    now = [START]
    monkeypatch.setattr(type(home), "now", lambda _: now[0])
    with telling(teller) as address:
        follow(home, teller.key.did, [address])
        follow(home, silent, [NOBODY])
        assert len(bring_all_up_to_date(home, due=True)) == 2
        now[0] = later(3600)
        assert len(bring_all_up_to_date(home, due=True)) == 2
        now[0] = later(3600 + 400)
        assert [one["issuer"] for one in bring_all_up_to_date(home, due=True)] == [teller.key.did]
        assert bring_up_to_date(home, silent)["tried"] == now[0]
    by_name = {one["name"]: one for one in examine(home)}
    assert by_name["followed"]["ok"]
    assert f"{silent} unreachable" in by_name["followed"]["detail"]
    home.close()


def test_the_thread_beside_a_worker_asks_and_outlives_a_defect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"EMOTIONET_HOME": str(tmp_path / "home"), "EMOTIONET_FOLLOW_SECONDS": "0.05"}
    home, teller = open_home(read_settings(settings)), Teller(MemorySigner(41))
    teller.say(teller.profile("a"))
    calls: list[int] = []

    def broken_at_first(*given: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("a defect")
        return bring_all_up_to_date(*given, **named)

    monkeypatch.setattr(beside_worker, "bring_all_up_to_date", broken_at_first)
    with telling(teller) as address:
        follow(home, teller.key.did, [address])
        with beside_worker.kept_up_to_date(home, first=0.0):
            for _ in range(600):
                if documents(home)[0]["state"] != follows.NEW:
                    break
                time.sleep(0.05)
    assert documents(home)[0]["state"] == "up to date"
    home.close()
