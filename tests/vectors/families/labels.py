"""Labels as they are compared, and what a snapshot holds."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from registry.core import records
from registry.core.ipld.cid import CID, RAW
from registry.core.snapshots import classes as classes_module
from registry.core.snapshots import snapshot
from tests.vectors.families.vector import Family, Vector, good

ANA, BEN = ("did:pkh:eip155:1:0x" + letter * 40 for letter in "ab")
CLASSES: dict[str, Any] = {
    "classes": ["sad", "happy"],
    "aliases": {"sad": 0, "triste": 0, "happy": 1, "feliz": 1, "none": -1},
}


def normal(given: Any) -> str:
    return classes_module.normal(given["label"])


_LABELS = {
    "upper case and blanks": "  Feliz \t",
    "sharp s": "Groß",
    "ligature": "ﬁn",
    "capital I with a dot": "İstanbul",
    "final sigma": "ΛΌΓΟΣ ς",
    "composed": "ni\u0303o",
    "Cherokee folds to upper case": "Ꭰꭰ",
    "a no-break and an ideographic space around": "\u00a0sad\u3000",
    "information separators are blanks": "\u001csad\u001f",
    "a zero-width space is none": "\u200bsad\u200b",
    "a byte order mark is none": "\ufeffsad",
    "inner blanks stay": "very  sad",
    "a letter whose folding is composed again": "ǰ\u030c",
}


def normals() -> Sequence[Vector]:
    return [good(normal, name, {"label": label}) for name, label in _LABELS.items()]


def held(given: Any) -> dict[str, Any]:
    """What the rule makes of contributions, in the order of the snapshot."""
    rows = [
        {**row, "issuer": one["issuer"], "place": place}
        for place, one in enumerate(given["contributions"])
        for row in one["rows"]
    ]
    wanted, aside = snapshot.split(snapshot.resolve_rows(rows), given["query"])
    classes = classes_module.classes_of(given["classes"], given["aliases"])
    trusted = [tuple(one) for one in given.get("trusted", [])]
    use = given.get("use") and records.Use(**{**given["use"], "licences": tuple(given["use"]["licences"])})
    left_out = given["withdrawn"], given["missing"]
    items, excluded = snapshot.select(wanted, classes, given["rule"], *left_out, trusted=trusted, use=use, aside=aside)
    return {"items": items, "excluded": excluded}


def image(number: int) -> bytes:
    return hashlib.sha256(b"picture %d" % number).digest()


def row(number: int, contributor: str, label: str, **other: Any) -> dict[str, Any]:
    """A row of contribution.rows, by its columns' names."""
    plain = {
        "sha256": image(number),
        "contributor": contributor,
        "cid": bytes(CID.v1(RAW, image(number))),
        "size": 1000 + number,
        "label": label,
        "boxes": [],
        "attributes": {},
        "sources": {},
        "subject": None,
        "licence": None,
        "consent": None,
        "rights": {},
        "replaces": None,
        "signature": None,
    }
    return {**plain, **other}


def said(issuer: str, *rows: dict[str, Any]) -> dict[str, Any]:
    return {"issuer": issuer, "rows": list(rows)}


def asked(*contributions: dict[str, Any], **other: Any) -> dict[str, Any]:
    plain = {"contributions": list(contributions), "query": {}, "rule": "majority-v1", "withdrawn": [], "missing": []}
    return {**plain, **CLASSES, **other}


def use(**demands: Any) -> dict[str, Any]:
    """What a snapshot demands of rights: what says no is left out, if nothing else is said."""
    return {"override": None, "licences": [], "consent": False, **demands}


def ruled() -> Sequence[Vector]:
    """Four rules over the same rows."""
    first = said(ANA, row(1, "ana", "sad"), row(2, "ana", "sad"), row(3, "ana", "happy"), row(4, "cas", "?"))
    second = said(ANA, row(1, "ben", "happy", licence="b"), row(3, "ben", "feliz"), row(2, "zoe", "?"))
    third = said(BEN, row(1, "ana", "happy", subject="9"), row(3, "eva", "HAPPY"), row(5, "ana", "?"))
    rows = (first, second, third)
    asks: dict[str, dict[str, Any]] = {
        "newest": {"rule": "newest-v1"},
        "unanimous": {"rule": "unanimous-v1"},
        "one who is trusted": {"rule": "trusted-v1", "trusted": [[ANA, "ben"]]},
        "two who are trusted and disagree": {"rule": "trusted-v1", "trusted": [[ANA, "ana"], [BEN, "ana"]]},
        "a name of another issuer is not trusted": {"rule": "trusted-v1", "trusted": [[BEN, "ben"]]},
    }
    last = said(ANA, row(1, "ana", "happy"), row(1, "ben", "sad"))
    return [
        *(good(held, f"rule: {name}", asked(*rows, **one)) for name, one in asks.items()),
        good(held, "rule: newest, two labels in one contribution", asked(first, last, rule="newest-v1")),
    ]


