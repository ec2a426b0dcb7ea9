"""A report's data, made from an evaluation of made-up predictions."""

from __future__ import annotations

import base64
import io
from functools import cache
from typing import Any

from msgspec import structs
from PIL import Image

from registry.core.records import to_value
from registry.evaluation.agreement import agreement
from registry.evaluation.claims import parse_claim
from registry.evaluation.evaluate import evaluate
from registry.evaluation.facts import ClaimFacts, Facts
from registry.evaluation.figures.thresholds import ThresholdRule
from registry.evaluation.result import Result
from registry.evaluation.verdict import verdict_of
from registry.web.base import charts, figures
from registry.web.base.svg import Drawing
from registry.web.base.words import Words
from registry.web.report.by_group import by_group, people_of
from registry.web.report.mistakes import Mistake
from registry.web.report.report import ReportData
from tests.evaluation.world import CLASSES, crowd, sha


@cache
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


def losses() -> dict[str, charts.Losses]:
    """Of three folds: training falls, validation turns."""

    def curve(fold: int, turn: float) -> list[list[str]]:
        return [[f"{n}.000000", f"{9 / n**0.5 + fold / 5 + turn * n:.6f}"] for n in range(1, 31)]

    return {f"fold {fold}": (curve(fold, 0.0), curve(fold, 0.05), 12) for fold in range(3)}


def drawings(language: str = "en") -> tuple[Drawing, ...]:
    """Every kind of figure."""
    t, found = Words(language), result()
    curves = dict(found.curves)
    groups = [(one.name, one.value, one.low, one.high, one.n) for one in found.fairness]
    f1 = {"macro": curves["macro_f1_confidence"], **{name: curves[f"f1_confidence({name})"] for name in CLASSES}}
    counts = dict(zip(CLASSES, ((46, 3), (41, 0), (45, 12), (43, 1)), strict=True))
    pr = {name: curves[f"pr({name})"] for name in CLASSES}
    return (
        figures.bars(t, t("figures.labels"), counts),
        figures.intervals(t, t("figures.recall_groups"), groups),
        figures.intervals(t, t("compare.differences"), [("f1", "-0.2", "-0.5", "0.1", None)], lowest=-1),
        charts.lines(t, t("figures.f1_confidence"), (t("figures.confidence"), "F1"), f1),
        charts.lines(t, t("figures.pr"), (t("figures.recall"), t("figures.precision")), pr),
        figures.confusion(t, t("figures.confusion_share"), found.confusion, CLASSES, normalized=True),
        figures.confusion(t, t("figures.confusion_count"), found.confusion, CLASSES, normalized=False),
        figures.reliability(t, t("figures.reliability"), curves["reliability(all)"]),
        charts.training(t, t("figures.training"), losses()),
    )


FACTS = Facts(
    claims=tuple(ClaimFacts(**structs.asdict(one), n=160) for one in result().verdicts),
    images=160,
    attributes=("tone",),
)
MISTAKE = Mistake(
    image="ab" * 32, labelled="triste", predicted="feliz", confidence="0.991000", fold=1, uri=picture("#cc8844")
)
CHECKS: tuple[dict[str, Any], ...] = (
    {"id": "1.blocks", "level": 1, "title": "every block hashes to its CID", "result": "holds", "reason": ""},
    {"id": "3.order", "level": 3, "title": "plan before release", "result": "not checked", "reason": "no chain"},
    {"id": "4.folds", "level": 4, "title": "folds follow", "result": "does not hold", "reason": "other folds"},
)


def data(**changes: Any) -> ReportData:
    """The example, with other values where asked."""
    found = result()
    named = {one.name: one.document() for one in found.metrics}
    shown = ("macro_f1", "accuracy", "pr_auc", "map50")
    per_fold = tuple(tuple(one.document() for one in fold if one.name in shown) for fold in found.per_fold)
    fields: dict[str, Any] = {
        "language": "en",
        "model": "Model “quick” (yolov8)",
        "data": "160 images",
        "publisher": "0xba7a18…8c91",
        "issued": "2026-11-23T15:00:00Z",
        "issuer": "did:pkh:eip155:1:0xba7a18d0997b9881797265668006283664c88f91",
        "recipe": "quick",
        "drawn": True,
        "anchor": "journal",
        "base": None,
        "base_licence": None,
        "licence": "AGPL-3.0-only",
        "headline": tuple(named[name] for name in ("macro_f1", "pr_auc", "map50")),
        "verdict": verdict_of(FACTS).document(),
        "records": "consistent",
        "rests": tuple(verdict_of(FACTS).document()["parts"][4:]),
        "faces": True,
        "chance": {"macro_f1": "0.240000", "accuracy": "0.250000", "pr_auc": "0.250000"},
        "majority": {"macro_f1": "0.110000", "accuracy": "0.280000", "pr_auc": "0.250000"},
        "agreement": agreement([{"a": 0, "b": 0, "c": 1}, {"a": 1, "b": 1}]),
        "mistakes": (MISTAKE, structs.replace(MISTAKE, uri=None)),
        "checked": 2,
        "unchecked": 1,
        "claims": tuple({**to_value(one), "n": 160} for one in found.verdicts),
        "figures": drawings(changes.get("language", "en")),
        "counts": (
            ("snapshot", "left_out", "tie", 4),
            ("cleaning", "kept", "", 160),
            ("cleaning", "dropped", "blur", 2),
        ),
        "examples": (
            ("blur", "laplacian variance 1", picture("#887766"), "1a" * 32),
            ("duplicate", "of 248c7525…", picture("#225577"), "2b" * 32),
            ("undecodable", "0 bytes", None, "3c" * 32),
        ),
        "metrics": tuple(one.document() for one in found.metrics),
        "people": by_group(people_of(found), CLASSES),
        "classes": CLASSES,
        "notes": found.notes,
        "checks": CHECKS,
        "cids": (
            ("release", "bafyreig2s6mi45f5em2qndf2hagnepxvoikbnq7cw4hvv7jjakfdugfr2i"),
            ("fold 0", "bafyreig2s6mi45f5em2qndf2hagnepxvoikbnq7cw4hvv7jjakfdugfr2i"),
        ),
        "per_fold": per_fold,
        "own": per_fold[0],
        "tests": tuple(one.document() for one in found.tests),
        "several": tuple(zip(CLASSES, found.several, strict=True)),
        "thresholds": found.thresholds,
        "optimistic": tuple(one.document() for one in found.optimistic),
        "overfitting": tuple(structs.asdict(one) for one in found.overfitting),
        "final": "fold:0",
        "commands": ("emotionet audit RELEASE.car --offline", "emotionet serve"),
    }
    return ReportData(**{**fields, **changes})
