"""The card's sections of figures. Every figure of the evaluation is listed, with the reason if it has no value."""

from __future__ import annotations

from collections.abc import Iterable

from registry.core.records import REFIT, Metric
from registry.core.run_view import ReleaseView
from registry.core.snapshots.classes import NOTHING
from registry.evaluation.sentences import not_estimable, note_text
from registry.exports.card.making import final_name
from registry.exports.card.markdown import line, table
from registry.provenance.release_view import final_figures


def figure_table(figures: Iterable[Metric]) -> list[str]:
    """A table of figures."""
    rows = [
        [
            one.name,
            one.value if one.value is not None else not_estimable(one.reason),
            interval_text(one.low, one.high),
            one.n,
        ]
        for one in figures
    ]
    return table(["figure", "value", "95 % interval", "images"], rows)


def interval_text(low: str | None, high: str | None) -> str | None:
    """The two bounds in words; None without them."""
    return None if low is None else f"{low} to {high}"


def final_weights_section(view: ReleaseView) -> list[str]:
    """The figures of the published weights themselves, where they have any."""
    head = ["## Figures of the published weights", ""]
    if view.plan.final == REFIT:
        return [
            *head,
            "They were trained on all images, so no image is left to judge them. **They have no figures of their "
            "own**; "
            "the pooled figures below describe the procedure.",
            "",
        ]
    found = final_figures(view) or ()
    own = [one for one in found if not one.of and one.label is None]
    said = (
        f"Figures of {final_name(view.plan)}, on the images that it was not trained on. "
        "These are few, so the intervals are wide."
    )
    return [*head, said, "", *figure_table(own)]


def confusion_section(view: ReleaseView) -> list[str]:
    """Rows are the truth; the last columns count what was not found, and images given several classes."""
    classes, found = view.snapshot.classes, view.evaluation
    rows = [
        [name, *counts, several]
        for name, counts, several in zip((*classes, NOTHING), found.confusion, found.several, strict=False)
    ]
    head = ["truth", *(f"predicted {name}" for name in classes), NOTHING, "of these, with several classes detected"]
    return ["### Confusion matrix", "", *table(head, rows)]


def base_seen_section(view: ReleaseView) -> list[str]:
    """Figures of what the base weights have not seen, and of what they have."""
    found = view.evaluation
    if not found.seen and not found.unseen:
        return []
    none = ["There are none: the base weights have seen all images.", ""]
    unseen = figure_table(found.unseen) if found.unseen else none
    return [
        "### Images that the base weights have not seen",
        "",
        *unseen,
        "### Images that the base weights have seen",
        "",
        *figure_table(found.seen),
    ]


def honesty_section(view: ReleaseView) -> list[str]:
    """Thresholds, the optimistic value beside the stated one, the gap between training and validation, repeats."""
    found = view.evaluation
    stated = {one.name: one.value for one in found.metrics}
    by_fold = ", ".join(map(line, found.thresholds)) or "none"
    lines = [
        f"Confidence thresholds by fold: {by_fold}; for weights trained on all images: {line(found.threshold_of_all)}.",
        "",
    ]
    if found.optimistic:
        rows = [[one.name, stated.get(one.name), one.value, one.threshold] for one in found.optimistic]
        lines += [
            "### Optimistic values",
            "",
            "At the threshold that is best on these same images: no estimate of performance on new images.",
            "",
        ]
        lines += table(["figure", "reported", "optimistic", "at threshold"], rows)
    if found.spread:
        rows = [[one.name, one.mean, one.lowest, one.highest, one.deviation] for one in found.spread]
        lines += ["### Over repeats of the folds", ""]
        lines += table(["figure", "mean", "lowest", "highest", "standard deviation"], rows)
    if found.overfitting:
        losses: list[list[object]] = [
            [one.name, one.epochs, one.best_epoch, one.last_train, one.last_val, one.last_gap, one.best_gap]
            for one in found.overfitting
        ]
        lines += ["### Overfitting", "", "Losses at the last epoch, and the gap (validation minus training).", ""]
        head = ["training", "epochs", "best epoch", "training loss", "validation loss", "gap", "gap at the best epoch"]
        lines += table(head, losses)
    return lines


def fairness_section(view: ReleaseView) -> list[str]:
    """Figures of groups and their tests, after what was not examined."""
    missing = view.evaluation.notes[:1]  # the first note says what was not looked at
    lines = [
        "## Fairness",
        "",
        *(f"**{line(note_text(note))}**\n" for note in missing),
        *figure_table(view.evaluation.fairness),
    ]
    if view.evaluation.tests:
        rows = [
            [one.name, one.difference, interval_text(one.low, one.high), one.p, one.corrected, one.n]
            for one in view.evaluation.tests
        ]
        lines += ["### Each group against all other images", ""]
        lines += table(["figure", "difference", "95 % interval", "p", "p after Holm's correction", "images"], rows)
    return lines
