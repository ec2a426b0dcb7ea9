"""Signs an audit and puts it on record, favourable or not: levels, checks with reasons and tolerances, the software
that made them, and what chose its samples.

Invariant: it says what the report says, and nothing that was not asked for.
"""

from __future__ import annotations

import platform
from importlib import metadata

from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.core.log import Signer
from registry.provenance.checks.report import Report
from registry.workflows.log.append import Appended, append
from registry.workflows.parts import Parts

SOFTWARE = ("emotionet", "pillow", "numpy", "torch", "ultralytics")  # what decides what an audit finds
_REASON = 2000  # letters of a reason that go on record


def audit_record(report: Report) -> records.Audit:
    """The record of a report. ``InvalidInput`` (``nothing_to_publish``) of what has no target."""
    if report.type is None or report.facts.file is not None:
        raise InvalidInput(
            "this audit has no target that could be read, so there is nothing to publish",
            code="nothing_to_publish",
            hint="audit a whole file, or what is held here.",
        )
    asked = [one for one in report.checks if one.requested]
    sample = report.sample
    return records.Audit(
        target=bytes(CID.parse(report.target)),
        levels=tuple(sorted({one.level for one in asked})),
        environment=_environment(),
        checks=tuple(
            records.AuditCheck(id=one.id, result=one.result, reason=one.reason[:_REASON], tolerance=one.tolerance)  # type: ignore[arg-type]
            for one in asked
        ),
        beacon=None if sample is None else sample.beacon,
        sample=None if sample is None else records.AuditSample(count=sample.count, seed=sample.seed),
    )


def publish_audit(parts: Parts, report: Report, signer: Signer | None = None) -> Appended:
    """Sign it with this home's key, unless another is given."""
    appended = append(parts, signer or parts.key, audit_record(report))
    parts.store.pin(appended.entry)
    return appended


def _environment() -> dict[str, str]:
    found = {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine()}
    for name in SOFTWARE:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
