"""Times and sizes for people, in signs that are the same in every language but for the decimal point."""

from __future__ import annotations

from collections.abc import Callable


def duration(seconds: float) -> str:
    """A time for people: seconds, minutes and seconds, or hours and minutes."""
    passed = round(seconds)
    if passed >= 3600:
        return f"{passed // 3600} h {passed % 3600 // 60:02d} min"
    return f"{passed // 60} min {passed % 60:02d} s" if passed >= 60 else f"{passed} s"


_UNITS = ("KB", "MB", "GB", "TB")


def size_text(count: int, number: Callable[[str], str] = str) -> str:
    """Bytes for people, in steps of a thousand; ``number`` writes the decimal in a page's language."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in _UNITS:
        value /= 1000
        if value < 999.5 or unit == _UNITS[-1]:
            break
    return f"{number(f'{value:.0f}' if value >= 100 else f'{value:.1f}')} {unit}"
