"""How many days lie between two times of records.

Invariant: times are RFC 3339 in UTC, as records hold them; whole days only, and none where the second is the earlier.
"""

from __future__ import annotations

from datetime import datetime


def days_between(time: str, later: str) -> int:
    """Whole days from one to the other."""
    return max(0, (datetime.fromisoformat(later) - datetime.fromisoformat(time)).days)
