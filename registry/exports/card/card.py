"""The model card: Markdown with Hugging Face's YAML front matter, generated from a release's records.

Invariants: the same records give the same bytes. The input is the release's records and the metadata of its base
weights, all contained in the release's CAR file, and no clock. An audit generates the card again and compares, so every
change of its text needs another ``TEMPLATE``. Text from outside can't leave its line or cell (``markdown``). Every
figure of the evaluation is listed, with the reason if it has no value.
"""

from __future__ import annotations

from collections.abc import Iterable

from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.records import REFIT, Metric
from registry.core.run_view import ReleaseView
from registry.core.snapshots.snapshot import NOTHING
from registry.core.text.claim_text import claim_text
from registry.evaluation.base_seen import about_base
from registry.evaluation.sentences import attempts_text, not_estimable, note_text
from registry.evaluation.verdict import verdict_of
from registry.exports.card import fixed_text
from registry.exports.card.base_origin import Base
from registry.exports.card.front_matter import front_matter
from registry.exports.card.markdown import line, table
from registry.provenance.release_view import final_figures
from registry.provenance.verdict_facts import release_facts

TEMPLATE = 2  # the version of this text: another wording or order needs another number
USAGE, FIGURES = "## How to use the weights", "## Figures of the procedure, pooled over folds"
MAX_NAMED = 3  # trainings of base weights that the card names

_NOTHING = (
    "- Some of these images show no object. Training used them as background, and any detection in them is a false "
    "alarm."
)


def _interval(low: str | None, high: str | None) -> str | None:
    return None if low is None else f"{low} to {high}"


def _figures(figures: Iterable[Metric]) -> list[str]:
    rows = [
        [
            one.name,
            one.value if one.value is not None else not_estimable(one.reason),
            _interval(one.low, one.high),
            one.n,
        ]
        for one in figures
    ]
    return table(["figure", "value", "95 % interval", "images"], rows)


def _start(view: ReleaseView, base: Base | None) -> str:
    if view.plan.base is None:
        return "the architecture alone, without base weights"
    named = f"base weights `{view.plan.base}`"
    known = [f"`{CID.decode(one)}`" for one in view.plan.base_trainings[:MAX_NAMED]]
    if known:
        more = (
            f" and {len(view.plan.base_trainings) - MAX_NAMED} more"
            if len(view.plan.base_trainings) > MAX_NAMED
            else ""
        )
        named += f", whose training is on record ({', '.join(known)}{more})"
    if base is None:
        return f"{named}, which state no {'' if known else 'origin and no '}licence"
    licence = f"under the licence that it states, {line(base.licence)}" if base.licence else "which states no licence"
    digest = f"sha256 {line(base.sha256)}" if base.sha256 else "no sha256 stated"
    return f"{named}, made from a file ({line(base.format or 'no format stated')}, {digest}) {licence}"


def _beacon(beacon: records.Beacon) -> str:
    if isinstance(beacon, records.EvmBlock):
        return f"block {beacon.block_number} of {line(beacon.chain)}"
    return f"round {beacon.round} of drand {line(beacon.chain)}"


def _making(view: ReleaseView, base: Base | None) -> list[str]:
    plan, beacons = view.plan, view.draw.beacons
    anchored = (
        f"The folds were drawn from {' and '.join(map(_beacon, beacons))}, which did not exist yet when the plan "
        "was anchored."
        if beacons
        else "The plan was not anchored on a chain, so nothing proves to others that it was made before the training."
    )
    classes = ", ".join(f"{index} {line(name)}" for index, name in enumerate(view.snapshot.classes))
    return [
        "## How it was made",
        "",
        f"- Method {line(plan.method.id)} {line(plan.method.version)}, recipe {line(view.recipe.name)}, "
        f"started from {_start(view, base)}.",
        f"- Snapshot `{view.preprocessing.snapshot}` of {view.snapshot.count} images. Classes in order: {classes}.",
        *([_NOTHING] if len(view.evaluation.confusion) > len(view.snapshot.classes) else []),
        f"- {len(view.trainings)} trainings, folds grouped by person and near-duplicate, stratified by class; "
        f"seed {plan.seed}.",
        *(f"- **{line(note_text(note))}**" for note in about_base(plan.origin)),
        f"- The published weights are those of {_final(plan)}, as the plan fixed.",
        f"- {anchored}",
        "",
    ]


def _drawings(view: ReleaseView) -> list[str]:
    images = sum(map(sum, view.evaluation.confusion))
    if any(one.name == "recall(source=drawing)" and one.n == images for one in view.evaluation.fairness):
        return ["> **These are drawings.** All images are drawn faces; the figures say nothing about real ones.", ""]
    return []


def _final(plan: records.Plan) -> str:
    return "the training on all images" if plan.final == REFIT else line(plan.final.replace("fold:", "fold "))


