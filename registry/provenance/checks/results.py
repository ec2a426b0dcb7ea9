"""The results of checks, each with its reason; whatever a check raises becomes its result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from registry.core.errors import EmotionetError, NewerVersion, NotFound, Unavailable
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import MissingBlock
from registry.provenance.checks.differences import difference
from registry.provenance.checks.listed import level_of, title_of

HOLDS, FAILS, UNCHECKED = "holds", "does not hold", "not checked"
_REASON = 400  # letters of an unforeseen error that are told
T = TypeVar("T")


@dataclass(frozen=True)
class Check:
    """One check's outcome; ``reason`` is empty where it holds and there is nothing to add.

    ``requested``: whether it belongs to what was asked for; what no level looks at is listed all the same.
    """

    id: str
    level: int
    title: str
    result: str
    reason: str = ""
    requested: bool = True
    newer: bool = False  # not checked because something came after this program
    lacking: bool = False  # not checked because something that it needs is not at hand
    tolerance: str | None = None  # how far apart what is stated and what was found may lie; None: equal


class Failed(Exception):
    """A check does not hold; the text says why."""


class NotChecked(Exception):
    """A check can't be made here; the text says why."""


class NotHeld(NotChecked):
    """A check needs blocks that this home does not hold; that says nothing against who signed the target."""


def unmade(id: str, reason: str, *, requested: bool = True) -> Check:
    """A listed check that is not made."""
    return Check(id, level_of(id), title_of(id), UNCHECKED, reason, requested)


def run(id: str, check: Callable[[], str | None], *, requested: bool = True) -> Check:
    """Run one check, which ``listed`` has. Whatever it raises becomes its reason, so that the others go on."""
    level, title = level_of(id), title_of(id)

    def outcome(result: str, reason: str, newer: bool = False, lacking: bool = False) -> Check:
        return Check(id, level, title, result, reason, requested, newer, lacking)

    try:
        return outcome(HOLDS, check() or "")
    except NotChecked as reason:
        return outcome(UNCHECKED, str(reason), lacking=isinstance(reason, NotHeld))
    except Failed as reason:
        return outcome(FAILS, str(reason))
    except NewerVersion as error:  # whatever check meets it, at whatever level: neither holds nor fails
        return outcome(UNCHECKED, str(error), newer=True)
    except Unavailable as error:
        return outcome(UNCHECKED, str(error))
    except MissingBlock as error:  # says nothing against who signed it: 1.complete fails where it should be here
        return outcome(UNCHECKED, f"block {error.cid} is not at hand", lacking=True)
    except NotFound as error:
        return outcome(UNCHECKED, f"something is missing: {error}", lacking=True)
    except EmotionetError as error:
        return outcome(FAILS, str(error))
    except (LookupError, ValueError, TypeError, ArithmeticError, AttributeError, AssertionError) as error:
        # records that no honest run writes: a hostile file must get its verdict too
        return outcome(FAILS, f"the records contradict each other ({type(error).__name__}: {_said(error)})"[:_REASON])
    except Exception as error:
        # what nobody foresaw (MemoryError, RecursionError) is no reason to keep silent about the rest
        return outcome(FAILS, f"this check stopped on an unexpected error ({type(error).__name__}: {error})"[:_REASON])


def _said(error: Exception) -> str:
    """An error's text; of a key that is bytes their digits."""
    (key,) = error.args if len(error.args) == 1 else (None,)
    return key.hex() if isinstance(key, bytes) else str(error)


def guarded(compute: Callable[[], T], otherwise: T) -> T:
    """``compute``'s value, or ``otherwise`` where records can't be read or contradict each other: checks say so."""
    try:
        return compute()
    except Exception:  # as in ``run``: a stranger's records may break anything
        return otherwise


def once(compute: Callable[[], T]) -> Callable[[], T]:
    """The same, computed when it is first asked for and never again, even where it raises: the error is raised anew."""
    done: list[tuple[T | None, Exception | None]] = []

    def cached() -> T:
        if not done:
            try:
                done.append((compute(), None))
            except Exception as error:  # whatever it is, computing it again would take as long and give the same
                done.append((None, error))
        value, failure = done[0]
        if failure is not None:
            raise failure.with_traceback(None)
        return value  # type: ignore[return-value]

    return cached


def some(cids: Iterable[CID | str], limit: int = 3) -> str:
    """A few of many, and how many more."""
    listed = [str(cid) for cid in cids]
    more = f" and {len(listed) - limit} more" if len(listed) > limit else ""
    return ", ".join(listed[:limit]) + more


def equal(what: str, stated: Any, found: Any) -> None:
    """``Failed`` unless both are equal."""
    if stated != found:
        raise Failed(difference(what, stated, found))
