"""Turns errors from computing with a stranger's records into ``InvalidInput``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registry.core.errors import InvalidInput


@contextmanager
def refuse_unusable() -> Iterator[None]:
    """``InvalidInput`` (``bad_evaluation``) for numbers that are none, rows of other columns, cells of other kinds."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        raise InvalidInput(
            "this release's evaluation holds values that can't be used",
            code="bad_evaluation",
            hint="`emotionet audit` says where.",
        ) from error
