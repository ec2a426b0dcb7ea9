"""The model card: Markdown with Hugging Face's YAML, from a release's records alone, the same bytes each time."""

from __future__ import annotations

import json
from collections.abc import Iterable

from registry.core.records import Metric
from registry.provenance.lineage import ReleaseView

_SHOWN = ("macro_f1", "accuracy", "pr_auc", "map50", "map50_95", "recall_gap(class)")
USE = """\
This model reads an emotion's label off a face in a picture. It does not know what a person feels. Use it to
study how such models are made and checked.

**Not for the workplace or education.** The EU AI Act (Regulation 2024/1689, Article 5(1)(f)) prohibits systems
that infer emotions there; elsewhere such a system is high-risk (Annex III) with the duties that follow.
"""
LICENCE = """\
AGPL-3.0-only, because the training software (ultralytics) is. Who offers these weights over a network owes its
users the corresponding source. The photographs keep the licences that their contributors state.
"""


def _yaml(view: ReleaseView) -> list[str]:
    """YAML whose values are JSON, which YAML contains; so nothing from outside can break out of its place."""
    figures = {metric.name: metric for metric in view.evaluation.metrics}
    lines = ["---", "license: agpl-3.0", "library_name: ultralytics", "pipeline_tag: object-detection"]
    lines += ["tags:", "- emotion-recognition", "- yolov8", "- emotionet", "model-index:"]
    lines += [f"- name: {json.dumps('emotionet ' + view.recipe.name)}", "  results:", "  - task:"]
    lines += ["      type: object-detection", "    dataset:"]
    lines += [f"      name: {json.dumps('snapshot ' + str(view.preprocessing.snapshot))}"]
    lines += [f"      type: {json.dumps(str(view.preprocessing.snapshot))}", "    metrics:"]
    for name in _SHOWN:
        if figures[name].value is not None:
            lines += [f"    - type: {json.dumps(name)}", f"      value: {figures[name].value}"]
    return [*lines, "---"]


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    names = list(head)
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    return lines + [f"| {' | '.join(_cell(value) for value in row)} |" for row in rows]


def _figure(metric: Metric) -> list[object]:
    value = metric.value or "not estimable"
    interval = f"{metric.low} to {metric.high}" if metric.low is not None else "-"
    return [metric.name, value, interval, metric.n]


def model_card(view: ReleaseView) -> str:
    """The card of a release; its text depends on the release's records alone."""
    plan, evaluation = view.plan, view.evaluation
    start = f"base weights {plan.base}" if plan.base else "the architecture alone: no base weights"
    claims = [
        [f"{one.metric} {one.comparator} {one.threshold}", one.verdict, f"{one.low} to {one.high}"]
        for one in evaluation.verdicts
    ]
    anchored = (
        f"The folds were drawn from block {view.draw.beacon.block_number} of {view.draw.beacon.chain}, after the plan."
        if view.draw.beacon
        else "The plan was not anchored on a chain: nothing proves to others that it came before the training."
    )
    lines = [
        *_yaml(view),
        "",
        f"# Emotionet, recipe {view.recipe.name}",
        "",
        USE,
        "## How it was made",
        "",
        f"- Method {plan.method.id} {plan.method.version}, started from {start}.",
        f"- Snapshot {view.preprocessing.snapshot} of {view.snapshot.count} images; classes in order: "
        + ", ".join(_cell(name) for name in view.snapshot.classes)
        + ".",
        f"- {len(view.trainings)} folds, grouped by person and near-duplicate, stratified; seed {plan.seed}.",
        f"- The weights that people get are those of {plan.final}, fixed in the plan.",
        f"- {anchored}",
        "",
        "## Figures",
        "",
        *_table(["metric", "value", "95 % interval", "images"], [_figure(one) for one in evaluation.metrics]),
        "",
        *[f"- {note}" for note in evaluation.notes],
        "",
        "## Claims",
        "",
        *(_table(["claim", "verdict", "interval"], claims) if claims else ["The plan makes no claim."]),
        "",
        "## Fairness",
        "",
        *_table(["figure", "value", "95 % interval", "images"], [_figure(one) for one in evaluation.fairness]),
        "",
        "## Licence",
        "",
        LICENCE,
    ]
    return "\n".join(lines)
