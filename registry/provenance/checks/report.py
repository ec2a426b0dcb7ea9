"""The result of an audit: its checks, the verdict in sentences, the document and the exit status that follow.

Invariants: whether the records are consistent and whether claims hold are two things; ``holds`` is of the
records alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from msgspec import structs

from registry.core.records import Attempts, to_value
from registry.core.sampling import Sample
from registry.evaluation.facts import Facts
from registry.evaluation.sentences import attempts_document
from registry.evaluation.verdict import Verdict, verdict_of
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED, Check
from registry.provenance.verdict_facts import audited

CONSISTENT, BROKEN, UNDECIDED, UNSIGNED, UNUSABLE = "consistent", "broken", "undecided", "unchecked", "unusable"
EXCUSABLE = frozenset({"1.images"})  # of levels 1 and 2: what may be left unchecked by whoever sends a smaller file


@dataclass
class Report:
    """All checks that were asked for, in order, and those that were not; ``type`` is the target's, as its record says.

    ``withdrawn``: what was taken back of it, by whoever may, with ``what, issuer, effective, reason``; ``forks``: what
    the home that audits knows of its issuer's log beyond what it checks here (``fork_document``); ``facts``: of what
    the verdict is made, as far as the target's records could be read.
    """

    target: str
    type: str | None = None
    issuer: str | None = None
    entry: str | None = None
    readable: bool = True  # whether there was anything to check
    checks: list[Check] = field(default_factory=list)
    withdrawn: list[dict[str, str]] = field(default_factory=list)
    forks: list[dict[str, Any]] = field(default_factory=list)
    facts: Facts = field(default_factory=Facts)
    sample: Sample | None = None  # what was drawn where not all was looked at

    @property
    def holds(self) -> bool:
        """Nothing failed or lacks a block, and of levels 1 and 2, as far as they were asked for, nothing was left
        unchecked (images alone may be left out)."""
        first = [check for check in self.checks if check.level <= 2 and check.requested and check.id not in EXCUSABLE]
        return (
            self.readable
            and all(check.result != FAILS and not check.lacking for check in self.checks)
            and all(check.result == HOLDS for check in first)
            and bool(first)
        )

    @property
    def records(self) -> str:
        """``consistent``, ``broken``, ``undecided``: nothing failed, and what came after this program, or is not held
        here, was left unchecked; ``unchecked``: nothing failed, and the signatures (level 2) were not asked for; or
        ``unusable``: the file is no release, or not the whole of one."""
        if self.facts.file is not None:
            return UNUSABLE
        if self.holds:
            signed = any(check.level == 2 and check.requested for check in self.checks)
            return CONSISTENT if signed else UNSIGNED
        newer = self.readable and any(check.newer for check in self.checks)
        absent = self.readable and any(check.id == "1.complete" and check.lacking for check in self.checks)
        return UNDECIDED if (newer or absent) and all(check.result != FAILS for check in self.checks) else BROKEN

    @property
    def missed(self) -> list[str]:
        """The checks that were asked for and could not be made: what ``--strict`` does not forgive."""
        return [check.id for check in self.checks if check.result == UNCHECKED and check.requested]

    @property
    def verdict(self) -> Verdict:
        """What became of the claims, what the records show, and what is not proven."""
        return verdict_of(audited(structs.replace(self.facts, type=self.type), self.checks, self.records))

    def _attempts_text(self, attempts: Attempts) -> dict[str, str]:
        """As the verdict says it."""
        facts = audited(self.facts, self.checks, self.records)
        return attempts_document(attempts, claims=facts.claims != (), stated=facts.attempts_stated)

    def _sample_document(self) -> dict[str, Any] | None:
        """``count, seed`` in hex, ``beacon`` (None: the auditor chose), ``chosen`` in words."""
        one = self.sample
        if one is None:
            return None
        beacon = None if one.beacon is None else to_value(one.beacon)
        return {"count": one.count, "seed": one.seed.hex(), "beacon": beacon, "chosen": one.source}

    def exit_code(self, strict: bool) -> int:
        """0, 1 or 3 as the interface says."""
        if not self.readable:
            return 3
        if not self.holds:
            return 1
        return 1 if strict and self.missed else 0

    def to_json(self) -> dict[str, Any]:
        """The document of `emotionet audit --json`."""
        names = ("id", "level", "title", "result", "reason")
        claims, attempts = self.facts.claims, self.facts.attempts
        return {
            "target": self.target,
            "type": self.type,
            "issuer": self.issuer,
            "entry": self.entry,
            "verdict": self.verdict.document(),
            "holds": self.holds and self.facts.file is None,
            "records": self.records,
            "claims": None if claims is None else [to_value(one) for one in claims],
            "attempt": None if attempts is None else {**to_value(attempts), "text": self._attempts_text(attempts)},
            "withdrawn": self.withdrawn,
            "forks": self.forks,
            "missed": self.missed,
            "sample": self._sample_document(),
            "checks": [{name: getattr(check, name) for name in names} for check in self.checks],
        }
