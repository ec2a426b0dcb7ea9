"""What whoever withdraws something may ask for, and how it is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar, get_args

Remedy = Literal["notice", "remove_bytes", "retrain"]
REMEDIES: tuple[Remedy, ...] = get_args(Remedy)
_MOST = ("notice", "retrain", "remove_bytes")  # the last asks for most
_T = TypeVar("_T")


def asks_for(remedy: str) -> int:
    """More for a remedy that asks for more; an unknown one asks for nothing."""
    return _MOST.index(remedy) if remedy in _MOST else 0


def strongest(found: Iterable[_T], thing: Callable[[_T], object], remedy: Callable[[_T], str]) -> list[_T]:
    """Of several withdrawals of one thing the one that asks for most, the first of equal ones; in the things' order."""
    told: dict[object, _T] = {}
    for one in found:
        other = told.setdefault(thing(one), one)
        if asks_for(remedy(one)) > asks_for(remedy(other)):
            told[thing(one)] = one
    return list(told.values())


def withdrawn_text(one: Mapping[str, Any]) -> str:
    """What was taken back, when, why, and what is asked for beyond notice."""
    asked = {"remove_bytes": " (asks for its bytes to be removed)", "retrain": " (asks to train again without it)"}
    return f"{one['what']}, on {one['effective']}: {one['reason']}{asked.get(one['remedy'], '')}"
