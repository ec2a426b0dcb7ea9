"""What ``computing`` is asked to do, as functions of a home and of values that can be pickled: this module loads no web
framework, so that a process which computes is small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from registry.assembly import Home
from registry.core.ipld.cid import CID
from registry.provenance.checks.target.deep import USUALLY, DeepOptions


def audit(
    home: Home,
    target: str,
    level: int | None,
    issuer: str | None,
    deep: DeepOptions,
    publish: bool = False,
) -> dict[str, Any]:
    """The document of an audit, which is kept."""
    from registry.workflows.audit.keep_audit import audit_and_keep

    report = audit_and_keep(home, target, level=level, issuer=issuer, deep=deep)
    if not publish:
        return dict(report.to_json())
    from registry.workflows.audit.publish_audit import publish_audit

    signed = publish_audit(home, report)
    return {**report.to_json(), "published": {"audit": str(signed.record), "entry": str(signed.entry)}}


class Asked(NamedTuple):
    """What an audit that was noted is of: a CID, or a file's path, for which ``name`` stands; ``publish``: sign it."""

    target: str
    level: int | None
    deep: DeepOptions = USUALLY
    publish: bool = False
    name: str | None = None


def carry_out_audit(home: Home, kept: str, asked: Asked) -> None:
    """Make an audit that was noted; its report is kept."""
    from registry.workflows.audit.keep_audit import carry_out

    found = carry_out(home, kept, asked.target, asked.level, asked.name, deep=asked.deep)
    if asked.publish:
        from registry.workflows.audit.publish_audit import publish_audit

        publish_audit(home, found)


def report(home: Home, release: CID, language: str, claims: Sequence[str]) -> str:
    """The page of a release."""
    from registry.web.report.collect import collect
    from registry.web.report.report import render_report

    return render_report(collect(home, release, language, claims=claims))


def claims(home: Home, release: CID, texts: Sequence[str]) -> dict[str, Any]:
    """The document of claims that are judged after the fact."""
    from registry.workflows.releases.judge_claims import judge_claims

    return judge_claims(home, release, texts)


def compared_releases(home: Home, a: CID, b: CID, language: str) -> dict[str, Any]:
    """The fields of the page that compares two releases."""
    from registry.web.base.words import Words
    from registry.web.pages.releases.compare import comparison

    return comparison(home, a, b, Words(language))


def compared_runs(home: Home, language: str, names: Sequence[str]) -> Any:
    """What the page shows that compares several runs."""
    from registry.web.base.words import Words
    from registry.web.pages.runs.compared import compared

    return compared(home, Words(language), names)
