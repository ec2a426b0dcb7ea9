"""What decides over images beside the query: the rule, who is trusted, and what is demanded of rights.

Invariant: whoever asks for nothing gets the majority's label, and no image that says no of its use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from registry.catalog.database.database import Connection
from registry.catalog.queries.labeled_images.rows import contributors_named
from registry.core import records
from registry.core.errors import InvalidInput, NotFound
from registry.core.issuers import read_issuer
from registry.core.snapshots import rules
from registry.core.text import cleaning


@dataclass(frozen=True)
class Terms:
    """As somebody asks for them. ``trusted``: contributors' names, or ISSUER/NAME; they alone make the rule
    ``trusted``. ``override``: why images that say no are taken all the same."""

    rule: str | None = None
    trusted: Sequence[str] = ()
    licences: Sequence[str] = ()
    consent: bool = False
    override: str | None = None


PLAIN = Terms()


class Settled(NamedTuple):
    """As a snapshot's record has them, and as ``select`` takes them."""

    rule: str
    trusted: tuple[tuple[str, str], ...]
    use: records.Use

    def arguments(self) -> dict[str, Any]:
        """For ``select`` and for the record."""
        return self._asdict()


def settled(db: Connection, terms: Terms) -> Settled:
    """``InvalidInput`` for an unknown rule, a blank text, or a name that several issuers use
    (``ambiguous_contributor``); ``NotFound`` for a labeller whom nobody knows."""
    rule = rules.named(terms.rule) if terms.rule else rules.TRUSTED if terms.trusted else rules.MAJORITY
    trusted = tuple(sorted({_labeller(db, one) for one in terms.trusted}))
    rules.check_rule(rule, trusted)
    use = records.Use(
        override=cleaning.clean_given("reason", terms.override),
        licences=tuple(sorted({cleaning.clean("licence", one) for one in terms.licences})),
        consent=terms.consent,
    )
    return Settled(rule, trusted, use)


def _labeller(db: Connection, text: str) -> tuple[str, str]:
    """One (issuer, contributor) by a name, or by ISSUER/NAME."""
    issuer, slash, name = text.partition("/") if text.startswith(("did:", "0x")) else ("", "", text)
    name = cleaning.clean("contributor", name if slash else text)
    found = [one for one in contributors_named(db, [name]) if not slash or one[0] == read_issuer(issuer)]
    if not found:
        raise NotFound(f"nobody called {text[:100]!r} has labelled an image here", hint="see `emotionet images list`.")
    if len(found) > 1:
        raise InvalidInput(
            f"several issuers have a contributor called {name!r}, who may be different people",
            code="ambiguous_contributor",
            hint=f"say whose: {', '.join(f'{who}/{what}' for who, what in found)}.",
        )
    return found[0]
