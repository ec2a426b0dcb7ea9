"""Everything of an evaluation, from small predictions; names of figures; verdicts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import msgspec

from registry.core import records
from registry.core.text import figure_names
from registry.core.text.figure_names import FigureName
from registry.evaluation.claims import judge, parse_claim
from registry.evaluation.evaluate import evaluate
from registry.evaluation.figures.overfitting import history_of
from registry.evaluation.figures.thresholds import ThresholdRule
from tests.vectors.families.vector import Family, Vector, good

ROUNDS = 1000
BOX = [100, 100, 1000, 1000]
Row = dict[str, Any]


def figures(given: Any) -> dict[str, Any]:
    """All parts of an evaluation's record but its links; ``curves`` as points by name."""
    images, plan, recipe = given["images"], given["plan"], given["recipe"]
    losses = records.LossNames(
        training=tuple(plan["losses"]["training"]), validation=tuple(plan["losses"]["validation"])
    )
    origin = None if plan["origin"] is None else msgspec.convert(plan["origin"], records.Origin, strict=True)
    found = evaluate(
        given["predictions"],
        classes=tuple(given["classes"]),
        threshold=ThresholdRule(**recipe["threshold"]),
        final=plan["final"],
        histories=[history_of(one["fold"], one["history"], losses) for one in given["trainings"]],
        claims=tuple(parse_claim(claim) for claim in plan["claims"]),
        groups=tuple(plan["groups"]),
        clusters={one["sha256"]: one["group"] for one in images},
        attributes={one["sha256"]: one["attributes"] for one in images},
        rounds=recipe["rounds"],
        min_group=recipe["min_group"],
        seed=plan["seed"],
        origin=origin,
        seen=set(given["seen"]),
        sources={one["sha256"]: one["sources"] for one in images if "sources" in one},
    )
    parts = {one.name: getattr(found, one.name) for one in fields(found)}
    said = {name: records.to_value(list(part) if isinstance(part, tuple) else part) for name, part in parts.items()}
    return {**said, "curves": dict(found.curves) if given["curves"] else None}


def sha(number: int) -> bytes:
    return hashlib.sha256(b"judged %d" % number).digest()


def judged(number: int, truth: int | None, *found: tuple[int, int], fold: int = 0, boxes: int = 1) -> Row:
    """A judgement; every detection hits the first box but those of an odd score, which hit half of it."""
    true = [[100 + 1500 * at, 100, 1000, 1000] for at in range(boxes)]
    detections = [
        [kind, score, *([100, 100, 1000, 1000] if score % 2 == 0 else [400, 100, 1000, 1000])] for kind, score in found
    ]
    detections.sort(key=lambda one: (-one[1], one))
    return {
        "sha256": sha(number),
        "fold": fold,
        "truth": truth,
        "boxes": [] if truth is None else true,
        "detections": detections,
    }


def asked(predictions: list[Row], classes: Sequence[str], **other: Any) -> dict[str, Any]:
    """A whole input. ``person``: image to the number of its person; ``attributes``, ``sources``: image to its own."""
    numbers = {row["sha256"]: row for row in predictions}
    person, attributes, sources = (other.pop(name, {}) for name in ("person", "attributes", "sources"))
    by_name = {sha(number): number for number in range(200)}
    members: dict[Any, list[bytes]] = {}
    for key in numbers:
        members.setdefault(person.get(by_name[key], key), []).append(key)
    images = [
        {
            "sha256": key,
            "group": min(members[person.get(by_name[key], key)]),
            "attributes": attributes.get(by_name[key], {}),
            **({"sources": sources[by_name[key]]} if by_name[key] in sources else {}),
        }
        for key in sorted(numbers)
    ]
    recipe = {
        "threshold": {"name": "fixed", "threshold": 250_000, "floor": 1000, "k": 2},
        "rounds": ROUNDS,
        "min_group": 3,
        **other.pop("recipe", {}),
    }
    plan = {"seed": 2023, "final": "fold:0", "groups": [], "claims": [], "losses": {"training": [], "validation": []}}
    plan |= {"origin": None, **other.pop("plan", {})}
    return {
        "classes": list(classes),
        "predictions": predictions,
        "images": images,
        "plan": plan,
        "recipe": recipe,
        "trainings": other.pop("trainings", []),
        "seen": other.pop("seen", []),
        "curves": other.pop("curves", False),
    }