def used() -> Sequence[Vector]:
    """What pictures and rows say of their use, and what a snapshot demands of it."""
    plus = "http://ns.useplus.org/ldf/vocab/"
    signals = [
        {"tdm-reservation": "0"},
        {"tdm-reservation": "1"},
        {"tdm-reservation": "perhaps"},
        {"picture.iptc.data-mining": plus + "DMI-PROHIBITED-AIMLTRAINING"},
        {"picture.iptc.data-mining": plus + "DMI-ALLOWED"},
        {"picture.iptc.data-mining": "DMI-UNSPECIFIED"},
        {"picture.c2pa.training-mining": "allowed"},
        {"picture.c2pa.training-mining": "notAllowed"},
        {"picture.c2pa.training-mining": "constrained"},
        {"picture.c2pa.training-mining": "notRead"},
        {"licence-text": "all rights reserved"},
        {},
    ]
    says = said(ANA, *(row(number, "ana", "sad", rights=one) for number, one in enumerate(signals)))
    milder = said(
        BEN,
        row(1, "ben", "sad", rights={"tdm-reservation": "0"}),
        row(0, "ben", "sad", rights={"iptc.data-mining": "x"}),
    )
    terms = said(
        ANA,
        row(1, "ana", "sad", licence="CC0-1.0", consent="signed"),
        row(2, "ana", "sad", licence="MIT", consent=" No "),
        row(3, "ana", "sad"),
        row(4, "ana", "sad", licence="CC0-1.0", consent="signed"),
        row(4, "ben", "happy", licence="all rights reserved", consent="withdrawn"),
        row(5, "ana", "?", licence="CC0-1.0"),
    )
    mine = {"rule": "trusted-v1", "trusted": [[ANA, "ana"]]}
    return [
        good(held, "rights: every value of every signal", asked(says, use=use())),
        good(held, "rights: nobody asked", asked(says)),
        good(held, "rights: a filter loses nobody's no", asked(says, milder, use=use(), query={"contributor": "ben"})),
        good(held, "rights: overridden", asked(says, use=use(override="a court's order"))),
        good(held, "rights: one no is enough", asked(says, milder, use=use())),
        good(held, "rights: one who is not trusted says no", asked(terms, milder, use=use(), **mine)),
        good(held, "licences: one", asked(terms, use=use(licences=["CC0-1.0"]))),
        good(held, "licences: two", asked(terms, use=use(licences=["CC0-1.0", "MIT"]))),
        good(
            held,
            "licences and consent of a row that the filter left aside",
            asked(terms, use=use(licences=["CC0-1.0"], consent=True), query={"contributor": "ana"}),
        ),
        good(held, "consent", asked(terms, use=use(consent=True))),
        good(held, "consent, overridden rights", asked(terms, milder, use=use(consent=True, override="why"))),
    ]


