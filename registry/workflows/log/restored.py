"""The mark of a home that was restored from a backup: nothing is signed until somebody says that nothing newer exists.

Where the database, the store and the home go back together, nothing that survives may know of newer entries
(docs/adr/0012); only who restored them can. ``confirm`` asks all that can be asked first.

Invariants: the mark is there before anything else that was restored; only ``confirm``, or a store that survived and
whose note agrees, takes it away.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from registry.catalog import log_heads
from registry.core.errors import Conflict, not_written
from registry.files import sync_folder
from registry.workflows.log.newer_entries import ask_anchors, check_newest
from registry.workflows.parts import Parts

MARK = "restored.json"
COMMAND = "emotionet restore --nothing-newer"


def mark_of(home: Path) -> dict[str, Any]:
    """``time`` and ``backup`` (its digest) of what was restored, and ``logs``, the issuers that may have said more;
    empty where there is no mark."""
    try:
        said = json.loads((home / MARK).read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        said = None
    return said if isinstance(said, dict) and said else {"time": "an unknown time"}


def check_confirmed(home: Path, issuer: str) -> None:
    """``Conflict`` (``restored``) while it is not known whether the backup held the newest entry of this log."""
    mark = mark_of(home)
    if not mark or issuer not in mark.get("logs", [issuer]):  # a log that was begun after the restore
        return
    raise Conflict(
        f"this home was restored from a backup of {mark['time']}: whatever was signed after that would be forked",
        code="restored",
        hint=f"if nothing was signed since, run `{COMMAND}`; else fetch it with `emotionet catalog rebuild --from`, or "
        "begin a new issuer with `emotionet keys new --another`.",
    )


def ends(parts: Parts) -> list[dict[str, Any]]:
    """Where the logs that are written here end (``issuer, seq, entry``). ``Conflict`` (``catalog_is_older``,
    ``log_fork``) where the store, the chain, the journal or the home knows better."""
    with parts.catalog.read() as db:
        issuers = log_heads.issuers(db)
    for issuer in issuers:
        ask_anchors(parts, issuer, again=True)
    found = []
    with parts.catalog.write() as db:
        for issuer in issuers:
            check_newest(parts, db, issuer, log_heads.lock(db, issuer))
            seq, entry = log_heads.lock(db, issuer) or (-1, None)
            found.append({"issuer": issuer, "seq": seq, "entry": None if entry is None else str(entry)})
    return found


def confirm(parts: Parts) -> list[dict[str, Any]]:
    """The logs of this home go on from where they end, because nobody that can be asked knows more: as ``ends``."""
    found = ends(parts)
    remove_mark(parts.settings.home)
    return found


def store_agrees(parts: Parts) -> bool:
    """Whether a store that other machines use too notes, for each log, the very end that the catalog knows."""
    with parts.catalog.read() as db:
        issuers = log_heads.issuers(db)
    if not parts.settings.blocks_are_shared or not issuers:
        return False
    for issuer in issuers:
        with parts.catalog.write() as db:
            head = log_heads.lock(db, issuer)
        if head is None or parts.store.log_head(issuer) != head:
            return False
    return True


def remove_mark(home: Path) -> None:
    """No-op where none is."""
    try:
        (home / MARK).unlink(missing_ok=True)
        sync_folder(home)
    except OSError as error:
        raise not_written(home / MARK, error) from error
