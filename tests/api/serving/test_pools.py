"""Kinds of work: which request is of which, and that none of one kind waits behind another."""

from __future__ import annotations

import threading

import pytest

from registry.api.problems import HttpProblem
from registry.api.serving import pools
from registry.api.serving.pools import HEAVY, PAGE, READ, WRITE, Pools


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/api/v1/images/bafy", READ),
        ("GET", "/ipfs/bafy", READ),
        ("GET", "/metrics", READ),
        ("POST", "/api/v1/images", WRITE),
        ("POST", "/api/v1/audits", HEAVY),
        ("GET", "/api/v1/releases/latest/report", HEAVY),
        ("GET", "/releases/latest/report", HEAVY),
        ("POST", "/api/v1/releases/latest/claims", HEAVY),
        ("GET", "/images", PAGE),
        ("POST", "/register", PAGE),
    ],
)
def test_a_request_is_of_one_kind(method: str, path: str, kind: str) -> None:
    assert pools.kind_of(method, path) == kind


def asked(client: str, method: str, path: str) -> None:
    pools.begin({"method": method, "path": path, "client": (client, 1)})


def test_a_cheap_read_does_not_wait_behind_heavy_work() -> None:
    made, gate = Pools(), threading.Event()
    asked("192.0.2.1", "POST", "/api/v1/audits")
    waiting = [made.submit(gate.wait) for _ in range(pools.SIZES[HEAVY].of_one or 0)]
    with pytest.raises(HttpProblem) as raised:
        made.submit(gate.wait)
    assert raised.value.status_code == 429
    assert "Retry-After" in (raised.value.headers or {})
    asked("192.0.2.2", "POST", "/api/v1/audits")
    other = made.submit(gate.wait)  # another address is not refused
    asked("192.0.2.1", "GET", "/api/v1/images/x")
    assert made.submit(lambda: 7).result(30) == 7
    assert made.under_way()[HEAVY] == len(waiting) + 1
    gate.set()
    for one in (*waiting, other):
        assert one.result(30)


def test_who_comes_when_all_is_full_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(pools.SIZES, READ, pools.Size(1, 1))
    made, gate = Pools(), threading.Event()
    asked("192.0.2.1", "GET", "/api/v1/images")
    held = [made.submit(gate.wait) for _ in range(2)]
    with pytest.raises(HttpProblem) as raised:
        made.submit(gate.wait)
    assert raised.value.status_code == 503
    gate.set()
    assert all(one.result(30) for one in held)
    assert made.submit(lambda: 1).result(30) == 1
