"""Level 2: who signed it."""

from __future__ import annotations

from registry.provenance.checks.listing.row import Listed

ROWS = (
    Listed(
        "2.signatures",
        "every entry's signature verifies",
        "the key in each entry, whose address must be the issuer's",
        "an entry was changed after it was signed, or signed by another key",
        "who holds the key",
    ),
    Listed(
        "2.issuer",
        "one issuer signed the target and its plan",
        "the issuers of all entries at hand, and `--issuer`",
        "another issuer signed the plan, the first entry or another release; the entry names another record; or a "
        "contribution is of an issuer who did not sign it",
        "other identities of the same person",
    ),
    Listed(
        "2.keys",
        "no key was revoked before it signed what is audited",
        "the changes of keys at hand",
        "the issuer revoked the key from that entry on: somebody else may have signed with it",
        "a revocation that the file does not hold; whether a key was really stolen",
    ),
    Listed(
        "2.log",
        "the log has no gap and no fork",
        "each entry's number, `prev` and first entry",
        "an entry between plan and release is missing, or the issuer shows different logs to different people",
        "a fork whose other half is not at hand",
    ),
    Listed(
        "2.times",
        "no entry was issued before the entry that it follows",
        "the times of the issuer's own clock",
        "a time was made up, or the clock was set back",
        "when anything was really issued: the clock is the issuer's",
    ),
    Listed(
        "2.withdrawals",
        "which withdrawals count, by who signed them",
        "who may withdraw: issuer, contributor, registrar",
        "it does not fail; it lists what was withdrawn, and withdrawals without effect",
        "withdrawals that are not in the file",
    ),
    Listed(
        "2.labels",
        "the contributors signed their labels",
        "each row's own EIP-712 signature",
        "a signed label was changed, or is claimed for somebody who did not give it",
        "who gave labels without a signature: only the issuer states it. `--strict` does not ask for this check",
    ),
    Listed(
        "2.query",
        "the snapshot includes every contribution that its query matches",
        "nothing in the records",
        "it is never made",
        "contributions that the issuer left out: whoever holds the whole log can compare",
    ),
)
