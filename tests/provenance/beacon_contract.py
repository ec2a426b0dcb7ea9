"""What every ``registry.core.ports.beacon.Beacons`` must do. A suite subclasses ``BeaconContract``, gives the fixtures.

Fixture to give: ``sources``, a function from what each source does (``honest``, ``lies``, ``silent``) and the newest
round that is out to a context in which there is an adapter over them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from registry.core.errors import InvalidInput, Unavailable, Untrusted
from registry.core.ports.beacon import Beacons
from registry.core.records import Note
from tests.support.beacons import NEWEST, drand_round, network

Sources = Callable[..., AbstractContextManager[Beacons]]
NUMBER = 7


class BeaconContract:
    """The contract of ``registry/core/ports/beacon.py``, one statement a test."""

    def test_it_is_named_as_plans_name_it(self, sources: Sources) -> None:
        with sources("honest") as beacons:
            assert re.fullmatch("drand:[0-9a-f]{64}", beacons.name)
            assert beacons.fetch(NUMBER).named == beacons.name

    @pytest.mark.parametrize("time", ["2026-12-01T12:00:00Z", "2026-12-01T12:00:01Z", "2026-12-01T12:00:02Z"])
    def test_the_round_after_a_time_is_the_first_that_is_later(self, sources: Sources, time: str) -> None:
        with sources("honest") as beacons:
            number = beacons.round_after(time)
            assert beacons.time_of(number - 1) <= time < beacons.time_of(number)

    def test_before_the_first_round_all_are_later(self, sources: Sources) -> None:
        with sources("honest") as beacons:
            assert beacons.round_after("2001-01-01T00:00:00Z") == 1
            assert beacons.round_after(beacons.time_of(1)) == 2

    def test_a_round_that_no_calendar_reaches_has_no_time(self, sources: Sources) -> None:
        with sources("honest") as beacons, pytest.raises(InvalidInput):
            beacons.time_of(1 << 63)

    def test_a_round_has_one_value_for_ever(self, sources: Sources) -> None:
        with sources("honest", "honest") as beacons:
            assert beacons.fetch(NUMBER) == beacons.fetch(NUMBER) == drand_round(NUMBER)
            assert len(beacons.fetch(NUMBER).value) == 32
            assert beacons.fetch(NUMBER + 1).value != beacons.fetch(NUMBER).value
            network().check(beacons.fetch(NUMBER))

    def test_a_round_that_is_not_out_is_unavailable(self, sources: Sources) -> None:
        with sources("honest", newest=NUMBER) as beacons:
            assert beacons.fetch(NUMBER).round == NUMBER
            with pytest.raises(Unavailable):
                beacons.fetch(NUMBER + 1)

    def test_where_nobody_answers_it_is_unavailable(self, sources: Sources) -> None:
        with sources("silent", "silent") as beacons, pytest.raises(Unavailable):
            beacons.fetch(NUMBER)

    def test_a_lie_is_told_and_skipped(self, sources: Sources) -> None:
        told: list[Note] = []
        with sources("lies", "silent", "honest") as beacons:
            assert beacons.fetch(NUMBER, told.append) == drand_round(NUMBER)
        assert [one.code for one in told] == ["relay_lies"]

    def test_where_only_lies_come_it_is_untrusted(self, sources: Sources) -> None:
        with sources("lies", "lies") as beacons, pytest.raises(Untrusted):
            beacons.fetch(NUMBER)

    def test_lies_and_silence_together_may_end_well_later(self, sources: Sources) -> None:
        with sources("lies", "silent") as beacons, pytest.raises(Unavailable):
            beacons.fetch(NUMBER)


__all__ = ["NEWEST", "NUMBER", "BeaconContract", "Sources"]
