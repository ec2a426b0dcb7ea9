"""How far something is, told to whoever watches: the one form for workflows, stores and training methods."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]  # what, done, total (0: not known)


def silent(what: str, done: int, total: int) -> None:
    """Nobody watches."""
