"""What the pages of audits show: the list of those that were made here, and one with its checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from registry.catalog.queries import kept_audits
from registry.catalog.queries.signed_records import releases
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.web.base.words import Words
from registry.workflows.audit.keep_audit import show_audit, with_status
from registry.workflows.parts import Parts

PAGE = 30
RESULTS = ("does not hold", "not checked", "holds")  # in the order in which they matter


def audit_list(parts: Parts, target: str | None, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """A page of audits, newest first, and the next cursor."""
    with parts.catalog.read() as db:
        found, following = kept_audits.list_audits(db, target, cursor, PAGE)
    return [with_status(one, parts.now()) for one in found], following


def audit_page(parts: Parts, audit: str, t: Words) -> dict[str, Any]:
    """``audit``, its ``levels`` (each with its checks in words), ``counts`` of results, and whether its target is a
    release that has a page here. ``NotFound``."""
    found = show_audit(parts, audit)
    checks = [in_words(t, one) for one in found["checks"]]
    counts = {result: sum(one["result"] == result for one in checks) for result in RESULTS}
    verdict = found["report"]["verdict"] if found["report"] else None
    return {
        "audit": found,
        "verdict": verdict,
        "more": [] if verdict is None else remaining_sentences(verdict, t.language),
        "levels": _by_level(checks),
        "counts": counts,
        "failed": [one for one in checks if one["result"] == RESULTS[0]],
        "has_page": found["held"] and _is_release(parts, found["target"]),
    }


def remaining_sentences(verdict: Mapping[str, Any], language: str) -> list[str]:
    """The sentences of a verdict's document that its short form leaves out."""
    texts = [str(part[language]) for part in verdict["parts"]]
    said = 0
    while said < len(texts) and " ".join(texts[:said]) != verdict["short"][language]:
        said += 1
    return texts[said:]


def in_words(t: Words, check: Mapping[str, Any]) -> dict[str, Any]:
    """A check with its title and its reason in a language; ``reason_language``: English where nobody translated it."""
    title, (reason, language) = t.known("check", check["id"]), t.check_reason(check["reason"])
    title = check["title"] if title == check["id"] else title
    return {**check, "title": title, "reason": reason, "reason_language": language}


def _by_level(checks: Sequence[Mapping[str, Any]]) -> list[tuple[int, list[Mapping[str, Any]]]]:
    levels = sorted({one["level"] for one in checks})
    return [(level, [one for one in checks if one["level"] == level]) for level in levels]


def _is_release(parts: Parts, target: str) -> bool:
    try:
        cid = CID.parse(target)
    except InvalidInput:
        return False
    with parts.catalog.read() as db:
        return releases.find(db, cid) is not None
