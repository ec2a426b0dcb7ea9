"""The model card: Markdown with Hugging Face's YAML, from a release's records alone, the same bytes each time.

Invariants: no clock, nothing but records; text from outside can end neither its line nor its cell, and makes neither
a heading nor a link nor HTML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from registry.core.records import Metric
from registry.provenance.lineage import ReleaseView

_SHOWN = {
    "macro_f1": "Macro F1, pooled out of fold",
    "accuracy": "Accuracy, pooled out of fold",
    "pr_auc": "PR-AUC of images (macro average precision)",
    "map50": "mAP of boxes at IoU 0.5",
    "map50_95": "mAP of boxes at IoU 0.5 to 0.95",
}
USE = """\
## Intended use

To study how such models are made, measured and checked. The model finds faces in a picture and gives each one of
the classes below, which say how people who looked at pictures labelled them. It does not know what anybody feels.

## Not for

**Workplace and education: prohibited.** The EU AI Act (Regulation (EU) 2024/1689, Article 5(1)(f)) prohibits systems
that infer emotions of people there, but for medical or safety reasons. Elsewhere a system that recognises emotions
from faces is **high-risk** (Annex III, 1(c)), with the duties that follow for who offers it and who uses it, and
people must be told that it is at work (Article 50(3)). No decision about a person should rest on this model.
"""
LICENCE = """\
## Licence

The weights are offered under AGPL-3.0-only, because the training software (ultralytics) is. Whoever passes them on,
changed or not, passes on that licence; whoever lets others use them over a network owes those users the
corresponding source. The photographs keep the licences that their contributors state; none of them is in the weights'
files.
"""
LIMITS = """\
## Limits

- Balance between classes is not fairness between people: only the groups in the tables above were looked at.
- Pooled figures describe the procedure over all folds; they are not those of the one fold whose weights people get.
- Labels are what people said of pictures; other pictures, cameras and people may give other figures.
- An anchor proves when something was said, not that it is true.
"""
_MARKUP = re.compile(r"([\\`*\[\]|~]|^[#>+-])")


def _line(text: object) -> str:
    """One line of plain text: no control characters, no Markdown, no HTML."""
    words = "".join(letter if letter.isprintable() else " " for letter in str(text)).split()
    return _MARKUP.sub(r"\\\1", " ".join(words)).replace("&", "&amp;").replace("<", "&lt;")


def _yaml_text(text: object) -> str:
    """A JSON string, which YAML contains, so that nothing from outside can break out of its place."""
    return json.dumps("".join(letter for letter in str(text) if letter.isprintable()), ensure_ascii=False)


def _yaml(view: ReleaseView) -> list[str]:
    figures = {metric.name: metric for metric in view.evaluation.metrics}
    snapshot = str(view.preprocessing.snapshot)
    lines = ["---", "license: agpl-3.0", "library_name: ultralytics", "pipeline_tag: object-detection"]
    lines += [
        "tags:",
        "- emotion-recognition",
        "- object-detection",
        "- emotionet",
        f"- {_yaml_text(view.plan.method.id)}",
    ]
    shown = [name for name in _SHOWN if name in figures and figures[name].value is not None]
    if shown:
        lines += ["model-index:", f"- name: {_yaml_text('emotionet ' + view.recipe.name)}", "  results:", "  - task:"]
        lines += ["      type: object-detection", "    dataset:"]
        lines += [f"      name: {_yaml_text('snapshot ' + snapshot)}", f"      type: {_yaml_text(snapshot)}"]
        lines += ["    metrics:"]
    for name in shown:
        lines += [
            f"    - type: {name}",
            f"      name: {_yaml_text(_SHOWN[name])}",
            f"      value: {figures[name].value}",
        ]
    return [*lines, "---", ""]


def _table(head: Sequence[str], rows: Iterable[Iterable[object]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return [*lines, *(f"| {' | '.join(_line(value) for value in row)} |" for row in rows), ""]


def _figures(figures: Iterable[Metric]) -> list[str]:
    def row(one: Metric) -> list[object]:
        value = one.value if one.value is not None else "not estimable"
        return [one.name, value, "–" if one.low is None else f"{one.low} to {one.high}", one.n]

    return _table(["figure", "value", "95 % interval", "images"], map(row, figures))


def _making(view: ReleaseView) -> list[str]:
    plan, beacon = view.plan, view.draw.beacon
    start = f"base weights `{plan.base}`" if plan.base else "the architecture alone, without base weights"
    anchored = (
        f"The folds were drawn from block {beacon.block_number} of {_line(beacon.chain)}, which came after the plan."
        if beacon
        else "The plan was not anchored on a chain: nothing proves to others that it came before the training."
    )
    method = f"{_line(plan.method.id)} {_line(plan.method.version)}"
    return [
        "## How it was made",
        "",
        f"- Method {method}, recipe {_line(view.recipe.name)}, started from {start}.",
        f"- Snapshot `{view.preprocessing.snapshot}` of {view.snapshot.count} images. Classes in order: "
        + ", ".join(f"{index} {_line(name)}" for index, name in enumerate(view.snapshot.classes))
        + ".",
        f"- {len(view.trainings)} folds, grouped by person and near-duplicate, stratified by class; seed {plan.seed}.",
        f"- The weights that people get are those of {_line(plan.final)}, as the plan fixed.",
        f"- {anchored}",
        "",
    ]


def _drawings(view: ReleaseView) -> list[str]:
    images = sum(map(sum, view.evaluation.confusion))
    if any(one.name == "recall(source=drawing)" and one.n == images for one in view.evaluation.fairness):
        return ["> **These are drawings.** All images are drawn faces; the figures say nothing about real ones.", ""]
    return []


def model_card(view: ReleaseView) -> str:
    """The card of a release; its text depends on the release's records alone."""
    evaluation = view.evaluation
    claims = [
        [
            f"{one.metric} {one.comparator} {one.threshold}",
            one.verdict,
            one.value or "not estimable",
            "–" if one.low is None else f"{one.low} to {one.high}",
        ]
        for one in evaluation.verdicts
    ]
    stated = (
        _table(["claim", "verdict", "value", "95 % interval"], claims) if claims else ["The plan makes no claim.", ""]
    )
    lines = [
        *_yaml(view),
        f"# Emotionet, recipe {_line(view.recipe.name)}",
        "",
        *_drawings(view),
        USE,
        *_making(view),
        "## Figures",
        "",
        *_figures(evaluation.metrics),
        *(f"- {_line(note)}" for note in evaluation.notes),
        "",
        "## Claims, locked in the plan",
        "",
        *stated,
        "## Fairness",
        "",
        *_figures(evaluation.fairness),
        LIMITS,
        LICENCE,
        "## Check it yourself",
        "",
        "Every figure follows from published predictions. With the release's CAR file alone, without an account:",
        "",
        "    emotionet audit RELEASE.car --offline",
        "",
    ]
    return "\n".join(lines)
