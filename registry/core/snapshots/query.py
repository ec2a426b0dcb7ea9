"""What a snapshot's ``query`` demands of a row, each part with its meaning.

==================================  ==================================================================================
``label, issuer, contributor,``     a text, or a list of texts: the row has one of them, exactly as given (``label`` is
``subject, licence, consent``       the label as given, not its class). A row that leaves it out has none
``attributes`` {name: value}        the row gives every one of these attributes this value
``rights`` {signal: value}          the row gives every one of these signals this value, or one of a list
``speakers`` [[issuer, name]]       the row is by one of these contributors, each under one issuer
==================================  ==================================================================================

All parts are demanded of one and the same row, the newest of its (image, issuer, contributor): an older row that would
meet them does not count. Rows that meet them vote on their image by the snapshot's rule; others, of the same image too,
do not, and nothing that they say of rights comes into the item. ``{}`` demands nothing. A name under ``contributor``
is one under any issuer, so a snapshot that is taken here always states ``issuer`` or ``speakers`` with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.core.errors import InvalidInput
from registry.core.labeling.labeled_row import SIGNALS

TEXTS = ("label", "issuer", "contributor", "subject", "licence", "consent")
MAPS = ("attributes", "rights")
SPEAKERS = "speakers"
Row = Mapping[str, Any]


def check_query(query: Mapping[str, Any]) -> None:
    """``InvalidInput`` ``bad_query`` unless a query has only known parts, each of its kind."""
    if not set(query) <= {*TEXTS, *MAPS, SPEAKERS}:
        raise _bad(f"filter by {', '.join(TEXTS)}, {', '.join(MAPS)} or {SPEAKERS}")
    maps = [query.get(name, {}) for name in MAPS]
    if not all(isinstance(one, Mapping) for one in maps):
        raise _bad(f"{' and '.join(MAPS)} are texts by name")
    if not set(query.get("rights", {})) <= set(SIGNALS):
        raise _bad(f"signals of rights are {', '.join(SIGNALS)}")
    speakers = query.get(SPEAKERS, [])
    if not isinstance(speakers, (list, tuple)) or not all(
        isinstance(one, (list, tuple)) and len(one) == 2 for one in speakers
    ):
        raise _bad("speakers are pairs of an issuer and a contributor")
    texts = [text for name in TEXTS if name in query for text in choices(query[name])]
    texts += [text for one in maps for name, value in one.items() for text in (name, *choices(value))]
    texts += [text for one in speakers for text in one]
    if not all(isinstance(item, str) for item in texts):
        raise _bad("a filter's values must be text")


def _bad(reason: str) -> InvalidInput:
    return InvalidInput(reason, code="bad_query")


def choices(value: Any) -> list[Any]:
    """What a part's value allows: one text, or any of a list."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


def matches(row: Row, query: Mapping[str, Any] | None) -> bool:
    """Whether a row meets every part of a query."""
    query = query or {}
    check_query(query)
    return (
        all(row[name] in choices(query[name]) for name in TEXTS if name in query)
        and all(row[part].get(name) in choices(value) for part in MAPS for name, value in query.get(part, {}).items())
        and (SPEAKERS not in query or [row["issuer"], row["contributor"]] in [list(one) for one in query[SPEAKERS]])
    )
