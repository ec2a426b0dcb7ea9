"""Find what a text may mean: a CID, a digest, an id or its beginning, a name, or a word.

Invariants: what is found is what lists show anyway; a text that means nothing is no error, it finds nothing. An image
comes with what it is used in, newest first and no more than ``USES``.
"""

from __future__ import annotations

import re
from typing import Any

from registry.catalog.database.database import Connection
from registry.catalog.queries import search
from registry.catalog.queries.labeled_images import image_uses, images
from registry.catalog.queries.signed_records import lineage, names
from registry.catalog.queries.training_runs import runs
from registry.core.errors import EmotionetError, InvalidInput, NotFound, UsageError
from registry.core.ipld.cid import CID
from registry.core.text.names import read_reference
from registry.workflows.images.image_uses import releases_with
from registry.workflows.names.beginnings import begin_and_end
from registry.workflows.names.find_image import find_image
from registry.workflows.names.resolve import named_rows, resolve
from registry.workflows.parts import Parts

LONGEST = 256  # characters of a text that anything is found by
USES, LISTED = 20, 20
_ADDRESS = re.compile(r"(?i)(?:did:[a-z0-9:]+:)?(0x[0-9a-f]{4,40})(?:(?:…|\.\.\.)([0-9a-f]{4,40}))?", re.ASCII)
Hit = dict[str, Any]


def search_catalog(parts: Parts, text: str) -> dict[str, Any]:
    """``query``; ``exact``: what it names or begins (``kind, id`` and more); ``words``: where it is a word in.

    ``exact`` has one hit where the text means one thing, several where it begins several.
    """
    text = text.strip()
    if not text or len(text) > LONGEST or not text.isprintable():
        return {"query": text[:LONGEST], "exact": [], "words": []}
    plain = text.removeprefix("/ipfs/").removeprefix("ipfs://")
    return {"query": text, "exact": _exact(parts, plain), "words": _words(parts, text)}


def _exact(parts: Parts, text: str) -> list[Hit]:
    with parts.catalog.read() as db:
        if runs.exists(db, text):
            return [{"kind": "run", "id": text}]
    image = _or_none(lambda: find_image(parts, text))
    if image is not None:
        return [_image(parts, image)]
    record = None if text == "latest" else _or_none(lambda: resolve(parts, text))
    if record is not None:
        return _record(parts, record)
    with parts.catalog.read() as db:
        return [*begun(db, text), *_named(parts, db, text)][:LISTED]


def _or_none(find: Any) -> Any:
    """What ``find`` gives, None where it finds nothing or several things."""
    try:
        return find()
    except (NotFound, InvalidInput, UsageError):
        return None


def _image(parts: Parts, sha256: str) -> Hit:
    with parts.catalog.read() as db:
        found = images.get_image(db, sha256)
        if found is None:  # its bytes are here, but no contribution speaks of it
            return {"kind": "content", "id": sha256}
        told = {name: found[name] for name in ("cid", "label", "labels", "status")}
        snapshots = image_uses.snapshots_of(db, sha256, USES)
    releases = releases_with(parts, bytes.fromhex(sha256), USES)
    return {"kind": "image", "id": sha256, **told, "snapshots": snapshots, "releases": releases}


def _record(parts: Parts, cid: CID) -> list[Hit]:
    with parts.catalog.read() as db:
        kind = search.record_type(db, str(cid))
        if kind is None and not lineage.is_mentioned(db, str(cid)):
            return []
    return [{"kind": kind or "content", "id": str(cid)}]


def begun(db: Connection, text: str) -> list[Hit]:
    """What the text begins, where it begins several things."""
    start, _ = begin_and_end(text)
    if (
        len(start) < (9 if start.startswith("baf") else 6)
        or not start.isalnum()
        or not start.isascii()
        or start != start.lower()
    ):
        return []
    found: list[Hit] = [{"kind": row["type"] or "content", "id": row["cid"]} for row in names.records_begun(db, start)]
    found += [{"kind": "run", "id": run} for run in names.runs_begun(db, start)]
    return found + [{"kind": "image", "id": sha256} for sha256 in names.images_begun(db, start)]


def _named(parts: Parts, db: Connection, text: str) -> list[Hit]:
    """What several issuers of this home call so."""
    reference = read_reference(text)
    try:
        rows = named_rows(parts, db, reference) if reference is not None else []
    except EmotionetError:
        return []
    return [{"kind": row["type"], "id": row["target"]} for row in rows if row["type"]]


def _words(parts: Parts, text: str) -> list[Hit]:
    with parts.catalog.read() as db:
        values = search.values(db, text, LISTED)
        called, recipes = search.named(db, text, LISTED), search.recipes(db, text, LISTED)
        released = search.releases(db, text, LISTED)
        address = _ADDRESS.fullmatch(text)
        published = search.published(db, address[1], address[2] or "", LISTED) if address else []
    return [
        *({"kind": one["kind"], "id": one["value"], "images": one["images"]} for one in values),
        *({"kind": "name", "id": one.pop("name"), "of": one.pop("type"), **one} for one in called),
        *({"kind": "release", "id": one["release"], "recipe": one["recipe"]} for one in released),
        *published,
        *({"kind": "run_of", "id": one.pop("recipe"), **one} for one in recipes),
    ]
