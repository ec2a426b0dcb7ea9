"""Which issuers belong to this home: those whose keys it holds or held."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from weakref import WeakKeyDictionary

from registry.catalog.database.database import Catalog
from registry.catalog.database.engines import sqlite_file
from registry.core.errors import Conflict, not_read
from registry.core.issuers import DID_PREFIX, address_of
from registry.provenance.keys import signed_heads as signed_heads
from registry.workflows.parts import Parts

OWN, OTHER = "this registry", "somebody else"
_ASKED_SECONDS = 10.0  # how long what a shared database said is believed: issuers are added, hardly ever
_asked: WeakKeyDictionary[Catalog, tuple[float, frozenset[str]]] = WeakKeyDictionary()


def is_local(parts: Parts, issuer: str) -> bool:
    """Whether this home signs, or signed, as this issuer; nothing is made for that."""
    return issuer in local_issuers(parts)


def local_issuers(parts: Parts) -> set[str]:
    """Every issuer whose key lies in this home, or who signed its log; of a folder that can't be read none. Where the
    database is a server's: those too as whom other machines signed."""
    logs = (parts.settings.home / signed_heads.FOLDER).glob("0x*")
    return signing_issuers(parts) | {DID_PREFIX + path.name for path in logs} | _of_other_machines(parts)


def _of_other_machines(parts: Parts) -> frozenset[str]:
    if not parts.settings.database_is_shared:
        return frozenset()
    from registry.catalog import log_heads  # with records, which most questions to the catalog do without

    known = _asked.get(parts.catalog)
    if known is None or time.monotonic() - known[0] > _ASKED_SECONDS:
        with parts.catalog.read() as db:
            known = (time.monotonic(), frozenset(log_heads.issuers(db)))
        _asked[parts.catalog] = known
    return known[1]


def _addresses(parts: Parts) -> list[str]:
    """Of the keys that this machine has: the one that is given as a secret, or those in the home."""
    if parts.settings.key is not None:
        from registry.provenance.keys.secret_key import address_of_secret

        return [address_of_secret(parts.settings.key, parts.settings.key_file)]
    return sorted(path.stem for path in _key_files(parts))


def _key_files(parts: Parts) -> Iterator[Path]:
    return (parts.settings.home / signed_heads.KEYS).glob("0x*.json")


def key_texts(parts: Parts) -> dict[str, str]:
    """By address the text of each key that this machine has, as it is kept; nothing is opened."""
    if parts.settings.key is not None:
        return dict.fromkeys(_addresses(parts), parts.settings.key)
    found = {}
    for path in _key_files(parts):
        try:
            found[path.stem] = path.read_text(encoding="ascii", errors="replace")
        except OSError as error:
            raise not_read(path, error) from error
    return found


def signing_issuers(parts: Parts) -> set[str]:
    """Every issuer whose key this machine has: it can sign as these; nothing is opened or made for that."""
    return {_issuer_of(parts, DID_PREFIX + address) for address in _addresses(parts)}


def _issuer_of(parts: Parts, key: str) -> str:
    """Whose log a key signs: its own, or the one that it took over."""
    if (parts.settings.home / signed_heads.FOLDER / address_of(key)).is_dir():
        return key
    path = sqlite_file(parts.settings.database_url)
    if path is not None and not path.exists():
        return key
    from registry.catalog.queries.signed_records.key_changes import issuer_signed_by

    with parts.catalog.read() as db:
        return issuer_signed_by(db, key)


def check_signs_as(parts: Parts, issuer: str | None, what: str) -> None:
    """``Conflict`` (``key_missing``) where ``what`` belongs to an issuer whose key is not in this home (``issuer``
    None: to nobody yet).
    """
    if issuer is not None and issuer not in signing_issuers(parts):
        raise Conflict(
            f"{what} is signed by {issuer}, whose key is not in this home",
            code="key_missing",
            hint="run this in the home that holds the key.",
        )


def check_may_sign(parts: Parts) -> None:
    """``Conflict`` (``key_missing``) where the key that signed this home's log is gone; nothing is opened or made."""
    issuers = sorted(signing_issuers(parts))
    signed_heads.check_signer(parts.settings.home, address_of(issuers[0]) if issuers else None)


def publisher_text(parts: Parts, issuer: str) -> str:
    """Whether an issuer belongs to this home, in words."""
    return OWN if is_local(parts, issuer) else OTHER
