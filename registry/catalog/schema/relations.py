"""The values of ``mentions.relation``, and how queries follow them.

Invariant: ``registry.catalog.index.edges`` writes no relation between records that stands in none of these sets.
"""

from __future__ import annotations

# Where something came from: these are followed, up and down, by ``lineage``.
DERIVED = frozenset(
    (
        *("from", "of", "uses", "plan entry", "training", "evaluation", "weights", "card", "base", "base training"),
        *("recipe", "environment"),
    )
)
ABOUT = frozenset(("says", "anchors", "withdraws", "audits", "names"))
# What belongs beside a record but is no part of where it came from: shown, not followed.
BESIDE = frozenset(("supersedes", "corrects", "replacement"))
CONTENT_TYPES = {"weights": "weights", "base": "weights", "card": "card"}
