"""What was worked out once of content that can't change."""

from __future__ import annotations

import pytest

from registry.core.remembered import Remembered


def test_a_value_is_made_once() -> None:
    made = list[str]()
    kept = Remembered[str, str](10)
    for _ in range(3):
        assert kept.of("a", lambda: made.append("a") or "A") == "A"  # type: ignore[func-returns-value]
    assert made == ["a"]


def test_an_error_is_not_remembered() -> None:
    kept = Remembered[str, int](10)
    with pytest.raises(ZeroDivisionError):
        kept.of("a", lambda: 1 // 0)
    assert "a" not in kept
    assert kept.of("a", lambda: 2) == 2


def test_what_was_not_asked_for_longest_is_forgotten_first() -> None:
    kept = Remembered[str, int](2)
    for key in ("a", "b", "a", "c"):
        kept.of(key, lambda: 1)
    assert ["a" in kept, "b" in kept, "c" in kept] == [True, False, True]


def test_values_together_weigh_no_more_than_was_said() -> None:
    kept = Remembered[bytes, int](10, len)
    for key in (b"1234", b"56789", b"0"):
        kept.of(key, lambda: 1)
    assert all(key in kept for key in (b"1234", b"56789", b"0"))
    kept.of(b"ab", lambda: 1)
    assert b"1234" not in kept
    assert all(key in kept for key in (b"56789", b"0", b"ab"))
    assert kept.of(b"x" * 11, lambda: 7) == 7  # given out, and too heavy to be kept
    assert b"x" * 11 not in kept
