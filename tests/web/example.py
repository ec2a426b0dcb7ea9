"""A report's data, made from an evaluation of made-up predictions."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

from registry.core.records import to_value
from registry.evaluation.claims import parse_claim
from registry.evaluation.evaluate import Result, evaluate
from registry.evaluation.thresholds import ThresholdRule
from registry.web import figures
from registry.web.report import ReportData
from tests.evaluation.world import CLASSES, crowd, sha


def result() -> Result:
    """160 images, three to a person, with a declared attribute of which one value is rare."""
    rows, clusters = crowd(160, 3, folds=3)
    claims = tuple(map(parse_claim, ("macro_f1 >= 0.55", "recall_gap(class) <= 0.05", "f1(feliz) >= 0.99")))
    attributes = {sha(number): {"tone": ("dark", "light", "medium")[number % 3]} for number in range(160)}
    attributes |= {sha(number): {"tone": "rare"} for number in range(4)}
    return evaluate(
        rows,
        classes=CLASSES,
        threshold=ThresholdRule("fixed", 250_000, 10_000, 5),
        final="fold:0",
        histories=(),
        claims=claims,
        groups=("tone",),
        clusters=clusters,
        attributes=attributes,
        rounds=300,
        min_group=10,
        seed=2023,
    )


def picture(colour: str) -> str:
    """A data URI."""
    stream = io.BytesIO()
    Image.new("RGB", (48, 48), colour).save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def drawings(found: Result) -> tuple[tuple[str, str], ...]:
    """Every kind of figure."""
    curves = dict(found.curves)
    groups = [(one.name, one.value, one.low, one.high) for one in found.fairness]
    folds = [
        (f"fold {number}", one.value, one.low, one.high)
        for number, fold in enumerate(found.per_fold)
        for one in fold
        if one.name == "macro_f1"
    ]
    f1 = {"macro": curves["f1_confidence(macro)"], **{name: curves[f"f1_confidence({name})"] for name in CLASSES}}
    losses = {
        f"{split} {fold}": [
            (epoch, 9 / epoch**0.5 + fold / 5 + (split == "val") * epoch / 40) for epoch in range(1, 31)
        ]
        for split in ("train", "val")
        for fold in range(3)
    }
    labels = dict(zip(CLASSES, (46, 41, 45, 43), strict=True))
    return (
        ("Labels in the snapshot", figures.bars("Labels", labels)),
        ("Recall by group, 95 % intervals", figures.intervals("Recall by group", groups)),
        ("F1 by confidence", figures.lines("F1 by confidence", "confidence", "F1", f1)),
        (
            "Precision and recall of images",
            figures.lines("PR", "recall", "precision", {name: curves[f"pr({name})"] for name in CLASSES}),
        ),
        ("Confusion, shares", figures.confusion("Confusion", found.confusion, CLASSES, normalized=True)),
        ("Confusion, counts", figures.confusion("Confusion", found.confusion, CLASSES, normalized=False)),
        ("Macro F1 by fold", figures.intervals("Macro F1 by fold", folds)),
        ("Loss by epoch", figures.training("Loss by epoch", losses)),
    )


def data(**changes: Any) -> ReportData:
    """The example, with other values where asked."""
    found = result()
    named = {one.name: to_value(one) for one in found.metrics}
    people = [to_value(one) for one in found.fairness if one.name not in named]
    shown = ("macro_f1", "accuracy", "pr_auc", "map50")
    fields: dict[str, Any] = {
        "title": "Drawn faces: the demo's release",
        "made": "2026-11-23T15:00:00Z",
        "issuer": "did:pkh:eip155:1:0xba7a18d0997b9881797265668006283664c88f91",
        "recipe": "quick",
        "drawn": True,
        "anchor": "journal",
        "from_nothing": True,
        "headline": tuple(named[name] for name in ("macro_f1", "pr_auc", "map50")),
        "holds": True,
        "checked": 2,
        "unchecked": 1,
        "claims": tuple(to_value(one) for one in found.verdicts),
        "figures": drawings(found),
        "counts": (("import", "rows", 184), ("cleaning", "kept", 160), ("cleaning", "dropped: blur", 2)),
        "examples": (
            ("blur", "laplacian variance 1", picture("#887766")),
            ("duplicate", "of 248c7525…", picture("#225577")),
            ("undecodable", "0 bytes", None),
        ),
        "metrics": (*(to_value(one) for one in found.metrics), *people),
        "notes": found.notes,
        "checks": (
            {"id": "1.blocks", "level": 1, "title": "every block hashes to its CID", "result": "holds", "reason": ""},
            {
                "id": "3.order",
                "level": 3,
                "title": "plan before release",
                "result": "not checked",
                "reason": "no chain",
            },
            {"id": "4.folds", "level": 4, "title": "folds follow", "result": "does not hold", "reason": "other folds"},
        ),
        "cids": (("release", "bafyreig2s6mi45f5em2qndf2hagnepxvoikbnq7cw4hvv7jjakfdugfr2i"),),
        "per_fold": tuple(tuple(to_value(one) for one in fold if one.name in shown) for fold in found.per_fold),
        "final": "fold:0",
        "commands": ("emotionet audit RELEASE.car --offline", "emotionet serve"),
    }
    return ReportData(**{**fields, **changes})
