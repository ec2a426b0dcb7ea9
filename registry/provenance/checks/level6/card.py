"""Level 6's check of the model card: made again from the records, it is the same, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from html import unescape

from registry.core.snapshots.image_rights import image_rights
from registry.core.weights import MODEL
from registry.evaluation.verdict_text import plain
from registry.exports.card.base_origin import Base, declared_origin
from registry.exports.card.card import FIGURES, OLDEST, TEMPLATE, USAGE, model_card
from registry.provenance.checks.results import Check, Failed, NotChecked, run
from registry.provenance.checks.target.subject import Subject
from registry.provenance.release_view import final_threshold

_ESCAPED = re.compile(r"\\([^\w\s])")  # as exports/card/markdown.py writes it
_TEMPLATE = re.compile(rb"\bby template ([0-9]{1,6})\b")


def checks(subject: Subject) -> Iterator[Check]:
    """The one check."""
    yield run("6.card", partial(card, subject))


def card(subject: Subject) -> str:
    """6.card: by the template that it names; with it the licence, which the card takes from the release."""
    if not subject.is_release:
        raise NotChecked("only a release has a card")
    view = subject.release
    stated = subject.reading.whole(view.release.card)
    named = _TEMPLATE.findall(stated)
    oldest = OLDEST if view.snapshot.v < 2 else 3  # before it no card says what became of images' rights
    template = int(named[-1]) if named else 0
    if not oldest <= template <= TEMPLATE:
        said = f"template {template}" if named else "no template"
        raise Failed(
            f"the card names {said}; this version knows only templates {oldest} to {TEMPLATE} for it and can't make "
            "the card again"
        )
    method = subject.installed_method()
    usage = _stated_usage(stated) if method is None else method.usage(view.recipe.values, final_threshold(view))
    rights = image_rights(view.snapshot, subject.get)
    found = model_card(view, rights, _base(subject), usage, template=template).encode()
    if stated != found:
        one, other = (text.decode("utf-8", "replace").splitlines() for text in (stated, found))
        at = next((n for n, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), None)
        at = min(len(one), len(other)) if at is None else at
        raise Failed(f"line {at + 1} of the card says {_line(one, at)}, but the records give {_line(other, at)}")
    if method is None and usage:
        wanted = f"{view.plan.method.id[:60]!r} {view.plan.method.version[:40]!r}"
        raise NotChecked(
            f"method {wanted}, which writes the section on using its weights, is not installed; the rest of the "
            "card matches"
        )
    return f"template {template}, {len(stated)} bytes"


def _stated_usage(card: bytes) -> str:
    """The part of a card that the method writes, as it stands there; "" where there is none."""
    _, begun, rest = card.decode("utf-8", "replace").partition(f"\n{USAGE}\n\n")
    part, ended, _ = rest.partition(f"\n\n{FIGURES}\n")
    return part if begun and ended else ""


def _line(lines: list[str], at: int) -> str:
    """A line as its reader sees it, without what keeps Markdown and HTML out of it."""
    text = plain(unescape(_ESCAPED.sub(r"\1", lines[at]))) if at < len(lines) else ""
    return f"“{text}”" if text else "nothing"


def _base(subject: Subject) -> Base | None:
    """What the plan's base weights say of themselves."""
    base = subject.release.plan.base
    if base is None:
        return None
    return declared_origin(subject.reading.whole(subject.reading.names(base)[MODEL]))
