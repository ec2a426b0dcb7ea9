"""The model card: Markdown with Hugging Face's YAML front matter, generated from a release's records.

Invariants: the same records give the same bytes. The input is the release's records and tables and the metadata of its
base weights, all contained in the release's CAR file, and no clock. An audit generates the card again and compares, so
every change of its text needs another ``TEMPLATE``, and those before it are made as they were. Text from outside can't
leave its line or cell (``markdown``). Every figure of the evaluation is listed, with the reason if it has no value.
"""

from __future__ import annotations

from registry.core import records
from registry.core.run_view import ReleaseView
from registry.core.snapshots.image_rights import ImageRights
from registry.core.text.claim_text import claim_text
from registry.evaluation.sentences import attempts_text, not_estimable, note_text, reason_text
from registry.evaluation.verdict import verdict_of
from registry.exports.card import fixed_text
from registry.exports.card.base_origin import Base
from registry.exports.card.figure_sections import (
    base_seen_section,
    confusion_section,
    fairness_section,
    figure_table,
    final_weights_section,
    honesty_section,
    interval_text,
)
from registry.exports.card.front_matter import front_matter
from registry.exports.card.making import drawings_warning, making
from registry.exports.card.markdown import line, table
from registry.exports.card.people_sections import rights_section, sources_section
from registry.provenance.verdict_facts import release_facts

TEMPLATE = 5  # the version of this text: another wording or order needs another number
OLDEST = 2  # that is still made; it says nothing of images' rights, nor where attributes come from
COUNTED = "The issuer states this; an audit counts again in the issuer's whole log (check 4.attempts)."
USAGE, FIGURES = "## How to use the weights", "## Figures of the procedure, pooled over folds"


def _claims(view: ReleaseView, template: int) -> list[str]:
    rows = [
        [
            claim_text(one, str),
            one.verdict if template < 3 or one.value is None or not one.reason else _with_reason(one),
            one.value or not_estimable(one.reason),
            interval_text(one.low, one.high),
            one.needed,
        ]
        for one in view.release.claims
    ]
    head = ["claim", "verdict", "value", "95 % interval", "additional images needed"]
    found = table(head, rows) if rows else ["The plan makes no claim.", ""]
    return ["## Claims, fixed in the plan", "", _attempts(view, template), "", *found]


def _attempts(view: ReleaseView, template: int) -> str:
    """Which attempt at the same this release is. Up to template 3 that is said as of a release with claims."""
    return attempts_text(view.release.attempts, claims=template < 4 or bool(view.release.claims))


def _with_reason(one: records.Verdict) -> str:
    """A verdict that does not follow from its interval alone."""
    return f"{one.verdict}: {reason_text(one.reason)}"


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


def _verdict(view: ReleaseView, template: int) -> list[str]:
    """What became of the claims, and what is not proven. Whether the records are consistent no card can say."""
    parts = [one for one in verdict_of(release_facts(view)).parts if one.code not in ("unchecked", "attempt")]
    said = [one.text("en") for one in parts if template >= 5 or not one.code.startswith("correction_")]
    attempt = _attempts(view, template)
    said.append(attempt if template < 4 else f"{attempt} {COUNTED}")
    return ["## Verdict", "", *(f"- {line(text)}" for text in said), ""]


def model_card(
    view: ReleaseView, rights: ImageRights, base: Base | None = None, usage: str = "", *, template: int = TEMPLATE
) -> str:
    """The card of a release; ``rights``: what its images say of their use, ``base`` what its base weights say of
    themselves, where it has any, ``usage`` how the method's weights are used. ``template``: from ``OLDEST`` on."""
    since_3 = template >= 3
    return "\n".join(
        [
            *front_matter(view),
            f"# Emotionet, recipe {line(view.recipe.name)}",
            "",
            *drawings_warning(view),
            *_verdict(view, template),
            fixed_text.USE,
            *making(view, base),
            *(rights_section(rights) if since_3 else []),
            *final_weights_section(view),
            *([USAGE, "", usage.rstrip("\n"), ""] if usage else []),
            FIGURES,
            "",
            *figure_table(view.evaluation.metrics),
            *base_seen_section(view),
            *confusion_section(view),
            *honesty_section(view),
            *(f"- {line(note_text(note))}" for note in view.evaluation.notes[1:]),
            "",
            *_claims(view, template),
            *fairness_section(view),
            *(sources_section(view) if since_3 else []),
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
            f"This card was generated from the records by template {template}; an audit generates it again and "
            "compares.",
            "",
        ]
    )
