"""What a snapshot's ``query`` demands of a row, each part with its meaning.

==================================  ==================================================================================
``label, issuer, contributor,``     a text, or a list of texts: the row has one of them, exactly as given (``label`` is
``subject, licence, consent``       the label as given, not its class). A row that leaves it out has none
``attributes`` {name: value}        the row gives every one of these attributes this value
``rights`` {signal: value}          the row gives every one of these signals this value, or one of a list
``speakers`` [[issuer, name]]       the row is by one of these contributors, each under one issuer
``images`` link to a CHOSEN table   the row is of one of these images
``snapshot`` a CID as text          nothing more: the snapshot whose images ``images`` lists
==================================  ==================================================================================

All parts are demanded of one and the same row, the newest of its (image, issuer, contributor): an older row that would
meet them does not count. Rows that meet them vote on their image by the snapshot's rule; others, of the same image too,
do not, and nothing that they say of rights comes into the item. ``{}`` demands nothing. A name under ``contributor``
is one under any issuer, so a snapshot that is taken here always states ``issuer`` or ``speakers`` with it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any

from registry.core.errors import InvalidInput, Untrusted
from registry.core.ipld.cid import CID, DAG_CBOR, is_cid
from registry.core.ipld.dag import Get
from registry.core.labeling.labeled_row import SIGNALS
from registry.core.table import tables
from registry.core.table.columns import CHOSEN

TEXTS = ("label", "issuer", "contributor", "subject", "licence", "consent")
MAPS = ("attributes", "rights")
SPEAKERS = "speakers"
IMAGES, SNAPSHOT = "images", "snapshot"
Row = Mapping[str, Any]


def check_query(query: Mapping[str, Any]) -> None:
    """``InvalidInput`` ``bad_query`` unless a query has only known parts, each of its kind."""
    if not set(query) <= {*TEXTS, *MAPS, SPEAKERS, IMAGES, SNAPSHOT}:
        raise _bad(f"filter by {', '.join(TEXTS)}, {', '.join(MAPS)}, {SPEAKERS} or {IMAGES}")
    if IMAGES in query and not (isinstance(query[IMAGES], CID) and query[IMAGES].codec == DAG_CBOR):
        raise _bad(f"{IMAGES} is a link to a table")
    if SNAPSHOT in query and not (IMAGES in query and isinstance(query[SNAPSHOT], str) and is_cid(query[SNAPSHOT])):
        raise _bad(f"{SNAPSHOT} is the CID of the snapshot whose images {IMAGES} lists")
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


def chosen_images(query: Mapping[str, Any], get: Get) -> frozenset[bytes] | None:
    """The sha256s that a query lists by ``images``; None of one that does not. ``Untrusted`` for another table."""
    if IMAGES not in query:
        return None
    check_query(query)
    if tables.read(query[IMAGES], get).shape != CHOSEN:
        raise Untrusted(f"the table {query[IMAGES]} of chosen images has other columns", code="snapshot_malformed")
    found = frozenset(row[0] for row in tables.iterate(query[IMAGES], get))
    if not all(type(one) is bytes and len(one) == 32 for one in found):
        raise Untrusted(f"the table {query[IMAGES]} lists what is no image's sha256", code="snapshot_malformed")
    return found


def matcher(query: Mapping[str, Any], chosen: Container[bytes] | None = None) -> Callable[[Row], bool]:
    """Whether a row meets every part of a query, as a function that is asked of many rows.

    ``chosen``: what ``chosen_images`` says of it. ``InvalidInput`` ``bad_query`` as ``check_query``.
    """
    check_query(query)
    if (IMAGES in query) != (chosen is not None):
        raise _bad(f"{IMAGES} can't be judged without its table")
    texts = [(name, choices(query[name])) for name in TEXTS if name in query]
    maps = [(part, name, choices(value)) for part in MAPS for name, value in query.get(part, {}).items()]
    speakers = {tuple(one) for one in query[SPEAKERS]} if SPEAKERS in query else None

    def meets(row: Row) -> bool:
        return (
            (chosen is None or row["sha256"] in chosen)
            and all(row[name] in wanted for name, wanted in texts)
            and all(row[part].get(name) in wanted for part, name, wanted in maps)
            and (speakers is None or (row["issuer"], row["contributor"]) in speakers)
        )

    return meets


def matches(row: Row, query: Mapping[str, Any] | None) -> bool:
    """Whether one row meets every part of a query that lists no images."""
    return matcher(query or {})(row)
