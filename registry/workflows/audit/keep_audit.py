"""An audit that is kept: noted when it begins, each check told as it is made, its report whole in the end. The one way
in which commands, the API and the pages audit a release that is held here.

Invariants: whoever reads sees what was made so far, also from another process. What ends an audit early is kept as its
error. One that was not heard of for ``SILENT`` seconds was interrupted. What is kept of a release is what this home
found of it: a question that somebody else might answer otherwise (is it by this issuer; what of this stranger's copy;
what without the chain that is set up) is answered, and not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from registry.catalog.marks import settle
from registry.catalog.queries import kept_audits
from registry.catalog.queries.signed_records import entries, releases
from registry.core.errors import EmotionetError, Unavailable, with_hint
from registry.core.ipld.cid import CID
from registry.provenance.checks.report import Report
from registry.provenance.checks.results import Check
from registry.provenance.checks.target.deep import NOBODY, USUALLY, DeepOptions, Watch
from registry.workflows.audit.audit_held import entry_audited
from registry.workflows.audit.audit_target import audit_target
from registry.workflows.parts import Parts
from registry.workflows.store.typed_source import names_content, parse_path

KEPT = 10_000  # audits; the oldest are forgotten
SILENT = 900  # seconds; no single check takes longer without telling how far it is
HEARTBEAT = 60  # seconds between two notes that a long check goes on
_FIELDS = ("id", "level", "title", "result", "reason")


def begin_audit(parts: Parts, target: CID | None, name: str, level: int | None) -> str:
    """Note an audit of what is held here, or (None) of a file that was sent; its id."""
    with parts.catalog.write() as db:
        kept_audits.prune(db, KEPT - 1)
        target_text = "" if target is None else str(target)
        return kept_audits.add(db, target=target_text, name=name, held=target is not None, level=level, now=parts.now())


def under_way(parts: Parts, target: CID, level: int | None) -> str | None:
    """The id of the same audit where one is under way: nobody needs two at once."""
    with parts.catalog.read() as db:
        return kept_audits.under_way(db, str(target), level, oldest_heartbeat(parts.now()))


def audit_and_keep(
    parts: Parts,
    target: str,
    *,
    level: int | None = None,
    issuer: str | None = None,
    offline: bool = False,
    deep: DeepOptions = USUALLY,
    watch: Watch = NOBODY,
) -> Report:
    """Audit a CID or a CAR file as ``audit_target`` does, and keep the audit of a release that is held here."""
    usual = issuer is None and not (offline and parts.settings.proves_to_others)
    release = _held_release(parts, target) if usual else None
    audit = None if release is None else _begun(parts, release, level)
    if release is None or audit is None:
        return audit_target(parts, target, level=level, issuer=issuer, offline=offline, deep=deep, watch=watch)
    return carry_out(parts, audit, str(release), level, deep=deep, watch=watch)


def _begun(parts: Parts, release: CID, level: int | None) -> str | None:
    """As ``begin_audit``; None where nothing can be kept, as in a home that may only be read."""
    try:
        return begin_audit(parts, release, str(release), level)
    except Unavailable:
        return None


def _held_release(parts: Parts, target: str) -> CID | None:
    """The release that a CID, or its own entry, names; None of anything else."""
    if not names_content(target) and Path(target).exists():
        return None
    cid, rest = parse_path(target)
    with parts.catalog.read() as db:
        record = entries.record_of(db, cid)
        known = not rest and releases.find(db, record) is not None
    own = cid == record or entry_audited(parts, record, None) == cid
    return record if known and own else None


def carry_out(
    parts: Parts,
    audit: str,
    target: str,
    level: int | None,
    name: str | None = None,
    *,
    deep: DeepOptions = USUALLY,
    watch: Watch = NOBODY,
) -> Report:
    """Make an audit that ``begin_audit`` noted, of a CID or a file's path, and keep its report. What ends it is kept
    and raised.

    ``name`` stands in the place of the path: where a file lies on this machine is nobody's business.
    """
    made: list[dict[str, Any]] = []

    def on_check(check: Check) -> None:
        found = asdict(check)
        made.append(_named({name: found[name] for name in _FIELDS}, target, name))
        save()

    def save() -> None:
        with parts.catalog.write(serial=False) as db:
            kept_audits.save_checks(db, audit, made, parts.now())

    try:
        report = audit_target(parts, target, level=level, on_check=on_check, deep=deep, watch=_alive(watch, save))
    except EmotionetError as error:
        _fail(parts, audit, _named(with_hint(error), target, name))
        raise
    except Exception:
        _fail(parts, audit, "the audit stopped on an unexpected error: it is in this server's log")
        raise
    with parts.catalog.write() as db:
        kept_audits.finish(db, audit, _named(report.to_json(), target, name), parts.now())
    settle(parts.catalog)
    return report


def _alive(watch: Watch, save: Callable[[], None]) -> Watch:
    """The same watch, which also notes now and then that a check of many minutes goes on."""
    last = monotonic()

    def progress(what: str, done: int, total: int) -> None:
        nonlocal last
        if monotonic() - last > HEARTBEAT:
            last = monotonic()
            save()
        watch.progress(what, done, total)

    return Watch(progress, watch.say)


def _named(value: Any, path: str, name: str | None) -> Any:
    """The same, with a name for a path in every text."""
    if name is None:
        return value
    if isinstance(value, str):
        return value.replace(path, name)
    if isinstance(value, dict):
        return {key: _named(one, path, name) for key, one in value.items()}
    return [_named(one, path, name) for one in value] if isinstance(value, (list, tuple)) else value


def _fail(parts: Parts, audit: str, error: str) -> None:
    with parts.catalog.write() as db:
        kept_audits.fail(db, audit, error, parts.now())


def show_audit(parts: Parts, audit: str) -> dict[str, Any]:
    """An audit that is kept: its line, ``checks``, ``report``. ``NotFound``.

    ``status``: running, done, failed, or interrupted.
    """
    with parts.catalog.read() as db:
        return with_status(kept_audits.get(db, audit), parts.now())


def with_status(found: dict[str, Any], now: str) -> dict[str, Any]:
    """The same, where one that was not heard of for long is called interrupted."""
    silent = found["status"] == "running" and found["updated"] < oldest_heartbeat(now)
    return {**found, "status": "interrupted"} if silent else found


def oldest_heartbeat(now: str) -> str:
    """From when on an audit must have been heard of to be under way still."""
    form = "%Y-%m-%dT%H:%M:%SZ"
    return (datetime.strptime(now, form) - timedelta(seconds=SILENT)).strftime(form)
