"""What a stranger's records state, where it is worked with: what does not work is the records' fault, and told so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registry.core.errors import InvalidInput


@contextmanager
def as_stated() -> Iterator[None]:
    """``InvalidInput`` (``bad_evaluation``) for numbers that are none, rows of other columns, cells of other kinds."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        raise InvalidInput(
            "this release's evaluation states what can't be shown",
            code="bad_evaluation",
            hint="`emotionet audit` says where.",
        ) from error
