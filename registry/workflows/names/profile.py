"""Who an issuer says to be: written into the issuer's own log, read from anybody's.

Invariant: the newest profile of a log counts, and nothing of it is proved.
"""

from __future__ import annotations

from typing import Any

from registry.catalog.queries.signed_records import entries
from registry.core import records
from registry.core.errors import UsageError
from registry.core.ipld.cid import CID
from registry.core.log import Signer
from registry.core.text.cleaning import clean
from registry.workflows.log.append import appending
from registry.workflows.parts import Parts

FIELDS = ("name", "url", "contact")
PROFILE = "profile"


def profile_of(parts: Parts, issuer: str) -> dict[str, Any] | None:
    """``issuer, name, url, contact, profile, entry, time`` as the issuer said last; None where nothing is known."""
    with parts.catalog.read() as db:
        found = entries.newest_of_type(db, issuer, PROFILE)
    if found is None or not parts.store.has(CID.parse(found["record"])):
        return None
    record = records.parse_as(records.Profile, parts.store.get(CID.parse(found["record"])))
    values = {field: getattr(record, field) for field in FIELDS}
    return {"issuer": issuer, **values, "profile": found["record"], "entry": found["cid"], "time": found["issued_at"]}


def set_profile(parts: Parts, signer: Signer, **fields: str | None) -> dict[str, Any]:
    """Say who the issuer is; what is not given (None) stays as it was said before, "" takes it away.

    The document of `emotionet profile set --json`. ``UsageError`` where no name was ever given.
    """
    before = profile_of(parts, signer.did) or {}
    values = {field: _cleaned(field, fields.get(field), before.get(field)) for field in FIELDS}
    if values["name"] is None:
        raise UsageError("a profile has a name", hint="give it with --name.")
    record = records.Profile(name=values["name"], url=values["url"], contact=values["contact"])
    with appending(parts, signer) as log:
        newest = entries.newest_of_type(log.db, signer.did, PROFILE)
        if newest is None or newest["record"] != str(records.cid(record)):
            entry = log.append(record, again=True).entry
        else:
            entry = CID.parse(newest["cid"])
    parts.store.pin(entry)
    done = profile_of(parts, signer.did)
    assert done is not None
    return done


def _cleaned(field: str, given: str | None, before: str | None) -> str | None:
    if given is None:
        return before
    return None if not given else given if field == "url" else clean(field, given)
