"""What levels 5, 7 and 8 get: a folder of this home, and a sample by a seed that neither issuer nor auditor chose.

Invariants: nothing that a file states alone decides a seed, since who made the file could try many. With a chain that
confirms the release's anchor, the seed comes from the first drand round after that block, or without drand from the
block's hash. Without such a chain it comes from the newest drand round, which nobody knew when the release was made.
With neither it is drawn here, and the audit says that the auditor chose.
"""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path

from msgspec import structs

from registry.core import issuers, log, records
from registry.core.errors import UsageError
from registry.core.log import anchor_digest
from registry.core.ports.anchor import evidence_of
from registry.core.ports.beacon import Beacons
from registry.core.sampling import SEED_BYTES, USUAL, Sample, sample_seed
from registry.imaging.inspect_image import rights_of
from registry.provenance.checks.results import guarded
from registry.provenance.checks.target.deep import Deep, DeepOptions, Watch
from registry.provenance.checks.target.subject import Subject
from registry.provenance.checks.times import evidence_at_hand
from registry.workflows.audit.known_results import KnownResults

DEEP_LEVELS = frozenset({5, 7, 8})
FOLDER, KNOWN = "audits", "known.sqlite"  # of a home
WHOLE = 1000  # images that are all looked at, where no sample was asked for


def give_room(
    subject: Subject,
    folder: Path,
    options: DeepOptions,
    watch: Watch,
    *,
    beacons: Beacons | None = None,
    now: str | None = None,
) -> None:
    """Give the deep levels what they need; ``folder`` is where all such audits lie. ``now``: a time, for the newest
    round of ``beacons``."""
    subject.deep = Deep(
        folder=folder / str(subject.record),
        known=KnownResults(folder / KNOWN),
        rights=rights_of,
        sample=None if options.all else _sample(subject, options, beacons, now),
        whole_up_to=WHOLE if options.sample is None else 0,
        fold=options.fold,
        epochs=options.epochs,
        watch=watch,
    )


def _sample(subject: Subject, options: DeepOptions, beacons: Beacons | None, now: str | None) -> Sample:
    count = USUAL if options.sample is None else options.sample
    value = _asked_round(beacons, options.round) if options.round is not None else None
    if value is None and not options.fresh and not subject.offline:
        value = guarded(partial(_beacon, subject, beacons, now), None)
    if value is None or subject.entry is None:
        return Sample(count, secrets.token_bytes(SEED_BYTES))
    return Sample(count, sample_seed(bytes(subject.entry), value.value), value)


def _asked_round(beacons: Beacons | None, number: int) -> records.Beacon:
    """The round that an auditor names, to draw what another one drew."""
    if beacons is None:
        raise UsageError("no drand network is set up", hint="set EMOTIONET_DRAND.")
    return beacons.fetch(number)


def _beacon(subject: Subject, beacons: Beacons | None, now: str | None) -> records.Beacon | None:
    block = guarded(partial(_anchored, subject), None)
    if beacons is None:
        return block
    if block is not None:
        return beacons.fetch(beacons.round_after(block.time))
    return None if now is None else beacons.fetch(max(1, beacons.round_after(now) - 1))


def _anchored(subject: Subject) -> records.EvmBlock | None:
    """The final block that anchored the release, as the chain itself says: of its own entry, otherwise of the next one
    after it that evidence names. None without a chain."""
    chain, target = subject.chain, subject.entry
    if chain is None or target is None:
        return None
    release = log.read_entry(target, subject.get)
    named = [cid for cid, _ in evidence_at_hand(subject) if cid in subject.entries]
    later = [(subject.entries[cid].seq, cid) for cid in named if subject.entries[cid].issuer == release.issuer]
    for entry in (target, *(cid for seq, cid in sorted(later) if seq > release.seq)):
        anchor = chain.status(anchor_digest(entry), issuers.address_of(release.issuer))
        block = evidence_of(entry, anchor).block if anchor.status == "finalized" else None
        if block is not None:
            return records.EvmBlock(**structs.asdict(block))
    return None
