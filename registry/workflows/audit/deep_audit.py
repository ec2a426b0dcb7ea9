"""What levels 5, 7 and 8 get: a folder of this home, and a sample by a seed that the auditor did not choose.

The seed comes from the first block, in the evidence at hand, that anchored the release: its hash was not known when the
release was signed. Where nothing anchored it, the auditor's own seed is drawn here, and said to be the auditor's.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from msgspec import structs

from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.sampling import SEED_BYTES, USUAL, Sample, sample_seed
from registry.imaging.inspect_image import rights_of
from registry.provenance.checks.results import guarded
from registry.provenance.checks.target.deep import Deep, DeepOptions, Watch
from registry.provenance.checks.target.subject import Subject
from registry.provenance.checks.times import evidence_at_hand
from registry.workflows.audit.known_results import KnownResults
from registry.workflows.audit.rerun import LocalRerun

DEEP_LEVELS = frozenset({5, 7, 8})
FOLDER, KNOWN = "audits", "known.sqlite"  # of a home
WHOLE = 1000  # images that are all looked at, where no sample was asked for


def give_room(subject: Subject, folder: Path, options: DeepOptions, watch: Watch) -> None:
    """Give the deep levels what they need; ``folder`` is where all such audits lie."""
    subject.deep = Deep(
        folder=folder / str(subject.record),
        known=KnownResults(folder / KNOWN),
        rights=rights_of,
        sample=None if options.all else _sample(subject, options),
        whole_up_to=WHOLE if options.sample is None else 0,
        fold=options.fold,
        epochs=options.epochs,
        watch=watch,
        rerun=LocalRerun(folder / str(subject.record), watch),
    )


def _sample(subject: Subject, options: DeepOptions) -> Sample:
    count = USUAL if options.sample is None else options.sample
    block = None if options.fresh else guarded(lambda: _anchored(subject), None)
    if block is None or subject.entry is None:
        return Sample(count, secrets.token_bytes(SEED_BYTES))
    return Sample(count, sample_seed(bytes(subject.entry), block.value), block)


def _anchored(subject: Subject) -> records.EvmBlock | None:
    """The block that anchored the release: the first of those that evidence at hand states for its entry or for one
    after it."""
    release = subject.entries[subject.entry] if subject.entry is not None else None
    found: list[tuple[int, str, int, CID]] = []
    blocks = {}
    for cid, one in evidence_at_hand(subject):
        entry = subject.entries.get(cid)
        if one.block is None or entry is None or release is None or entry.issuer != release.issuer:
            continue
        if entry.seq >= release.seq:
            found.append((entry.seq, one.block.chain, one.block.block_number, cid))
            blocks[cid] = one.block
    return records.EvmBlock(**structs.asdict(blocks[min(found)[3]])) if found else None
