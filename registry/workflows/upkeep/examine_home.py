"""`emotionet doctor`: whether everything that this home needs is there and works.

Invariant: the examination writes, creates and upgrades nothing: no folder, no catalog, no key.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from registry.catalog import follows
from registry.catalog.database.database import Catalog, Connection
from registry.catalog.database.engines import sqlite_file
from registry.catalog.queries import log_forks
from registry.catalog.queries.labeled_images import referenced
from registry.catalog.queries.signed_records import entries
from registry.core.errors import Conflict, EmotionetError, Unavailable
from registry.core.records import Note
from registry.core.text.cleaning import counted
from registry.evaluation.sentences import note_text
from registry.provenance.anchors.timestamp.place import StampPlace
from registry.provenance.keys import keys, signed_heads
from registry.settings import DEFAULT_METHOD
from registry.workflows.follow.pace import standing
from registry.workflows.local_issuers import check_may_sign, local_issuers, signing_issuers
from registry.workflows.log.lost_catalog import HINT, is_behind
from registry.workflows.log.restored import check_confirmed
from registry.workflows.parts import Parts
from registry.workflows.plan_beacons import beacons_to_name
from registry.workflows.upkeep.examine_chain import chain_line
from registry.workflows.withdrawals.remove_bytes import held_though_withdrawn, some_still_here

OLDEST = (3, 11)  # Python
_NOBODY = "there is nobody to ask, set EMOTIONET_GATEWAYS"


def examine(parts: Parts) -> list[dict[str, Any]]:
    """Checks ``{name, ok, detail}``. A part that fails is reported with a hint; the other parts are still checked."""
    tries: dict[str, Callable[[Parts], str]] = {
        "home": _home,
        "store": _store,
        "catalog": _catalog,
        "key": _key,
        "logs": partial(_in_catalog, look=_logs),
        "followed": partial(_in_catalog, look=lambda parts, db: standing(follows.every(db), parts.now())),
        "images": partial(_in_catalog, look=_images),
        "removed": partial(_in_catalog, look=_withdrawn),
        "anchors": _anchors,
        "chain": chain_line,
        "beacons": _beacons,
        "method": lambda found: f"{DEFAULT_METHOD}, version {found.method(DEFAULT_METHOD).version}",
    }
    checks = [_tried(name, attempt, parts) for name, attempt in tries.items()]
    return [*checks, {"name": "python", "ok": sys.version_info[:2] >= OLDEST, "detail": sys.version.split()[0]}]


def _tried(name: str, attempt: Callable[[Parts], str], parts: Parts) -> dict[str, Any]:
    try:
        return {"name": name, "ok": True, "detail": attempt(parts)}
    except EmotionetError as error:
        return {"name": name, "ok": False, "detail": f"{error}: {error.hint}" if error.hint else str(error)}


def _home(parts: Parts) -> str:
    home = parts.settings.home
    if not home.exists():
        return f"{home}: not created yet"
    return str(home) if os.access(home, os.W_OK) else f"{home}: readable but not writable"


def _store(parts: Parts) -> str:
    if parts.settings.holds_nothing_yet:
        return "no blocks stored yet"
    return f"{counted(sum(1 for _ in parts.store.pins()), 'pinned root')}: nothing below them is ever deleted"


def _in_catalog(parts: Parts, look: Callable[[Parts, Connection], str]) -> str:
    """What ``look`` tells of the catalog, where there is one of this version."""
    path = sqlite_file(parts.settings.database_url)
    if path is not None and not path.exists():
        return "none yet"
    catalog = Catalog(parts.settings.database_url)
    try:
        if not catalog.is_current():
            return "not looked at: the catalog's schema is of another version"
        with catalog.read() as db:
            return look(parts, db)
    finally:
        catalog.close()


def _images(parts: Parts, db: Connection) -> str:
    """How many images' bytes have yet to come."""
    counts = referenced.counted(db)
    waiting, given_up = (sum(n for (state, _), n in counts.items() if state == one) for one in ("waiting", "given_up"))
    if not waiting and not given_up:
        return "none waits for its bytes"
    which = (
        "fetched by `emotionet worker` or `serve`" if parts.settings.gateways or parts.settings.ipfs_api else _NOBODY
    )
    return f"{counted(waiting, 'image waits', 'images wait')} for their bytes, {given_up} given up: {which}"


