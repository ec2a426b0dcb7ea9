"""What this home knows of logs that fork, for commands, API and pages.

Invariants: told of every release of such an issuer, also of those that are consistent in themselves: who shows two
histories may have shown another to others. Nothing is judged by it but the log.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from registry.catalog.queries import log_forks
from registry.evaluation.sentences import fork_document
from registry.workflows.parts import Parts


def forks_of(parts: Parts, issuers: Collection[str]) -> list[dict[str, Any]]:
    """Of each issuer whose log forks the first pair that was seen: ``issuer, entries`` (the one held, the one refused),
    ``seen``, ``pairs`` (how many are known), and ``text`` by language."""
    with parts.catalog.read() as db:
        found = log_forks.of(db, issuers)
    return [_document(pairs) for pairs in found.values()]


def forking(parts: Parts, issuers: Collection[str]) -> set[str]:
    """Those of several issuers whose logs fork."""
    with parts.catalog.read() as db:
        return set(log_forks.of(db, issuers))


def _document(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    first = pairs[0]
    entries = [first["held"], first["refused"]]
    return {
        "issuer": first["issuer"],
        "entries": entries,
        "seen": first["seen"],
        "pairs": len(pairs),
        "text": fork_document(first["issuer"], entries),
    }
