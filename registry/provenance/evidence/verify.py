"""Verify evidence offline: one module a kind, each with ``verify(evidence, trust)``, which returns what it shows.

Every module raises ``Untrusted`` for evidence that is forged or states anything else than its proof, and
``NoTrustRoot`` where nothing speaks against it and the auditor trusts nobody who speaks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from registry.core import records
from registry.provenance.evidence import evm, opentimestamps, rfc3161
from registry.provenance.evidence.shown import Shown, Trust

Verify = Callable[[records.Evidence, Trust], Shown]
KINDS: dict[str, Verify] = {
    rfc3161.KIND: rfc3161.verify,
    opentimestamps.KIND: opentimestamps.verify,
    evm.KIND: evm.verify,
}


def verify(evidence: records.Evidence, trust: Trust) -> Shown:
    """What it shows. Of kind ``witness``, see ``witness.verify``."""
    return KINDS[evidence.kind](evidence, trust)


def earliest(shown: list[Shown]) -> Shown | None:
    """Of what shows a time the one that is certain first, by a clock that may be wrong by ``within``: the time at which
    what is shown was there, and by which evidence. None where none shows a time."""
    timed = [one for one in shown if one.time is not None]
    return min(timed, key=_certain, default=None)


def _certain(one: Shown) -> datetime:
    return datetime.fromisoformat(str(one.time)) + timedelta(seconds=one.within)
