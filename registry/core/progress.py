"""The one callback by which workflows, stores and training methods report progress."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]  # what, done, total (0: not known)


def silent(what: str, done: int, total: int) -> None:
    """Nobody watches."""
