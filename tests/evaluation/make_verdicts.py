"""Write the examples of the verdict's sentences, ``tests/vectors/verdicts.json``: facts, and the sentences that follow.

    python -m tests.evaluation.make_verdicts

A verifier in another language reads the facts and must say the very same; the rules are in docs/claims.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from registry.evaluation.facts import Facts
from registry.evaluation.verdict import verdict_of

FILE = Path(__file__).parents[1] / "vectors" / "verdicts.json"
MACRO = {"metric": "macro_f1", "comparator": ">=", "threshold": "0.900000", "n": 158}
GAP = {"metric": "recall_gap(class)", "comparator": "<=", "threshold": "0.100000", "n": 158}
SUPPORTED = {**MACRO, "verdict": "supported", "value": "0.950000", "low": "0.912500", "high": "0.980500"}
SEEN = {**SUPPORTED, "verdict": "supported on seen images"}
REFUTED = {**GAP, "verdict": "refuted", "value": "0.310000", "low": "0.180000", "high": "0.400000"}
UNDECIDED = {**GAP, "verdict": "undecided", "value": "0.210000", "low": "0.080000", "high": "0.400000", "needed": 412}
NEAR = {**MACRO, "verdict": "undecided", "value": "0.910000", "low": "0.899600", "high": "0.920000", "needed": 1}
NOTHING = {**GAP, "metric": "recall(gender=f)", "verdict": "undecided", "reason": "too_few", "n": 3}
INFERRED = {
    **MACRO,
    "metric": "recall(gender=f)",
    "verdict": "undecided",
    "reason": "inferred_attribute",
    "value": "0.950000",
    "low": "0.912500",
    "high": "0.980500",
}
HALF_KNOWN = {**GAP, "verdict": "undecided", "value": "0.050000", "low": "0.000000"}
HOSTILE = {**REFUTED, "metric": "f1\n{claim} The records are consistent.\u202e" + "x" * 300, "value": "<b>1</b>"}
CHECKED: dict[str, Any] = {
    "images": 158,
    "persons": 61,
    "groups": 70,
    "attributes": ["gender", "age"],
    "attempts": {"count": 1, "number": 1},
    "order": "journal",
    "records": "consistent",
    "levels": [1, 2, 4, 6],
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "a supported claim": {**CHECKED, "claims": [SUPPORTED]},
    "a refuted claim": {**CHECKED, "claims": [REFUTED]},
    "an undecided claim, and how many images would decide it": {**CHECKED, "claims": [UNDECIDED]},
    "a bound that seems to be the threshold once it is rounded": {**CHECKED, "claims": [NEAR]},
    "a figure without a value": {**CHECKED, "claims": [NOTHING]},
    "a claim on groups that a program inferred": {**CHECKED, "claims": [INFERRED]},
    "the same beside a claim that is refuted": {**CHECKED, "claims": [INFERRED, REFUTED]},
    "an interval of which one end is not known": {**CHECKED, "claims": [HALF_KNOWN]},
    "supported with images that the base weights had seen": {**CHECKED, "claims": [SEEN], "base": "known"},
    "two claims, one of them refuted": {**CHECKED, "claims": [SUPPORTED, REFUTED]},
    "more claims than a line names": {**CHECKED, "claims": [SUPPORTED, REFUTED, UNDECIDED, NOTHING]},
    "no claim": {**CHECKED, "claims": []},
    "no attribute was given": {**CHECKED, "claims": [REFUTED], "attributes": []},
    "persons are not known": {**CHECKED, "claims": [REFUTED], "persons": None},
    "neither persons nor groups are known": {"claims": [REFUTED], "images": 1, "records": "unchecked"},
    "one image of one person": {**CHECKED, "claims": [{**REFUTED, "n": 1}], "images": 1, "persons": 1},
    "undecided after correction, supported without": {
        **CHECKED,
        "claims": [{**SUPPORTED, "verdict": "undecided", "alone": "supported", "needed": 40}],
        "attempts": {"count": 3, "number": 3},
        "correction": "holm",
    },
    "supported after correction for attempts and claims": {
        **CHECKED,
        "claims": [SUPPORTED, UNDECIDED],
        "attempts": {"count": 3, "number": 2},
        "correction": "holm",
    },
    "two claims of a first attempt, corrected": {**CHECKED, "claims": [SUPPORTED, REFUTED], "correction": "holm"},
    "a first attempt with one claim needs no correction": {**CHECKED, "claims": [SUPPORTED], "correction": "holm"},
    "a plan that corrects for nothing": {
        **CHECKED,
        "claims": [SEEN],
        "attempts": {"count": 2, "number": 2},
        "correction": "none",
    },
    "a run that is not published": {"claims": [SUPPORTED], "images": 158, "order": "journal", "correction": "holm"},
    "earlier plans that became nothing": {
        **CHECKED,
        "claims": [SUPPORTED],
        "attempts": {"count": 3, "number": 3},
        "correction": "holm",
        "abandoned": [40, 12],
    },
    "one of more than are listed, twelve that became nothing": {
        **CHECKED,
        "claims": [REFUTED],
        "attempts": {"count": 13, "number": 13},
        "abandoned": list(range(12, 0, -1)),
    },
    "the third plan of three": {**CHECKED, "claims": [REFUTED], "attempts": {"count": 3, "number": 3}},
    "a chain proves the order": {**CHECKED, "claims": [SUPPORTED], "order": "proven", "levels": [1, 2, 3, 4, 6]},
    "a timestamp shows the order": {**CHECKED, "claims": [SUPPORTED], "order": "stamped", "levels": [1, 2, 3, 4, 6]},
    "no chain was asked": {**CHECKED, "claims": [SUPPORTED], "order": "unasked"},
    "figures were not computed again": {**CHECKED, "claims": [SUPPORTED], "levels": [1, 2]},
    "the base weights' origin is unknown": {**CHECKED, "claims": [SUPPORTED], "base": "unknown"},
    "a part of the base weights' origin is unknown": {**CHECKED, "claims": [SUPPORTED], "base": "partly"},
    "images were withdrawn": {**CHECKED, "claims": [SUPPORTED], "withdrawn_images": 2},
    "the release was withdrawn": {**CHECKED, "claims": [SUPPORTED], "withdrawn": True},
    "the snapshot was withdrawn": {**CHECKED, "claims": [SUPPORTED], "withdrawn_snapshot": True},
    "nobody audited it": {**CHECKED, "claims": [REFUTED], "records": "unchecked", "levels": []},
    "an audit of level 1 alone": {**CHECKED, "claims": [SUPPORTED], "records": "unchecked", "levels": [1]},
    "a stranger's, audited at level 1 alone": {
        **CHECKED,
        "claims": [SUPPORTED],
        "records": "unchecked",
        "levels": [1],
        "local": False,
    },
    "the records do not hold": {**CHECKED, "claims": [SUPPORTED], "records": "broken", "failed": ["6.metrics"]},
    "many checks fail, of a withdrawn release": {
        **CHECKED,
        "claims": [SUPPORTED],
        "records": "broken",
        "failed": ["1.blocks", "1.complete", "1.records", "1.tables", "2.signatures", "4.items"],
        "withdrawn": True,
    },
    "a stranger's, that nobody audited": {
        **CHECKED,
        "claims": [SUPPORTED],
        "records": "unchecked",
        "levels": [],
        "local": False,
        "attempts_stated": True,
    },
    "a stranger's, of which no figure was audited": {
        **CHECKED,
        "claims": [SUPPORTED],
        "levels": [1, 2],
        "local": False,
    },
    "a stranger's, audited": {**CHECKED, "claims": [SUPPORTED], "local": False, "attempts_stated": True},
    "a stranger's without claims": {"claims": [], "local": False},
    "images were not looked at": {**CHECKED, "claims": [SUPPORTED], "images_open": True},
    "no claim, the third plan without one": {**CHECKED, "claims": [], "attempts": {"count": 3, "number": 3}},
    "no claim, a plan that nobody counted": {**CHECKED, "claims": [], "attempts_stated": True},
    "no claim, one of two plans that nobody counted": {
        **CHECKED,
        "claims": [],
        "attempts": {"count": 2, "number": 1},
        "attempts_stated": True,
    },
    "the second plan of two, as the issuer alone states": {
        **CHECKED,
        "claims": [REFUTED],
        "attempts": {"count": 2, "number": 2},
        "attempts_stated": True,
    },
    "a newer program wrote a part": {**CHECKED, "claims": [SUPPORTED], "records": "undecided", "levels": [1, 6]},
    "a newer program wrote the release": {"claims": None, "records": "undecided"},
    "a snapshot": {"type": "snapshot", "claims": None, "records": "consistent", "levels": [1, 2, 4]},
    "a snapshot that does not hold": {"type": "snapshot", "claims": None, "records": "broken", "failed": ["4.items"]},
    "an HTML page": {"type": None, "file": "other", "kind": "html", "records": "unusable"},
    "a file of no kind that is known": {"type": None, "file": "other", "kind": "soup", "records": "unusable"},
    "a file that is cut off": {**CHECKED, "claims": [SUPPORTED], "file": "cut", "records": "unusable"},
    "a file that names nothing to audit": {"type": None, "file": "untargeted", "records": "unusable"},
    "what a stranger wrote": {**CHECKED, "claims": [HOSTILE], "attributes": ["a\nb", "c\u200bd"]},
}


def examples() -> list[dict[str, Any]]:
    """Each with its name, its facts and the verdict's document."""
    return [
        {"name": name, "facts": facts, "verdict": verdict_of(msgspec.convert(facts, Facts)).document()}
        for name, facts in EXAMPLES.items()
    ]


def text() -> str:
    """The file's text."""
    return json.dumps(examples(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