def _withdrawn(parts: Parts, db: Connection) -> str:
    """``Conflict`` where bytes are left that had to go."""
    if parts.settings.holds_nothing_yet:
        return "no blocks stored yet"
    if held := held_though_withdrawn(parts, db):
        raise Conflict(some_still_here(held), code="withdrawn_held")
    return "no bytes are left of what had to go"


def _catalog(parts: Parts) -> str:
    path = sqlite_file(parts.settings.database_url)
    if path is not None and not path.exists():
        if parts.settings.blocks.is_dir() or signed_heads.heads(parts.settings.home):
            raise Unavailable(f"the catalog {path} is missing", code="catalog_gone", hint=HINT)
        return "not created yet"
    catalog = Catalog(parts.settings.database_url)
    try:
        kind = catalog.engine.dialect.name
        if not catalog.is_current():
            return f"{kind}, its schema is of another version: the next command that needs the catalog upgrades it"
    finally:
        catalog.close()
    if is_behind(parts):
        raise Unavailable(
            "the catalog lacks entries that this home's store or log holds", code="catalog_gone", hint=HINT
        )
    return kind


def _key(parts: Parts) -> str:
    home: Path = parts.settings.home
    if parts.settings.key is not None:
        return parts.key.did
    found = keys.load(home, parts.settings.passphrase)
    check_may_sign(parts)
    return " ".join(sorted(signing_issuers(parts))) if found else "none yet: the first command that signs creates it"


def _logs(parts: Parts, db: Connection) -> str:
    """``Conflict`` if the log of this home's own issuer forks, or waits since a restore; strangers' forks are named."""
    forked = log_forks.of(db)
    for issuer in sorted(signing_issuers(parts)):
        check_confirmed(parts.settings.home, issuer)
    newest = [found[0] for one in sorted(signing_issuers(parts)) if (found := entries.newest(db, one))]
    own = sorted(local_issuers(parts) & set(forked))
    if own:
        raise Conflict(
            f"the log of {own[0]} forks: {forked[own[0]][0]['held']} and {forked[own[0]][0]['refused']}",
            code="log_fork",
            hint="its key signed two histories: revoke it, and publish with another one.",
        )
    told = f"forks in {', '.join(sorted(forked))}: audit what they publish" if forked else "no fork is known"
    return "; ".join([told, *(f"this registry's newest entry: {entry}" for entry in newest)])


def _anchors(parts: Parts) -> str:
    """Each place; of an authority whether it stamps and is trusted here. ``Unavailable`` names what is wrong."""
    found, problems = [], []
    for place in parts.places if parts.settings.has_evidence_for_others else ():
        try:
            if isinstance(place, StampPlace):
                place.try_out()
            found.append(place.chain)
        except EmotionetError as error:
            problems.append(f"{error}: {error.hint}" if error.hint else str(error))
    if problems:
        raise Unavailable("; ".join([*problems, *(f"{one} answers" for one in found)]), code="anchor_away")
    if found:
        return ", ".join(found)
    if parts.settings.chain_rpc:
        return "journal: without EMOTIONET_CHAIN_CONTRACT the node is asked for contract wallets alone"
    return "journal"


def _beacons(parts: Parts) -> str:
    """What plans that are made now name. A relay is asked for a round that has long been out."""
    named = beacons_to_name(parts, unanchored=False)
    drand = parts.beacons
    if drand is None:
        return f"{', '.join(named) or 'none'}; EMOTIONET_DRAND names no drand network"
    lies: list[Note] = []
    found = drand.fetch(1, lies.append)
    genuine = f"{', '.join(named)}: relays answer with genuine rounds, such as {found.round} of {drand.time_of(1)}"
    return "; ".join([genuine, *map(note_text, lies)])
