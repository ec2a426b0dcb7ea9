"""Follow the logs of other registries: begin, bring one up to date, list, end.

Invariants: each source is judged by itself, so one that lies stops no other; whatever was refused is listed with its
reason. Killed, it goes on where it ended. A home does not follow its own log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from registry.catalog import follows
from registry.content.sources.fetch import Through
from registry.content.sources.gateway import GatewayClient
from registry.core.errors import (
    Conflict,
    EmotionetError,
    InvalidInput,
    NewerVersion,
    NotFound,
    Unavailable,
    Untrusted,
    UsageError,
)
from registry.core.issuers import check_did
from registry.core.ports.store import BlockReader
from registry.core.progress import Progress, silent
from registry.workflows.follow.heads import CHAIN, check_source, client_of, head_of, is_address
from registry.workflows.follow.pace import is_due
from registry.workflows.follow.records_taken import take_records
from registry.workflows.follow.verified_log import Bounded, take_head
from registry.workflows.local_issuers import is_local
from registry.workflows.parts import Parts

UP_TO_DATE, INCOMPLETE, UNREACHABLE = "up to date", "incomplete", "unreachable"
FORKED, ROLLED_BACK, REFUSED, NEWER = "forked", "rolled back", "refused", "newer version"
_STATES = {"log_fork": FORKED, "rolled_back": ROLLED_BACK, "newer_version": NEWER}
_BAD = (FORKED, REFUSED, NEWER, ROLLED_BACK, UNREACHABLE)  # the worst first


def follow(parts: Parts, issuer: str, sources: Sequence[str]) -> None:
    """Follow an issuer's log from now on, from these sources; one that is followed gets these instead of its own."""
    check_did(issuer)
    if is_local(parts, issuer):
        raise Conflict(f"{issuer} is this home's own issuer", code="own_log", hint="name another registry's issuer.")
    kept = list(dict.fromkeys(map(check_source, sources)))
    if not kept:
        raise UsageError(
            "nothing says where the log is",
            hint=f"name a registry's address, an entry's CID, or `{CHAIN}` with --from.",
        )
    if not any(map(is_address, kept)) and parts.source is None:
        raise UsageError(
            "no source is a gateway that serves blocks", hint="name one with --from, too, or set EMOTIONET_GATEWAYS."
        )
    with parts.catalog.write() as db:
        follows.add(db, issuer, kept, parts.now())


def unfollow(parts: Parts, issuer: str) -> None:
    """Ask for nothing more of an issuer's. What was taken in stays, as if a file had brought it. ``NotFound``."""
    with parts.catalog.write() as db:
        if not follows.drop(db, issuer):
            raise NotFound(f"{issuer} is not followed here", hint="`emotionet follow` lists those that are.")


def bring_up_to_date(parts: Parts, issuer: str, progress: Progress = silent) -> dict[str, Any]:
    """Ask every source once, verify and take in what is new; as ``document``. ``NotFound`` if it is not followed."""
    with parts.catalog.read() as db:
        row = follows.find(db, issuer)
    if row is None:
        raise NotFound(f"{issuer} is not followed here", hint="`emotionet follow ISSUER --from ...` begins.")
    client = client_of(row["sources"], parts.settings.gateways)
    source: BlockReader | None = client or parts.source
    if source is None:
        raise UsageError("no gateway serves blocks any more", hint="set EMOTIONET_GATEWAYS.")
    try:
        states = [_from(parts, issuer, one, client, source, progress) for one in row["sources"]]
        whole = take_records(parts, issuer, source, progress)
    finally:
        if client is not None:
            client.close()
    with parts.catalog.write() as db:
        if not any(states):
            nobody = "no source knows where the log ends"
            follows.refuse(db, issuer, issuer, "no_head", nobody, parts.now(), again=True)
        else:
            follows.accept(db, issuer, issuer)
        suspended = follows.count(db, issuer) >= follows.MOST
        state = _state(states, whole, suspended, follows.head(db, issuer) is not None)
        follows.set_state(db, issuer, state, parts.now(), succeeded=whole and UP_TO_DATE in states)
    return document(parts, issuer)


def _from(
    parts: Parts, issuer: str, source: str, client: GatewayClient | None, blocks: BlockReader, progress: Progress
) -> str | None:
    """The state by one source; None of a gateway that says nothing of logs."""
    reader = Bounded(Through(blocks, parts.store))
    try:
        said = head_of(parts, issuer, source, client, reader.get)
        if said is not None:
            take_head(parts, issuer, said, reader, progress)
    except (Untrusted, InvalidInput, Conflict, Unavailable, NotFound) as error:
        again = isinstance(error, (Unavailable, NotFound, NewerVersion)) or error.code == "rolled_back"
        with parts.catalog.write() as db:
            follows.refuse(db, issuer, source, error.code, str(error), parts.now(), again=again)
        return _STATES.get(error.code, UNREACHABLE if isinstance(error, (Unavailable, NotFound)) else REFUSED)
    with parts.catalog.write() as db:
        follows.accept(db, issuer, source)
    return None if said is None else UP_TO_DATE


def _state(states: Sequence[str | None], whole: bool, suspended: bool, known: bool) -> str:
    """One word for how a log stands: a fork is told whatever else is well; another source makes up for the rest."""
    if FORKED in states or suspended:
        return FORKED if FORKED in states else REFUSED
    if UP_TO_DATE in states:
        return UP_TO_DATE if whole else INCOMPLETE
    return next((one for one in _BAD if one in states), UNREACHABLE if not known else INCOMPLETE)


def bring_all_up_to_date(parts: Parts, progress: Progress = silent, *, due: bool = False) -> list[dict[str, Any]]:
    """Every log that is followed (``due``: whose time has come), one after the other; what goes wrong with one stops
    no other."""
    now, interval = parts.now(), parts.settings.follow_seconds
    with parts.catalog.read() as db:
        issuers = [row["issuer"] for row in follows.every(db) if not due or is_due(row, now, interval)]
    found = []
    for issuer in issuers:
        try:
            found.append(bring_up_to_date(parts, issuer, progress))
        except EmotionetError as error:
            with parts.catalog.write() as db:
                follows.refuse(db, issuer, issuer, error.code, str(error), parts.now(), again=True)
                follows.set_state(db, issuer, UNREACHABLE, parts.now(), succeeded=False)
            found.append(document(parts, issuer))
    return found


def document(parts: Parts, issuer: str) -> dict[str, Any]:
    """What `emotionet follow --json` prints of one. ``NotFound`` if it is not followed."""
    with parts.catalog.read() as db:
        row = follows.find(db, issuer)
        refused = follows.refusals(db, issuer)
    if row is None:
        raise NotFound(f"{issuer} is not followed here", hint="`emotionet follow` lists those that are.")
    return _told(row, refused)


def documents(parts: Parts) -> list[dict[str, Any]]:
    """Of every one that is followed."""
    with parts.catalog.read() as db:
        return [_told(row, follows.refusals(db, row["issuer"])) for row in follows.every(db)]


def _told(row: dict[str, Any], refused: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "issuer": row["issuer"],
        "state": row["state"],
        "entries": row["seq"] + 1,
        "head": row["entry"],
        "sources": row["sources"],
        "added": row["added"],
        "tried": row["tried"],
        "succeeded": row["succeeded"],
        "refusals": refused,
    }
