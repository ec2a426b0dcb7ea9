"""What every page is made with: its template, its policy, the signs beside its words, and the drawings in it.

Invariants: everything from outside is escaped, and can't turn or cover the text around it; only SVG that
``registry.web.base.figures`` made is inserted as it is; a browser that heeds the page's policy loads nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from registry.core.errors import InvalidInput
from registry.core.text.display import displayed
from registry.web.base import figures, static
from registry.web.base.svg import Drawing
from registry.web.base.words import Words

_CODE = re.compile("`([^`\n]+)`")
SHEETS = ("tokens.css", "report.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
MARKS = {
    "supported": "✓",
    "supported on seen images": "!",
    "refuted": "✗",
    "undecided": "?",
    "mixed": "?",
    "seen": "!",
    "broken": "✗",
    "holds": "✓",
    "does not hold": "✗",
    "not checked": "–",
}


@cache
def environment() -> Environment:
    """Templates that escape everything and know every name that they use."""
    loader = PackageLoader("registry.web", "templates")
    made = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_displayed,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["coded"] = coded
    return made


def coded(text: object) -> Markup:
    """A message, with what it has between backticks (commands, settings) as code. Everything is escaped."""
    parts = (escape(displayed(part)) for part in _CODE.split(str(text)))
    code = Markup("<code>{}</code>")
    return Markup().join(code.format(part) if place % 2 else part for place, part in enumerate(parts))


def _displayed(value: object) -> object:
    """What an expression puts into a page; markup of ours as it is."""
    return displayed(value) if type(value) is str else value


def check_drawings(drawings: Iterable[Drawing]) -> None:
    """``InvalidInput`` (``bad_figure``) for what could act, or leave its place, in a page."""
    for one in drawings:
        if not (one.svg.startswith("<svg ") and one.svg.endswith("</svg>")) or "<script" in one.svg.lower():
            raise InvalidInput(
                f"the figure {one.title!r} is no SVG of ours", code="bad_figure", hint="draw it with web.figures."
            )


def drawing(t: Words) -> dict[str, Callable[..., Markup]]:
    """What templates draw with: ``scale``, a figure in its interval, and ``svg``, a drawing that was checked."""

    def scale(metric: Mapping[str, Any], threshold: str | None = None) -> Markup:
        name = t.figure(metric.get("name") or metric["metric"])
        drawn = figures.scale(t, name, metric["value"], metric["low"], metric["high"], threshold)
        return Markup(drawn)  # noqa: S704  our own, which escapes

    def svg(one: Drawing) -> Markup:
        return Markup(one.svg)  # noqa: S704  looked at by check_drawings

    return {"scale": scale, "svg": svg}


def render(template: str, t: Words, **fields: Any) -> str:
    """A page of ``templates`` in the language of ``t``."""
    found = environment().get_template(template)
    policy = Markup(POLICY)  # noqa: S704  a constant
    return found.render(t=t, **drawing(t), marks=MARKS, policy=policy, style=style(), **fields)


@cache
def style() -> Markup:
    """The sheets of a page that is mailed, without their comments."""
    found = "".join(static.contents()[name].decode() for name in SHEETS)
    return Markup(re.sub(r"/\*.*?\*/\s*", "", found, flags=re.DOTALL))  # noqa: S704  files of ours
