"""Times and sizes for people, in signs that are the same in every language but for the decimal point."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A time for people: seconds, minutes and seconds, or hours and minutes."""
    passed = round(seconds)
    if passed >= 3600:
        return f"{passed // 3600} h {passed % 3600 // 60:02d} min"
    return f"{passed // 60} min {passed % 60:02d} s" if passed >= 60 else f"{passed} s"


def size_text(count: int) -> str:
    """Bytes for people."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
