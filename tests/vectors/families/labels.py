"""Labels as they are compared, and what a snapshot holds."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from registry.core.ipld.cid import CID, RAW
from registry.core.snapshots import classes as classes_module
from registry.core.snapshots import query, snapshot
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
    rows = [{**row, "issuer": one["issuer"]} for one in given["contributions"] for row in one["rows"]]
    wanted = [row for row in snapshot.resolve_rows(rows) if query.matches(row, given["query"])]
    classes = classes_module.classes_of(given["classes"], given["aliases"])
    items, excluded = snapshot.select(wanted, classes, given["rule"], given["withdrawn"], given["missing"])
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
        "a signal that is none": ({"query": {"rights": {"x": "1"}}}, "bad_query", "four signals"),
        "a query's value that is a number": ({"query": {"label": 1}}, "bad_query", "texts"),
        "another rule": ({"rule": "majority-v2"}, "unknown_rule", "there is one rule"),
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
