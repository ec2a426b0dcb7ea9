"""The HTML report: one file that needs nothing else, no script, no foreign host, fit for print and for the dark.

Invariants: everything from outside is escaped; only SVG that ``registry.web.figures`` made is inserted as it is;
pictures are data URIs; a browser that heeds the page's policy loads nothing.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from registry.core.errors import InvalidInput
from registry.web import figures


class ReportData(msgspec.Struct, frozen=True, kw_only=True):
    """All that the report shows, as plain values.

    ``headline``, ``metrics`` and ``per_fold`` hold {name, value, low, high, n}; ``claims`` the verdicts' fields;
    ``figures`` (title, SVG of ``registry.web.figures``); ``counts`` (step, what, how many); ``examples`` (reason,
    what was measured, data URI or None); ``checks`` the audit's {id, level, title, result, reason}; ``cids`` (name,
    CID).
    """

    title: str
    made: str
    issuer: str
    recipe: str
    drawn: bool
    anchor: str
    from_nothing: bool
    headline: tuple[dict[str, Any], ...]
    holds: bool
    checked: int
    unchecked: int
    claims: tuple[dict[str, Any], ...]
    figures: tuple[tuple[str, str], ...]
    counts: tuple[tuple[str, str, int], ...]
    examples: tuple[tuple[str, str, str | None], ...]
    metrics: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    checks: tuple[dict[str, Any], ...]
    cids: tuple[tuple[str, str], ...]
    per_fold: tuple[tuple[dict[str, Any], ...], ...] = ()
    final: str = ""  # "fold:N": whose weights people get
    commands: tuple[str, ...] = ()  # to try next


NAMES = {
    "macro_f1": "Macro F1",
    "micro_f1": "Micro F1",
    "accuracy": "Accuracy",
    "pr_auc": "PR-AUC (images)",
    "map50": "mAP at IoU 0.5 (boxes)",
    "map50_95": "mAP at IoU 0.5 to 0.95 (boxes)",
}
MARKS = {"supported": "✓", "refuted": "✗", "undecided": "?", "holds": "✓", "does not hold": "✗", "not checked": "–"}


def short(value: str | None) -> str:
    """A decimal string at three places, half to even; a dash where there is none."""
    return "–" if value is None else str(Decimal(value).quantize(Decimal("0.001"), rounding=ROUND_HALF_EVEN))


def _scale(metric: dict[str, Any], threshold: str | None = None) -> Markup:
    name = metric.get("name") or metric["metric"]
    drawn = figures.scale(name, metric["value"], metric["low"], metric["high"], threshold)
    return Markup(drawn)  # noqa: S704  our own, which escapes


@cache
def _template() -> Template:
    loader = PackageLoader("registry.web", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["short"] = short
    environment.globals.update(scale=_scale, names=NAMES, marks=MARKS)
    return environment.get_template("report.html")


def render_report(data: ReportData) -> str:
    """The whole page. ``InvalidInput`` (``bad_figure``) for a figure or a picture that would not stay in its place."""
    for title, drawing in data.figures:
        if not (drawing.startswith("<svg ") and drawing.endswith("</svg>")) or "<script" in drawing.lower():
            raise InvalidInput(f"the figure {title!r} is no SVG of ours: draw it with web.figures", code="bad_figure")
    for reason, _, uri in data.examples:
        if uri is not None and not uri.startswith(("data:image/jpeg;base64,", "data:image/png;base64,")):
            raise InvalidInput(f"the picture for {reason!r} must be a data URI of a JPEG or PNG", code="bad_figure")
    fields = {name: getattr(data, name) for name in data.__struct_fields__}
    fields["figures"] = [(title, Markup(drawing)) for title, drawing in data.figures]  # noqa: S704  checked above
    return _template().render(data=fields)
