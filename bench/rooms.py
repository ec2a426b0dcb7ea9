"""`python -m bench.rooms [FILE]`: the picture of docs/architecture.md, drawn from the code.

A row is a layer of import-linter's contract in pyproject.toml, a box a package with the folders in it (a file stands
for itself) and, below them, every other box that one of its modules imports. Nothing in the picture depends on the
names of modules inside a folder.
"""

from __future__ import annotations

import argparse
import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "architecture.svg"
APART = "pipeline"  # the method: imported by nobody, loaded by its entry point
WIDTH, LEFT, RIGHT, LINE, PAD, GAP, BETWEEN = 960, 60, 20, 16, 8, 12, 12

Imports = dict[str, set[str]]


def layers() -> list[list[str]]:
    """Rows from the top, each with its packages, as pyproject's contract has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (found,) = (one["layers"] for one in contracts if one["type"] == "layers" and one["layers"][0] == "registry.cli")
    return [[name.strip() for name in layer.replace("|", ":").split(":")] for layer in found]


@cache
def _imported(path: Path) -> tuple[str, ...]:
    return tuple(_names(ast.parse(path.read_text(encoding="utf-8"))))


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _box_of(name: str, boxes: list[str]) -> str | None:
    return next((box for box in boxes if name == box or name.startswith(box + ".")), None)


def imports(boxes: list[str]) -> Imports:
    """Which box imports which, by any statement in any of its modules."""
    found: Imports = defaultdict(set)
    for path in sorted(path for top in ("registry", APART) for path in (ROOT / top).rglob("*.py")):
        origin = _box_of(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), boxes)
        for name in _imported(path):
            target = _box_of(name, boxes)
            if origin and target and origin != target:
                found[origin].add(target)
    return dict(found)


def _folders(box: str) -> list[str]:
    folder = ROOT.joinpath(*box.split("."))
    if not folder.is_dir():
        return []
    return sorted(one.name for one in folder.iterdir() if (one / "__init__.py").is_file())


def _lines(names: list[str], width: int) -> list[str]:
    """Names side by side, as many a line as fit."""
    lines = [""]
    for name in names:
        longer = f"{lines[-1]} · {name}" if lines[-1] else name
        if lines[-1] and len(longer) * 6.4 > width - 2 * PAD:
            lines.append(name)
        else:
            lines[-1] = longer
    return [line for line in lines if line]


def _after(word: str, names: list[str]) -> list[str]:
    return [word + names[0], *names[1:]] if names else []


def _rows() -> list[list[str]]:
    """The layers with the method in a row above all that it imports."""
    rows = layers()
    boxes = [box for row in rows for box in row]
    below = imports([*boxes, APART])[APART]
    highest = min(index for index, row in enumerate(rows) if below & set(row))
    rows[highest - 1].append(APART)
    return rows


class Place(NamedTuple):
    """Of a box, in pixels."""

    left: int
    top: int
    width: int
    height: int


Texts = Mapping[str, tuple[list[str], list[str]]]  # of each box: its folders, what it imports


def _name(box: str) -> str:
    return box.removeprefix("registry.")


def _places(rows: list[list[str]], texts: Texts) -> dict[str, Place]:
    places: dict[str, Place] = {}
    top = 20
    for row in rows:
        width = (WIDTH - LEFT - RIGHT - BETWEEN * (len(row) - 1)) // len(row)
        height = 2 * PAD + LINE * max(
            1 + len(_lines(texts[box][0], width)) + len(_lines(texts[box][1], width)) for box in row
        )
        for index, box in enumerate(row):
            places[box] = Place(LEFT + index * (width + BETWEEN), top, width, height)
        top += height + GAP
    return places


def _box(box: str, place: Place, folders: list[str], imported: list[str]) -> Iterator[str]:
    fill = "#fff4e0" if box == APART else "#eef3f8"
    x, y = place.left + PAD, place.top + PAD + 11
    yield (
        f'<rect x="{place.left}" y="{place.top}" width="{place.width}" height="{place.height}" rx="4" '
        f'fill="{fill}" stroke="#5b6b7b"/>'
    )
    yield f'<text x="{x}" y="{y}" font-weight="bold">{escape(_name(box))}</text>'
    inside, below = _lines(folders, place.width), _lines(imported, place.width)
    for number, line in enumerate(inside, 1):
        yield f'<text x="{x}" y="{y + number * LINE}">{escape(line)}</text>'
    for number, line in enumerate(below, 1 + len(inside)):
        yield f'<text x="{x}" y="{y + number * LINE}" fill="#5b6b7b" font-style="italic">{escape(line)}</text>'


def draw() -> str:
    """The whole SVG; the same code gives the same bytes."""
    rows = _rows()
    boxes = [box for row in rows for box in row]
    found = imports(boxes)
    texts = {
        box: (_folders(box), _after("imports ", [_name(target) for target in boxes if target in found.get(box, ())]))
        for box in boxes
    }
    places = _places(rows, texts)
    bottom = max(place.top + place.height for place in places.values()) + 20
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom}" role="img" '
            'font-family="system-ui, -apple-system, Segoe UI, Roboto, sans-serif" font-size="12">',
            "<title>Packages from the top layer to the core, the folders in each, and what each imports</title>",
            f'<rect width="{WIDTH}" height="{bottom}" fill="#ffffff"/>',
            f'<path d="M{LEFT - 34} 20V{bottom - 26}" stroke="#5b6b7b" stroke-width="2"/>',
            f'<path d="M{LEFT - 40} {bottom - 30}h12l-6 10z" fill="#5b6b7b"/>',
            f'<text transform="translate({LEFT - 42} {bottom // 2}) rotate(-90)" text-anchor="middle" fill="#44505c">'
            "imports go down</text>",
            *(line for box in boxes for line in _box(box, places[box], *texts[box])),
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.rooms", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=FILE, help="where to write the picture")
    parser.parse_args().file.write_text(draw(), encoding="utf-8")
