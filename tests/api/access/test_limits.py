"""Limits by address and by token: bounded, told with the time to wait, and without trust in what a client says."""

from __future__ import annotations

import dataclasses
import time

import pytest
from litestar.testing import TestClient

from registry.api.access import limits
from registry.api.access.limits import LOCAL, Limit, Limits, network_of
from registry.api.app import create_app
from registry.api.problems import HttpProblem
from registry.assembly import Home
from registry.settings import read_settings
from tests.api.conftest import make_token, problem


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("127.0.0.1", LOCAL),
        ("::1", LOCAL),
        ("::ffff:127.0.0.1", LOCAL),
        ("", LOCAL),
        ("testclient", LOCAL),
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_what_is_counted_together(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_limit_refuses_and_lets_in_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    limit = Limit(60, "address")
    for _ in range(60):
        limit.check("a")
    with pytest.raises(HttpProblem) as caught:
        limit.check("a")
    assert caught.value.status_code == 429
    assert caught.value.headers == {"Retry-After": "2"}
    limit.check("b")
    now += 1.0
    limit.check("a")
    with pytest.raises(HttpProblem):
        limit.check("a")


def test_a_limit_remembers_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMEMBERED", 10)
    limit = Limit(1, "address")
    for index in range(1000):
        limit.check(str(index))
    assert len(limit._left) == 10


def test_without_a_setting_this_machine_is_not_limited() -> None:
    assert not Limits(None, 0)._local
    assert Limits(5, 0)._local
    assert read_settings({}).address_limit is None
    assert read_settings({"EMOTIONET_ADDRESS_LIMIT": "0"}).address_limit == 0


def test_too_many_requests_are_told_when_to_come_again(home: Home) -> None:
    home.settings = dataclasses.replace(home.settings, address_limit=3)
    with TestClient(create_app(home), raise_server_exceptions=False) as client:
        for index in range(3):  # what a client says of its own address does not count
            assert client.get("/api/v1/images", headers={"X-Forwarded-For": f"192.0.2.{index}"}).status_code == 200
        answer = client.get("/api/v1/images", headers={"X-Forwarded-For": "192.0.2.9"})
        problem(answer, 429, "too_many_requests")
        assert int(answer.headers["retry-after"]) >= 1


def test_each_token_has_a_limit_of_its_own(home: Home) -> None:
    home.settings = dataclasses.replace(home.settings, token_limit=2)
    one, other = make_token(home, "admin"), make_token(home, "admin")
    with TestClient(create_app(home), raise_server_exceptions=False) as client:
        asked = [client.get("/api/v1/writes", headers=headers).status_code for headers in (one, one, one, other)]
    assert asked == [200, 200, 429, 200]
