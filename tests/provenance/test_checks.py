"""One check that breaks off stops no other; what is computed once is computed once, errors too."""

from __future__ import annotations

import pytest

from registry.core.errors import InvalidInput, Unavailable
from registry.core.ipld.cid import RAW, cid_of
from registry.core.ipld.dag import not_here
from registry.provenance.checks.report import Report
from registry.provenance.checks.results import (
    FAILS,
    HOLDS,
    UNCHECKED,
    Check,
    Failed,
    NotChecked,
    guarded,
    once,
    run,
)


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (Failed("no"), FAILS),
        (NotChecked("later"), UNCHECKED),
        (InvalidInput("nonsense"), FAILS),
        (Unavailable("not now"), UNCHECKED),
        (not_here(cid_of(b"", RAW)), UNCHECKED),
        (KeyError("fold"), FAILS),
        (MemoryError(), FAILS),
        (RecursionError("deep"), FAILS),
        (RuntimeError("odd"), FAILS),
        (OverflowError("large"), FAILS),
    ],
)
def test_whatever_a_check_raises_is_its_reason(error: Exception, result: str) -> None:
    def check() -> str:
        raise error

    found = run("6.metrics", check)
    assert (found.id, found.level, found.result, bool(found.reason)) == ("6.metrics", 6, result, True)
    assert guarded(check, "nothing") == "nothing"


def test_an_error_is_computed_once() -> None:
    calls = []

    @once
    def slow() -> int:
        calls.append(1)
        raise MemoryError("too many")

    for _ in range(3):
        with pytest.raises(MemoryError, match="too many"):
            slow()
    assert calls == [1]

    @once
    def value() -> None:
        calls.append(2)

    assert (value(), value(), calls) == (None, None, [1, 2])


def report(**results: str) -> Report:
    names = {"blocks": "1.blocks", "images": "1.images", "log": "2.log", "metrics": "6.metrics"}
    checks = [Check(names[name], int(names[name][0]), "", result) for name, result in results.items()]
    return Report(target="x", checks=[*checks, Check("2.labels", 2, "", UNCHECKED, requested=False)])


@pytest.mark.parametrize(
    ("found", "code", "strict"),
    [
        (report(blocks=HOLDS, images=HOLDS, log=HOLDS), 0, 0),
        (report(blocks=HOLDS, images=UNCHECKED, log=HOLDS), 0, 1),
        (report(blocks=HOLDS, log=HOLDS, metrics=UNCHECKED), 0, 1),
        (report(blocks=HOLDS, log=UNCHECKED), 1, 1),
        (report(blocks=UNCHECKED, log=HOLDS), 1, 1),
        (report(blocks=HOLDS, log=HOLDS, metrics=FAILS), 1, 1),
        (report(), 1, 1),
        (Report(target="x", readable=False), 3, 3),
    ],
)
def test_levels_1_and_2_are_checked_or_it_does_not_hold(found: Report, code: int, strict: int) -> None:
    assert (found.exit_code(strict=False), found.exit_code(strict=True)) == (code, strict)
    assert found.holds == (code == 0)