def _own(view: ReleaseView) -> list[str]:
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
        f"Figures of {_final(view.plan)}, on the images that it was not trained on. These are few, so the intervals "
        "are wide."
    )
    return [*head, said, "", *_figures(own)]


def _confusion(view: ReleaseView) -> list[str]:
    """Rows are the truth; the last columns count what was not found, and images given several classes."""
    classes, found = view.snapshot.classes, view.evaluation
    rows = [
        [name, *counts, several]
        for name, counts, several in zip((*classes, NOTHING), found.confusion, found.several, strict=False)
    ]
    head = ["truth", *(f"predicted {name}" for name in classes), NOTHING, "of these, with several classes detected"]
    return ["### Confusion matrix", "", *table(head, rows)]


def _apart(view: ReleaseView) -> list[str]:
    """Figures of what the base weights have not seen, and of what they have."""
    found = view.evaluation
    if not found.seen and not found.unseen:
        return []
    return [
        "### Images that the base weights have not seen",
        "",
        *(_figures(found.unseen) if found.unseen else ["There are none: the base weights have seen all images.", ""]),
        "### Images that the base weights have seen",
        "",
        *_figures(found.seen),
    ]


def _honesty(view: ReleaseView) -> list[str]:
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


def _claims(view: ReleaseView) -> list[str]:
    rows = [
        [
            claim_text(one),
            one.verdict,
            one.value or not_estimable(one.reason),
            _interval(one.low, one.high),
            one.needed,
        ]
        for one in view.evaluation.verdicts
    ]
    head = ["claim", "verdict", "value", "95 % interval", "additional images needed"]
    found = table(head, rows) if rows else ["The plan makes no claim.", ""]
    return ["## Claims, fixed in the plan", "", f"{attempts_text(view.release.attempts)}", "", *found]


def _fairness(view: ReleaseView) -> list[str]:
    missing = view.evaluation.notes[:1]  # the first note says what was not looked at
    lines = [
        "## Fairness",
        "",
        *(f"**{line(note_text(note))}**\n" for note in missing),
        *_figures(view.evaluation.fairness),
    ]
    if view.evaluation.tests:
        rows = [
            [one.name, one.difference, _interval(one.low, one.high), one.p, one.corrected, one.n]
            for one in view.evaluation.tests
        ]
        lines += ["### Each group against all other images", ""]
        lines += table(["figure", "difference", "95 % interval", "p", "p after Holm's correction", "images"], rows)
    return lines


def _licence(view: ReleaseView, base: Base | None) -> list[str]:
    licence, method = view.release.licence, view.plan.method
    of_library = method.library is not None and licence == method.licence
    why = f", because the training software ({line(method.library or '')}) is" if of_library else ""
    own = fixed_text.LICENCE.format(licence=line(licence), why=why or ", as the release's record states")
    own += fixed_text.DUTIES.get(licence, "") + fixed_text.PHOTOGRAPHS
    if view.plan.base is None:
        return [own]
    said = f"state as theirs: {line(base.licence)}" if base and base.licence else "state no licence"
    return [
        own,
        f"The base weights {said}. Anyone who distributes the weights must check that both licences are compatible; "
        "Emotionet only repeats what the file states.",
        "",
    ]


def _verdict(view: ReleaseView) -> list[str]:
    """What became of the claims, and what is not proven. Whether the records are consistent no card can say."""
    said = verdict_of(release_facts(view)).parts
    return ["## Verdict", "", *(f"- {line(one.text('en'))}" for one in said if one.code != "unchecked"), ""]


def model_card(view: ReleaseView, base: Base | None = None, usage: str = "") -> str:
    """The card of a release; ``base`` is what its base weights say of themselves, where it has any, ``usage`` how the
    method's weights are used."""
    return "\n".join(
        [
            *front_matter(view),
            f"# Emotionet, recipe {line(view.recipe.name)}",
            "",
            *_drawings(view),
            *_verdict(view),
            fixed_text.USE,
            *_making(view, base),
            *_own(view),
            *([USAGE, "", usage.rstrip("\n"), ""] if usage else []),
            FIGURES,
            "",
            *_figures(view.evaluation.metrics),
            *_apart(view),
            *_confusion(view),
            *_honesty(view),
            *(f"- {line(note_text(note))}" for note in view.evaluation.notes[1:]),
            "",
            *_claims(view),
            *_fairness(view),
            fixed_text.LIMITS,
            *_licence(view, base),
            fixed_text.ANNEX_INTRO,
            *table(["item", "the records give", "a provider must add"], fixed_text.ANNEX),
            "## Check it yourself",
            "",
            "Anyone can recompute every figure from the published predictions, with the release's CAR file alone:",
            "",
            "    emotionet audit RELEASE.car --offline",
            "",
            f"This card was generated from the records by template {TEMPLATE}; an audit generates it again and "
            "compares.",
            "",
        ]
    )
