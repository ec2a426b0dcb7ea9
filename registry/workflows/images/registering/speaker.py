"""In whose name somebody may register rows.

Invariants: who is no speaker for anybody writes in one name alone, which fills in what a row leaves out. A row that its
contributor signed says by itself who speaks, whoever sends it.
"""

from __future__ import annotations

from dataclasses import dataclass

from registry.catalog.tokens import FOR_ANYBODY
from registry.core.errors import InvalidInput


class NotYours(InvalidInput):
    """A row in somebody else's name."""


@dataclass(frozen=True)
class Speaker:
    """``name``: in whose name, None for the issuer's own; ``anybody``: in any other's too."""

    name: str | None = None
    anybody: bool = True

    def of(self, issuer: str, named: str | None, *, signed: bool = False) -> str:
        """Who says a row that names ``named``. ``NotYours`` where that is somebody else."""
        own = self.name or issuer
        if named is None or named == own:
            return own
        if self.anybody or signed:
            return named
        raise NotYours(
            f"this writes in the name of {self.name or 'this registry'}, not of {named}",
            code="contributor_not_yours",
            hint=f"leave the contributor out, or use a token with the scope {FOR_ANYBODY}.",
        )


ANYBODY = Speaker()