def _crowd(count: int, classes: int, *, folds: int = 2, repeats: int = 1, background: int = 0) -> list[Row]:
    """Judgements that follow from hashes: about three of four right, ties and several classes among them."""
    rows = []
    for number in range(count):
        truth = None if background and number % background == 0 else number % classes
        for repeat in range(repeats):
            draw = hashlib.sha256(b"crowd %d %d" % (number, repeat)).digest()
            kind = draw[0] % classes if truth is None or draw[1] < 64 else truth
            found = (
                []
                if draw[2] < (200 if truth is None else 20)
                else [(kind, draw[3] * 3900), (draw[4] % classes, draw[5] * 1950)]
            )
            rows.append(
                judged(number, truth, *found, fold=repeat * folds + number % folds, boxes=1 + number % 11 // 10)
            )
    return rows


def evaluations() -> Sequence[Vector]:
    two = ("sad", "happy")
    losses = {"training": ["train/box", "train/cls"], "validation": ["val/box"]}
    history = [
        {"epoch": epoch, "values": {"train/box": f"{2 - epoch / 4:.6f}", "train/cls": "1.000000", "val/box": val}}
        for epoch, val in enumerate(("2.500000", "2.250000", "2.250000", "nan"))
    ]
    trainings: list[Any] = [{"fold": fold, "history": history[: 3 + fold]} for fold in (1, 0)] + [
        {"fold": None, "history": []}
    ]
    claims = [
        "macro_f1 >= 0.5",
        "recall(happy) <= 0.2",
        "recall_gap(class) <= 0.9",
        "pr_auc >= 0.9",
        "recall(side=l) >= 0.9",
    ]
    doubtful = [
        *("recall(age=old) >= 0.1", "recall(side=l) >= 0.1", "recall(age=old) >= 0.99", "macro_f1 >= 0.1"),
        *("worst_recall(side) >= 0.05", "worst_recall(age) >= 0.05"),
    ]
    sources = {
        n: {"side": ("self", "perceived")[n % 2], **({"age": "inferred"} if n in (7, 8) else {})} for n in range(36)
    }
    sides = {number: {"side": "lr"[number % 3 == 0], "age": "old"} if number % 7 else {} for number in range(40)}
    persons = {number: number // 3 for number in range(40)}
    seen = {"tensors": None, "whole": False, "seen": {"images": 4, "persons": 2, "nearDuplicates": 0}}
    other_folds = {"threshold": {"name": "other_folds", "threshold": 250_000, "floor": 105_000, "k": 2}}
    few = _crowd(8, 2)
    impossible = {
        "a class that is not there": [judged(0, 2, (0, 500_000))],
        "a detection of a class that is not there": [judged(0, 0, (2, 500_000))],
        "a score above a million": [judged(0, 0, (0, 1_000_002))],
        "an image twice in one fold": [judged(0, 0), judged(0, 0)],
        "an image that is judged more often than another": [judged(0, 0), judged(0, 0, fold=2), judged(1, 0)],
        "a box of nothing": [{**judged(0, None), "boxes": [BOX]}],
        "301 detections": [judged(0, 0, *[(0, 2)] * 301)],
    }
    return [
        good(
            figures,
            "sixteen images of two classes",
            asked(_crowd(16, 2), two, plan={"claims": claims[:4]}, curves=True),
        ),
        good(
            figures,
            "persons, attributes, losses, claims",
            asked(
                _crowd(40, 2),
                two,
                person=persons,
                attributes=sides,
                trainings=trainings,
                plan={"claims": claims, "groups": ["age", "side"], "losses": losses, "final": "refit"},
            ),
        ),
        good(
            figures,
            "attributes with their sources: claims on groups that a program inferred",
            asked(
                _crowd(40, 2),
                two,
                person=persons,
                attributes=sides,
                sources=sources,
                plan={"claims": doubtful, "groups": ["age", "side"]},
            ),
        ),
        good(
            figures,
            "three classes, thresholds from other folds, nothing to see in some",
            asked(
                _crowd(30, 3, background=5),
                ("a", "b (c)", "ñ"),
                recipe=other_folds,
                person=persons,
                curves=True,
            ),
        ),
        good(figures, "two repeats", asked(_crowd(12, 2, repeats=2), two, recipe=other_folds, person=persons)),
        good(
            figures,
            "what base weights have seen",
            asked(
                few,
                two,
                seen=[sha(0), sha(1), sha(2), sha(5)],
                plan={"origin": seen, "claims": ["micro_recall >= 0.1"]},
            ),
        ),
        good(figures, "nothing is found", asked([judged(number, number % 2) for number in range(6)], two)),
        good(
            figures,
            "one class that every image has",
            asked([judged(n, 0, (0, 600_000)) for n in range(5)], ("only",), curves=True),
        ),
        good(
            figures,
            "a class that no image has, and one below min_group",
            asked(
                [
                    *(judged(n, 0, (0, 900_000 - 2 * n)) for n in range(6)),
                    judged(6, 1, (2, 800_000)),
                    judged(7, 1, (1, 400_000)),
                ],
                ("a", "b", "c"),
            ),
        ),
        good(
            figures,
            "pictures that show nothing alone",
            asked([judged(n, None, *[(0, 600_000)] * (n % 2)) for n in range(4)], two),
        ),
        good(figures, "no image", asked([], two, curves=True)),
        good(
            figures,
            "a class that is called in no group: rows of rates that are all 0",
            asked(
                [judged(n, n % 2, *[(0, 600_000)] * (n % 3 > 0)) for n in range(16)],
                two,
                attributes={n: {"side": "lr"[n % 8 > 3]} for n in range(16)},
                plan={"groups": ["side"]},
            ),
        ),
        good(
            figures,
            "an attribute of 51 values, and groups of pictures that show nothing",
            asked(
                [judged(n, None if n < 8 else 0, *[(0, 600_000)] * (n % 5 > 3)) for n in range(51)],
                two,
                attributes={n: {"id": str(n), **({"side": "lr"[n > 3]} if n < 11 else {})} for n in range(51)},
                plan={"groups": ["id", "side"]},
            ),
        ),
        good(
            figures,
            "equal scores, a detection that matches two boxes",
            asked(
                [
                    judged(0, 0, (1, 500_000), (0, 500_000), boxes=2),
                    judged(1, 1, (0, 500_000), (1, 500_000)),
                    judged(2, 1, (1, 250_000)),
                    judged(3, 0, (0, 249_998)),
                ],
                two,
            ),
        ),
        *(
            Vector(name, asked(rows, two), refused="bad_predictions", why="no honest run writes it")
            for name, rows in impossible.items()
        ),
    ]


def name(given: Any) -> str:
    parts = FigureName(given["metric"], tuple(given["of"]), tuple(sorted(given["group"].items())), given["class"])
    return figure_names.name_of(parts)


def names() -> Sequence[Vector]:
    cases = {
        "all images": ("macro_f1", [], {}, None),
        "a class": ("recall", [], {}, "feliz"),
        "a class with signs": ("f1", [], {}, 'feliz (muy) "x" \\'),
        "a group": ("recall", [], {"tone": "dark, yes", "age": "old"}, None),
        "a group and a class": ("fpr", [], {"age": "old"}, "ñ"),
        "what a gap compares": ("recall_gap", ["age", "tone"], {}, None),
        "a blank at an end, a blank inside, nothing": ("recall", [], {"a b": " x", "c": ""}, None),
        "an invisible sign": ("recall", [], {}, "a\u200bb"),
        "a letter above the first plane": ("recall", [], {}, "🙂"),
    }
    return [
        good(name, said, {"metric": metric, "of": of, "group": group, "class": label})
        for said, (metric, of, group, label) in cases.items()
    ]


def verdict(given: Any) -> Any:
    metric = None
    if given["figure"] is not None:
        metric = records.Metric(metric="macro_f1", **given["figure"])
    found = judge(records.Claim(**given["claim"]), metric)
    return {"verdict": found.verdict, "needed": found.needed, "reason": found.reason}


def verdicts() -> Sequence[Vector]:
    def case(comparator: str, threshold: str, *figure: Any) -> dict[str, Any]:
        named = dict(zip(("value", "low", "high", "n", "reason"), (*figure, None), strict=False)) if figure else None
        return {"claim": {"metric": "macro_f1", "comparator": comparator, "threshold": threshold}, "figure": named}

    cases = {
        "the lower bound reaches it": case(">=", "0.800000", "0.900000", "0.800000", "0.950000", 50),
        "the upper bound lies below": case(">=", "0.800000", "0.700000", "0.600000", "0.799999", 50),
        "the upper bound equals it": case(">=", "0.800000", "0.700000", "0.600000", "0.800000", 50),
        "between": case(">=", "0.800000", "0.850000", "0.750000", "0.900000", 50),
        "below, it will be refuted": case(">=", "0.800000", "0.750000", "0.650000", "0.850000", 50),
        "a whole number that must be passed": case(">=", "0.800000", "0.700000", "0.600000", "0.800000", 50),
        "at most": case("<=", "0.100000", "0.050000", "0.010000", "0.150000", 100),
        "at most, supported": case("<=", "0.100000", "0.050000", "0.010000", "0.100000", 100),
        "at most, refuted": case("<=", "0.100000", "0.200000", "0.100001", "0.300000", 100),
        "the figure equals the number": case(">=", "0.500000", "0.500000", "0.400000", "0.600000", 9),
        "a bound of 1": case(">=", "0.950000", "0.900000", "0.800000", "1.000000", 30),
        "no value": case(">=", "0.500000", None, None, None, 2, "too_few"),
        "no interval": case(">=", "0.500000", "0.600000", None, None, 2),
        "no such figure": case(">=", "0.500000"),
    }
    bad = {
        "five places": case(">=", "0.80000", "0.900000", "0.800000", "0.950000", 50),
        "another comparator": case(">", "0.800000", "0.900000", "0.800000", "0.950000", 50),
        "above 1": case(">=", "1.100000", "0.900000", "0.800000", "0.950000", 50),
    }
    return [
        *(good(verdict, said, one) for said, one in cases.items()),
        *(Vector(said, one, refused="bad_claim", why="a claim is in one form") for said, one in bad.items()),
    ]


FAMILIES = (
    Family(
        "figures",
        "Predictions with what plan, recipe (threshold and floor in millionths) and preprocessing say. "
        "Expected: all parts of "
        "an evaluation that follow, field names in snake case, curves (where asked for) as points by name.",
        figures,
        evaluations,
    ),
    Family("figure-names", "The parts of a figure; expected: its name.", name, names),
    Family(
        "verdicts",
        "A claim and the figure of its name (null: none); expected: the verdict, needed, reason.",
        verdict,
        verdicts,
    ),
)
