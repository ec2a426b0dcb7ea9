"""What the catalog holds and no record may hold: people's names, file names, where sources came from.

Invariants: a pseudonym follows from a random key of its own, never from the name alone. Once ``forget_subject`` has
destroyed the key, nobody can tell any more whose pseudonym it was. A source is private until it was imported with the
option to publish it; once public, it stays public.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.bulk import insert_tuples
from registry.catalog.database.sql import chunks, insert_new
from registry.catalog.schema import operational
from registry.catalog.schema.derived import contribution_rows as rows
from registry.catalog.schema.operational import sources, subjects
from registry.core.errors import NotFound
from registry.core.ipld.cid import CID

_PSEUDONYM_BYTES = 16


def pseudonyms(db: sa.Connection, names: Iterable[str]) -> dict[str, str]:
    """The stable pseudonyms of people (32 hex digits), made at the first call. Needs a writing connection."""
    wanted = set(names)
    found = _pseudonyms(db, wanted)
    if missing := sorted(wanted - set(found)):
        insert_new(db, subjects, map(_made, missing))
        found |= _pseudonyms(db, missing)
    return found


def pseudonym(db: sa.Connection, name: str) -> str:
    """One of them."""
    return pseudonyms(db, [name])[name]


def _pseudonyms(db: sa.Connection, names: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in chunks(names):
        query = sa.select(subjects.c.name, subjects.c.pseudonym).where(subjects.c.name.in_(part))
        found.update((row.name, row.pseudonym) for row in db.execute(query))
    return found


def _made(name: str) -> dict[str, Any]:
    key = secrets.token_bytes(32)
    digest = hmac.new(key, name.encode(), hashlib.sha256).digest()
    return {"name": name, "key": key, "pseudonym": digest[:_PSEUDONYM_BYTES].hex()}


def known_pseudonym(db: sa.Connection, subject_name: str) -> str | None:
    """The pseudonym that a person has already; none is made."""
    found: str | None = db.scalar(sa.select(subjects.c.pseudonym).where(subjects.c.name == subject_name))
    return found


def of_pseudonym(db: sa.Connection, pseudonym: str) -> tuple[int, int]:
    """How many images stand under a pseudonym, and how many imported roots they came with."""
    mine = sa.select(rows.c.sha256).where(rows.c.subject == pseudonym).distinct()
    images = db.scalar(sa.select(sa.func.count()).select_from(mine.subquery())) or 0
    roots = sa.select(operational.file_names.c.root).where(operational.file_names.c.sha256.in_(mine)).distinct()
    return images, db.scalar(sa.select(sa.func.count()).select_from(roots.subquery())) or 0


def forget_subject(db: sa.Connection, subject_name: str) -> None:
    """Destroy a person's key; the next import of the name gives another pseudonym. ``NotFound`` if there is none."""
    gone = db.execute(
        sa.delete(subjects).where(subjects.c.name == subject_name).returning(subjects.c.pseudonym)
    ).first()
    if gone is None:
        raise NotFound("no subject of this name is known", hint="check the spelling.")


def add_file_names(db: sa.Connection, root: CID, names: Iterable[tuple[bytes, str]]) -> None:
    """Remember what images (sha256s) were called in an imported folder."""
    rows = sorted({(sha256.hex(), str(root), name) for sha256, name in names})
    insert_tuples(db, operational.file_names, ("sha256", "root", "name"), rows, skip=True)


def file_names(db: sa.Connection, sha256: bytes) -> list[str]:
    """Every name that an image came under, sorted."""
    query = sa.select(operational.file_names.c.name).where(operational.file_names.c.sha256 == sha256.hex()).distinct()
    return sorted(db.scalars(query))


def add_source(db: sa.Connection, root: CID, *, kind: str, private: bool, at: str) -> None:
    """Remember an imported root (``kind``: folder, car, cid). Public once is public for good."""
    row = {"root": str(root), "kind": kind, "private": private, "imported_at": at}
    insert_new(db, sources, [row])
    if not private:
        db.execute(sa.update(sources).where(sources.c.root == str(root)).values(private=False))


def published_folders(db: sa.Connection) -> set[CID]:
    """Roots of folders of this machine that were imported with the wish to publish all of them."""
    own = (sources.c.kind == "folder", ~sources.c.private)
    return {CID.parse(text) for text in db.scalars(sa.select(sources.c.root).where(*own))}


def private_roots(db: sa.Connection) -> set[CID]:
    """Roots that are neither served nor exported."""
    return {CID.parse(text) for text in db.scalars(sa.select(sources.c.root).where(sources.c.private))}
