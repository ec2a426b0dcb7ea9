"""Hugging Face metadata of a release: the card's YAML front matter with its model-index, and `.eval_results` entries.

Invariants: a pure function of the release's records; a figure that is not estimable is left out, never 0.

Sources: Hugging Face's model card specification (hub-docs, modelcard.md) and its eval-results format
(`.eval_results/*.yaml`, hub-docs, eval_results.yaml); both as huggingface_hub 2.4 reads them.
"""

from __future__ import annotations

import re

from registry.core.errors import InvalidInput, UsageError
from registry.core.records import Metric
from registry.core.run_view import ReleaseView
from registry.exports.card.markdown import yaml_text

HUB_LICENCES = {  # SPDX names, and the hub's own
    "AGPL-3.0-only": "agpl-3.0",
    "Apache-2.0": "apache-2.0",
    "BSD-3-Clause": "bsd-3-clause",
    "CC0-1.0": "cc0-1.0",
    "GPL-3.0-only": "gpl-3.0",
    "MIT": "mit",
}
SHOWN = {
    "macro_f1": "Macro F1, pooled out of fold",
    "micro_f1": "Micro F1, pooled out of fold",
    "weighted_f1": "Weighted F1, pooled out of fold",
    "accuracy": "Accuracy, pooled out of fold",
    "macro_precision": "Macro precision, pooled out of fold",
    "macro_recall": "Macro recall, pooled out of fold",
    "pr_auc": "PR-AUC of images (macro average precision)",
    "macro_auc": "ROC-AUC of images (macro, one against the rest)",
    "ece": "Expected calibration error, 15 bins of equal width",
    "map50": "mAP of boxes at IoU 0.5",
    "map50_95": "mAP of boxes at IoU 0.5 to 0.95",
}
_NUMBER = re.compile(r"[01]\.[0-9]{6}")
_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


def _shown(view: ReleaseView) -> list[Metric]:
    """``InvalidInput`` (``bad_evaluation``) if an evaluation has a value that is not a number."""
    figures = {metric.name: metric for metric in view.evaluation.metrics}
    found = [figures[name] for name in SHOWN if name in figures and figures[name].value is not None]
    if not all(_NUMBER.fullmatch(one.value or "") for one in found):
        raise InvalidInput(
            "this release's evaluation states a value that is not a number",
            code="bad_evaluation",
            hint="`emotionet audit` says where.",
        )
    return found


def _licence(licence: str) -> list[str]:
    """The hub knows its licences by their names in small letters, and all others as ``other``."""
    if licence in HUB_LICENCES:
        return [f"license: {HUB_LICENCES[licence]}"]
    return ["license: other", f"license_name: {yaml_text(licence)}"]


def front_matter(view: ReleaseView) -> list[str]:
    """The YAML block at the card's head, as lines."""
    snapshot, method = str(view.preprocessing.snapshot), view.plan.method
    lines = [
        "---",
        *_licence(view.release.licence),
        *([] if method.library is None else [f"library_name: {yaml_text(method.library)}"]),
        f"pipeline_tag: {yaml_text(method.task)}",
        "tags:",
    ]
    lines += ["- emotion-recognition", f"- {yaml_text(method.task)}", "- emotionet", f"- {yaml_text(method.id)}"]
    shown = _shown(view)
    if shown:
        lines += ["model-index:", f"- name: {yaml_text('emotionet ' + view.recipe.name)}", "  results:", "  - task:"]
        lines += [f"      type: {yaml_text(method.task)}", "    dataset:"]
        lines += [f"      name: {yaml_text('snapshot ' + snapshot)}", f"      type: {yaml_text(snapshot)}"]
        lines += ["    metrics:"]
    for one in shown:
        lines += [f"    - type: {one.name}", f"      name: {yaml_text(SHOWN[one.name])}", f"      value: {one.value}"]
    return [*lines, "---", ""]


def eval_results(view: ReleaseView, dataset: str) -> str:
    """A file for `.eval_results/`: an entry a metric, for a data set that the hub knows as ``dataset`` (OWNER/NAME).

    The hub shows these beside its data set's leaderboard; ours names snapshots by CID, so the notes say which.
    ``UsageError`` for what is no hub id.
    """
    if not _HUB_ID.fullmatch(dataset):
        raise UsageError(f"{dataset!r} is not a data set of the hub", hint="write OWNER/NAME.")
    lines = []
    for one in _shown(view):
        interval = "no interval" if one.low is None else f"95 % interval {one.low} to {one.high}"
        note = f"{SHOWN[one.name]}; {interval}; {one.n} images of snapshot {view.preprocessing.snapshot}"
        lines += ["- dataset:", f"    id: {yaml_text(dataset)}", f"    task_id: {one.name}", f"  value: {one.value}"]
        lines += [f"  notes: {yaml_text(note)}"]
    return "\n".join(lines) + "\n" if lines else "[]\n"
