"""Level 3: when it was signed."""

from __future__ import annotations

from registry.provenance.checks.listing.row import Listed

_CLOCK = "anything by itself: both times are of the issuer's own clock"

ROWS = (
    Listed(
        "3.named",
        "the issuer's first entry names the chain and contract",
        "the record that opens the log",
        "an anchor is stated on a chain or contract that the issuer did not name beforehand",
        "that the chain is one that others trust",
    ),
    Listed(
        "3.order",
        "the plan's anchor is final and precedes the release's",
        "the chain, where it is asked; otherwise evidence at hand, and proofs by blocks that the auditor trusts",
        "the plan was anchored with the release or after it: it may have been written after the results",
        "an earlier, secret training on other folds, or a second identity of the issuer",
    ),
    Listed(
        "3.beacon",
        "the folds were drawn from the block that anchored the plan",
        "the chain's block, or one that the auditor trusts, and the evidence of the plan's anchor",
        "the folds were drawn from another block, or from one that the issuer chose",
        "that whoever makes the chain's blocks did not choose among them: a drand round excludes it",
    ),
    Listed(
        "3.planned",
        "no training began before its plan was issued",
        "the entry of the plan, the times in the trainings",
        "a training ran before its plan was signed",
        _CLOCK,
    ),
    Listed(
        "3.drawn",
        "no training began before the beacons that drew its folds",
        "the times of the block and of the drand round, the times in the trainings",
        "a training ran before its folds could be known",
        "a training whose time is made up",
    ),
    Listed(
        "3.trained",
        "no training ended before it began",
        "the times in each training",
        "the times were made up",
        _CLOCK,
    ),
    Listed(
        "3.issued",
        "the release was issued after its plan and its trainings",
        "the entries' times, the times in the trainings",
        "the release was signed before there was anything to release",
        _CLOCK,
    ),
    Listed(
        "3.anchored",
        "no anchor is older than the entry that it anchors",
        "the blocks' times, the entries' times",
        "an entry's time is later than the block that holds it, or two blocks contradict each other",
        "that the block exists: `3.order` asks the chain",
    ),
    Listed(
        "3.drand",
        "the drand rounds that the folds were drawn from are genuine",
        "the network's public key, which comes with this program or from the auditor; the time of the plan's anchor",
        "the round is not the first after the plan's anchor, its network did not sign it, or the draw left it out",
        "that most of the network's members are honest; whether a plan was stamped several times, to choose a round",
    ),
    Listed(
        "3.evidence",
        "evidence that has a proof proves what it states",
        "trust roots that the auditor chose: certificates of authorities, headers of Bitcoin's blocks, hashes of a "
        "chain's blocks",
        "evidence is forged, is of something else, states another time than its proof, or its time contradicts the "
        "entry's",
        "more than the word of the authority that signed it, or of the chain's blocks; which transaction anchored it",
    ),
    Listed(
        "3.stamped",
        "no training began before its plan was stamped",
        "the earliest evidence of the plan's entry that verifies, the times in the trainings",
        "the plan can't be shown to have been there when a training began: it may have been written afterwards",
        "a training whose time is made up",
    ),
    Listed(
        "3.included",
        "plan and release are in a tree that their issuer signed",
        "the proofs in the file, made where they are there, and the key that signed the entries",
        "a proof states another entry, place, tree or issuer, or the issuer signed what excludes this tree",
        "that others were shown the same tree",
    ),
    Listed(
        "3.witnesses",
        "witnesses that are trusted here cosigned that tree",
        "the witnesses' keys in EMOTIONET_WITNESSES",
        "a trusted witness's cosignature does not verify",
        "what witnesses who work together with the issuer were shown; `--strict` asks for it where keys are set",
    ),
)
