"""What an audit says: every check with its result and its reason, and the exit status that follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from registry.core.cid import CID
from registry.core.errors import EmotionetError, NotFound, Unavailable

HOLDS, FAILS, UNCHECKED = "holds", "does not hold", "not checked"


@dataclass(frozen=True)
class Check:
    """One check's outcome; ``reason`` is empty where it holds and there is nothing to add."""

    id: str
    level: int
    title: str
    result: str
    reason: str = ""


@dataclass
class Report:
    """All checks that were asked for, in order."""

    target: str
    issuer: str | None = None
    entry: str | None = None
    readable: bool = True  # whether there was anything to check
    checks: list[Check] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Nothing failed, and levels 1 and 2, as far as they were asked for, were checked."""
        first = [check for check in self.checks if check.level <= 2]
        checked = {check.level for check in first if check.result == HOLDS}
        return (
            self.readable
            and all(check.result != FAILS for check in self.checks)
            and checked == {check.level for check in first}
        )

    def exit_code(self, strict: bool) -> int:
        """0, 1 or 3 as the interface says."""
        if not self.readable:
            return 3
        if not self.holds:
            return 1
        return 1 if strict and any(check.result == UNCHECKED for check in self.checks) else 0

    def to_json(self) -> dict[str, Any]:
        """The document of `emotionet audit --json`."""
        return {
            "target": self.target,
            "issuer": self.issuer,
            "entry": self.entry,
            "holds": self.holds,
            "checks": [vars(check) for check in self.checks],
        }


class Doubt(Exception):
    """A check does not hold; the text says why."""


class Skip(Exception):
    """A check can't be made here; the text says why."""


def run(id: str, title: str, check: Callable[[], str | None]) -> Check:
    """Run one check; its id begins with its level. Whatever it raises becomes its reason."""
    level = int(id.split(".")[0])
    try:
        return Check(id, level, title, HOLDS, check() or "")
    except Skip as skip:
        return Check(id, level, title, UNCHECKED, str(skip))
    except Doubt as doubt:
        return Check(id, level, title, FAILS, str(doubt))
    except Unavailable as error:
        return Check(id, level, title, UNCHECKED, str(error))
    except NotFound as error:
        return Check(id, level, title, FAILS, f"something is missing: {error}")
    except EmotionetError as error:
        return Check(id, level, title, FAILS, str(error))
    except (LookupError, ValueError, TypeError, ArithmeticError, AttributeError, AssertionError) as error:
        # records that no honest run writes: a hostile file must get its verdict too
        return Check(
            id, level, title, FAILS, f"the records contradict each other ({type(error).__name__}: {error})"[:300]
        )


def some(cids: Iterable[CID | str], limit: int = 3) -> str:
    """A few of many, and how many more."""
    listed = [str(cid) for cid in cids]
    more = f" and {len(listed) - limit} more" if len(listed) > limit else ""
    return ", ".join(listed[:limit]) + more


def equal(what: str, stated: Any, found: Any) -> None:
    """``Doubt`` unless both are equal."""
    if stated != found:
        raise Doubt(f"{what}: stated {_short(stated)}, recomputed {_short(found)}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 160 else text[:157] + "..."
