"""Rounds of drand over relays: the contract, and each way in which a relay can misbehave."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from registry.core.errors import EmotionetError, Unavailable, Untrusted, UsageError
from registry.core.ports.beacon import Beacons
from registry.core.records import Note
from registry.evaluation.beacon_notes import relay_lies
from registry.provenance.beacons.relays import RELAYS, Relays, check_relay
from tests.provenance.beacon_contract import NEWEST, NUMBER, BeaconContract, Sources
from tests.support.beacons import MemoryBeacons, drand_round, network, relays

SECONDS = 0.5


class TestMemory(BeaconContract):
    """The contract, by the beacon that other tests use."""

    @pytest.fixture
    def sources(self) -> Sources:
        @contextmanager
        def given(*hows: str, newest: int = NEWEST) -> Iterator[Beacons]:
            yield MemoryBeacons(*hows, newest=newest)

        return given


class TestRelays(BeaconContract):
    """The contract, over HTTP."""

    @pytest.fixture
    def sources(self) -> Sources:
        @contextmanager
        def given(*hows: str, newest: int = NEWEST) -> Iterator[Beacons]:
            with relays(*("early" if how == "lies" else how for how in hows), newest=newest) as made:
                yield Relays(network(), [one.url for one in made], SECONDS)

        return given


LIES = {
    "early": "answers with round 6, not 7",
    "exchanged": "the signature of round 7",
    "other_key": "the signature of round 7",
    "other_value": "states another value",
    "nonsense": "something else than a round",
    "page": "something else than a round",
    "short": "the signature of round 7",
    "huge": "more bytes than a round has",
}
FAULTS = {"broken": "status 500", "moved": "status 302", "silent": "can't be reached", "slow": "too slow"}


@pytest.mark.parametrize(("how", "said"), [*LIES.items(), *FAULTS.items()])
def test_a_relay_that_misbehaves_is_skipped_and_named(how: str, said: str) -> None:
    told: list[Note] = []
    with relays(how, "honest") as (bad, good):
        found = Relays(network(), [bad.url, good.url], SECONDS).fetch(NUMBER, told.append)
        host = bad.url.removeprefix("http://")
        with pytest.raises(EmotionetError, match=said) as caught:
            Relays(network(), [bad.url], SECONDS).fetch(NUMBER)
    assert found == drand_round(NUMBER)
    assert told == ([relay_lies(host, NUMBER)] if how in LIES else [])
    assert host in str(caught.value)
    assert isinstance(caught.value, Untrusted if how in LIES else Unavailable)


def test_no_redirect_is_followed() -> None:
    with relays("moved") as (one,):
        with pytest.raises(Unavailable):
            Relays(network(), [one.url], SECONDS).fetch(NUMBER)
        assert len(one.requested) == 1


def test_a_relay_without_a_server_is_unavailable() -> None:
    with relays("honest") as (one,):
        gone = one.url
    with pytest.raises(Unavailable, match="can't be reached"):
        Relays(network(), [gone], SECONDS).fetch(NUMBER)


def test_relays_are_asked_over_https_alone() -> None:
    assert [check_relay(one) for one in RELAYS] == list(RELAYS)
    assert check_relay("https://relay.example/drand/") == "https://relay.example/drand"
    for bad in (
        "http://relay.example",
        "ftp://relay.example",
        "relay.example",
        "https://u:p@relay.example",
        "https://",
    ):
        with pytest.raises(UsageError):
            check_relay(bad)
    with pytest.raises(UsageError):
        Relays(network(), [])
