"""The HTML report: one file that needs nothing else, no script, no foreign host, fit for print.

Invariant: everything from outside is escaped; only our own SVG is inserted as it is.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup


class ReportData(msgspec.Struct, frozen=True, kw_only=True):
    """All that the report shows, as plain values; ``figures`` are (title, our own SVG text)."""

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
    examples: tuple[tuple[str, str, str | None], ...]  # reason, measured, data URI or None
    metrics: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    checks: tuple[dict[str, Any], ...]
    cids: tuple[tuple[str, str], ...]


@cache
def _template() -> Template:
    loader = PackageLoader("registry.web", "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("report.html")


def render_report(data: ReportData) -> str:
    """The whole page."""
    fields = {name: getattr(data, name) for name in data.__struct_fields__}
    fields["figures"] = [(title, Markup(svg)) for title, svg in data.figures]  # noqa: S704  made by figures.py, which escapes
    return _template().render(data=fields)
