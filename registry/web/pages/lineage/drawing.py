"""A lineage as SVG: a column a layer, from left to right, every node a link that the keyboard reaches.

Invariants: the same lineage gives the same bytes; text is escaped; states differ by a word and a dash, not by colour
alone. Ink and ground are the page's (classes in ``lineage.css``).
"""

from __future__ import annotations

from html import escape

from markupsafe import Markup

from registry.web.base.svg import number, plain, text
from registry.web.base.words import Words
from registry.web.pages.lineage.layers import Lineage, Node

WIDE, HIGH = 96, 52  # of a node
ACROSS, DOWN = 18, 14  # between nodes
TOP = 30
PAD = 6


def drawn(t: Words, found: Lineage) -> Markup:
    """The drawing. Its width in pixels is the width that it should be shown at."""
    most = max((len(nodes) for _, nodes in found.drawn), default=1)
    height = TOP + most * (HIGH + DOWN) + PAD
    width = len(found.drawn) * (WIDE + ACROSS) - ACROSS + 2 * PAD
    places, body = dict[str, tuple[float, float]](), list[str]()
    for column, (layer, nodes) in enumerate(found.drawn):
        x = PAD + column * (WIDE + ACROSS)
        body.append(text(x + WIDE / 2, 16, t.known("lineage_layers", layer), "middle", ' class="layer"'))
        space = (most - len(nodes)) * (HIGH + DOWN) / 2
        for row, node in enumerate(nodes):
            places[node.cid] = (x, TOP + space + row * (HIGH + DOWN))
    arrows = [_arrow(places[one], places[other]) for one, other in found.edges]
    boxes = [_box(t, node, places[node.cid]) for _, nodes in found.drawn for node in nodes]
    size = f'width="{number(width)}" height="{number(height)}" viewBox="0 0 {number(width)} {number(height)}"'
    label = escape(t("lineage.drawing"))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="lineage" role="group" aria-label="{label}"'
    return Markup(f"{head} {size}>{''.join([*body, *arrows, *boxes])}</svg>")  # noqa: S704  every text was escaped


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    x0, y0, x1, y1 = start[0] + WIDE, start[1] + HIGH / 2, end[0], end[1] + HIGH / 2
    bend = min(60.0, (x1 - x0) * 0.6)
    way = (
        f"M{number(x0)} {number(y0)}C{number(x0 + bend)} {number(y0)} {number(x1 - bend)} {number(y1)} "
        f"{number(x1)} {number(y1)}"
    )
    head = f"M{number(x1 - 6)} {number(y1 - 3.5)}L{number(x1)} {number(y1)}L{number(x1 - 6)} {number(y1 + 3.5)}"
    return f'<path class="way" d="{way}"/><path class="way" d="{head}"/>'


def _box(t: Words, node: Node, place: tuple[float, float]) -> str:
    x, y = place
    first, second = _said(t, node)
    state = t.known("site_state", node.status) if node.status else ""
    name = ", ".join(part for part in (t.known("lineage_one", node.type), first, second, state) if part)
    classes = f"node {node.status.replace(' ', '-')} {'here' if node.here else ''}".strip()
    shape = f'<rect x="{number(x)}" y="{number(y)}" width="{WIDE}" height="{HIGH}" rx="6"/>'
    current = ' aria-current="true"' if node.here else ""
    lines = text(x + WIDE / 2, y + 21, first, "middle", ' class="name"')
    lines += text(x + WIDE / 2, y + 39, state or second, "middle", ' class="more"')
    return (
        f'<a href="{escape(node.href)}" class="{classes}" aria-label="{escape(plain(name))}"{current}>'
        f"<title>{escape(plain(name if node.folded else node.cid))}</title>{shape}{lines}</a>"
    )


def _said(t: Words, node: Node) -> tuple[str, str]:
    """What a node says in two lines."""
    if node.folded:
        return t("lineage.several", count=t.count(node.count)), t.known("lineage_layers", node.type)
    short = node.cid if len(node.cid) <= 14 else f"{node.cid[:5]}…{node.cid[-6:]}"
    return short, (node.time or "")[:10]