def snapshots() -> Sequence[Vector]:
    boxes = {"boxes": [[0, 0, 500, 500], [100, 100, 400, 400]]}
    rich = said(
        ANA,
        row(1, "ben", "sad", attributes={"side": "r", "age": "old"}, sources={"age": "self"}, licence="b", subject="2"),
        row(
            1,
            "ana",
            "Triste",
            attributes={"age": "old"},
            sources={"age": "perceived"},
            licence="a",
            subject="3",
            **boxes,
        ),
        row(1, "cas", "happy", attributes={"side": "l"}, rights={"tdm-reservation": "1"}, boxes=[[1, 1, 200, 200]]),
    )
    other = said(
        BEN, row(1, "ana", "happy", rights={"tdm-reservation": "0"}), row(2, "ana", "?"), row(2, "zoe", "what")
    )
    demands = {
        "a label as given": {"label": "Triste"},
        "one of two licences": {"licence": ["a", "c"]},
        "an attribute, and an issuer": {"attributes": {"age": "old"}, "issuer": ANA},
        "a right": {"rights": {"tdm-reservation": ["0", "x"]}},
        "speakers": {"speakers": [[BEN, "ana"]]},
        "what nobody says": {"consent": "yes"},
    }
    bad: dict[str, tuple[dict[str, Any], str, str]] = {
        "an unknown part of the query": ({"query": {"colour": "red"}}, "bad_query", "known parts alone"),
        "a signal that is none": ({"query": {"rights": {"x": "1"}}}, "bad_query", "eight signals"),
        "a query's value that is a number": ({"query": {"label": 1}}, "bad_query", "texts"),
        "another rule": ({"rule": "majority-v2"}, "unknown_rule", "the four rules"),
        "trusted labellers for another rule": ({"trusted": [[ANA, "ana"]]}, "bad_trusted", "they are trusted-v1's"),
        "nobody is trusted": ({"rule": "trusted-v1"}, "bad_trusted", "somebody is"),
        "rights overridden without a reason": ({"use": use(override=" ")}, "bad_use", "a reason"),
        "a licence twice": ({"use": use(licences=["a", "a"])}, "bad_use", "each once, in order"),
        "an alias of no class": ({"aliases": {**CLASSES["aliases"], "x": 2}}, "bad_classes", "an index of a class"),
        "a class that is no alias": ({"aliases": {"sad": 0}}, "bad_classes", "every class is its own alias"),
        "a class twice": ({"classes": ["sad", "sad"]}, "bad_classes", "classes differ"),
    }
    later = said(ANA, row(1, "ana", "happy"))
    return [
        good(
            held,
            "a majority",
            asked(
                said(ANA, *(row(1, name, label) for name, label in zip("abc", ("sad", "feliz", "SAD"), strict=True)))
            ),
        ),
        good(held, "a tie", asked(said(ANA, row(1, "a", "sad"), row(1, "b", "happy")))),
        good(
            held, "a tie with a picture that shows nothing", asked(said(ANA, row(1, "a", "None"), row(1, "b", "happy")))
        ),
        good(held, "labels that mean nothing don't vote", asked(said(ANA, row(1, "a", "?"), row(1, "b", "happy")))),
        good(
            held,
            "only labels that mean nothing",
            asked(said(ANA, row(1, "a", "b?"), row(1, "b", "A?"), row(1, "c", "b?"))),
        ),
        good(held, "it shows nothing", asked(said(ANA, row(1, "a", "none", **boxes), row(1, "b", " NONE")))),
        good(held, "all that an item takes from its rows", asked(rich)),
        good(held, "the same name under two issuers", asked(rich, other)),
        good(held, "a later contribution corrects", asked(said(ANA, row(1, "ana", "sad")), later)),
        good(held, "the order of contributions decides", asked(later, said(ANA, row(1, "ana", "sad")))),
        good(
            held,
            "an older row that would meet the query",
            asked(said(ANA, row(1, "ana", "sad")), later, query={"label": "sad"}),
        ),
        good(
            held,
            "withdrawn by sha256, and by CID; without bytes",
            asked(
                said(ANA, row(1, "a", "sad"), row(2, "a", "sad"), row(3, "a", "sad"), row(4, "a", "?")),
                withdrawn=[image(1), bytes(CID.v1(RAW, image(2)))],
                missing=[image(3), image(4)],
            ),
        ),
        *(good(held, f"query: {name}", asked(rich, other, query=one)) for name, one in demands.items()),
        *ruled(),
        *used(),
        *(Vector(name, asked(rich, **one), refused=code, why=why) for name, (one, code, why) in bad.items()),
    ]


FAMILIES = (
    Family("labels", "A label; expected: what it is compared by.", normal, normals),
    Family(
        "snapshots",
        "Contributions in the snapshot's order, each with its issuer and its rows by columns' names; classes, "
        "aliases, query, "
        "rule; `withdrawn`: sha256s or CIDs' bytes of images that were taken back; `missing`: sha256s of those "
        "whose bytes "
        "are missing. Expected: the rows of snapshot.items and snapshot.excluded.",
        held,
        snapshots,
    ),
)
