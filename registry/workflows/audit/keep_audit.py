"""An audit that is kept: noted when it begins, each check told as it is made, its report whole in the end.

Invariants: whoever reads sees what was made so far, also from another process. What ends an audit early is kept as its
error. One that was not heard of for ``SILENT`` seconds was interrupted.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from registry.catalog.queries import kept_audits
from registry.core.errors import EmotionetError, with_hint
from registry.core.ipld.cid import CID
from registry.provenance.checks.results import Check
from registry.workflows.audit.audit_target import audit_target
from registry.workflows.parts import Parts

KEPT = 10_000  # audits; the oldest are forgotten
SILENT = 900  # seconds; no single check of a release that fits into memory takes longer
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
        return kept_audits.under_way(db, str(target), level, heard_since(parts.now()))


def carry_out(parts: Parts, audit: str, target: str, level: int | None, name: str | None = None) -> None:
    """Make an audit that ``begin_audit`` noted, of a CID or a file's path, and keep its report.

    ``name`` stands in the place of the path: where a file lies on this machine is nobody's business.
    """
    made: list[dict[str, Any]] = []

    def on_check(check: Check) -> None:
        found = asdict(check)
        made.append(_named({name: found[name] for name in _FIELDS}, target, name))
        with parts.catalog.write(serial=False) as db:
            kept_audits.save_checks(db, audit, made, parts.now())

    try:
        report = _named(audit_target(parts, target, level=level, on_check=on_check).to_json(), target, name)
    except EmotionetError as error:
        _fail(parts, audit, _named(with_hint(error), target, name))
    except Exception:
        _fail(parts, audit, "the audit stopped on an unexpected error: it is in this server's log")
        raise
    else:
        with parts.catalog.write() as db:
            kept_audits.finish(db, audit, report, parts.now())


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
    silent = found["status"] == "running" and found["updated"] < heard_since(now)
    return {**found, "status": "interrupted"} if silent else found


def heard_since(now: str) -> str:
    """From when on an audit must have been heard of to be under way still."""
    form = "%Y-%m-%dT%H:%M:%SZ"
    return (datetime.strptime(now, form) - timedelta(seconds=SILENT)).strftime(form)
