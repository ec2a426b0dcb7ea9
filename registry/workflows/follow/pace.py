"""When a followed log is asked for again, and how those that are followed stand.

Invariants: a source that is silent, or gives what does not hold, is asked ever less often: after each attempt as long
is waited as the last success lies back, at least the interval and at most ``LONGEST``. This follows from the catalog
alone, so it outlasts a restart, and machines that share a catalog ask once between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from registry.core.errors import Unavailable
from registry.core.text.cleaning import counted

LONGEST = 6 * 3600.0  # seconds between two attempts
SILENT = 24 * 3600.0  # without a success, until `emotionet doctor` complains
_ROUNDING = 1.0  # times in the catalog are whole seconds


def _seconds(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def wait_after(row: Mapping[str, Any], interval: float) -> float:
    """Seconds from the last attempt at a row of ``followed`` to the next."""
    if row["tried"] is None:
        return 0.0
    return max(interval, min(_seconds(row["succeeded"] or row["added"], row["tried"]), LONGEST))


def is_due(row: Mapping[str, Any], now: str, interval: float) -> bool:
    """Whether it is time to ask again. A clock that was set back delays nothing."""
    if row["tried"] is None:
        return True
    passed = _seconds(row["tried"], now)
    return passed < 0 or passed + _ROUNDING >= wait_after(row, interval)


def standing(rows: Sequence[Mapping[str, Any]], now: str) -> str:
    """A line for `emotionet doctor`. ``Unavailable`` (``follow_silent``) where one had no success for a day."""
    silent = [row for row in rows if _seconds(row["succeeded"] or row["added"], now) >= SILENT]
    if silent:
        since = silent[0]["succeeded"] or silent[0]["added"]
        raise Unavailable(
            f"{silent[0]['issuer']} is {silent[0]['state']}, not up to date since {since}"
            + (f", and {counted(len(silent) - 1, 'other log', 'other logs')} alike" if len(silent) > 1 else ""),
            code="follow_silent",
            hint="`emotionet follow --once` asks now (`emotionet serve` and `worker` do by themselves); "
            "`emotionet follow ISSUER --from ADDRESS` names another source, `emotionet unfollow ISSUER` ends it.",
        )
    if not rows:
        return "no other registry's log is followed"
    told = (f"{row['issuer']} {row['state']}, {counted(row['seq'] + 1, 'entry', 'entries')}" for row in rows)
    return "; ".join(told)
