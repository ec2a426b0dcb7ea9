"""YOLO's folder: a .txt of the same name for each picture, a line a box: class, then x and y of its centre, width and
height as fractions of the picture (or a polygon's points, of which the bounding box is taken).

The text file lies in ``labels/`` where the picture lies in ``images/`` (at any depth), or beside the picture. Names of
classes come from ``names`` in a .yaml, from classes.txt or obj.names, the outermost; without any the numbers are the
labels. Names that are there and can't be read are refused: a number must not be signed in a name's place.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from pathlib import PurePosixPath

from registry.content.labels.boxes import make_box
from registry.content.labels.image_folder import is_picture
from registry.content.labels.label_row import NO_LABEL, LabelRow, Rejection, make_row, rejected
from registry.content.labels.tables.label_tables import MAX_ROWS, Labels
from registry.content.unixfs.local_tree import Tree, hidden, some_paths
from registry.core.errors import InvalidInput
from registry.core.ports.method import Box
from registry.core.text.cleaning import counted
from registry.imaging.inspect_image import size_of
from registry.spool import Spool

_SMALL = 1 << 20  # bytes of a text file, or of the .yaml
_MOST = 50  # files that may name the classes and are looked at
_LINE = re.compile(rb"\s*\d+(?:\.0*)?(?:\s+[0-9.eE+-]+){4,}\s*(?:\r?\n|$)")
_NO_LABELS = ("classes.txt", "readme.txt", "requirements.txt", "train.txt", "val.txt", "test.txt")


def read_yolo(tree: Tree) -> Labels | None:
    """Labels and boxes by text files; None where no picture has one."""
    texts = {path for path in tree.listing.files if path.lower().endswith(".txt")}
    pairs = [(path, text) for path in tree.listing.files if is_picture(path) for text in _texts_of(path, texts)[:1]]
    filled = [text for _, text in pairs[:1000] if (begin := tree.read(text, 4096)) and _LINE.match(begin)]
    if not filled:
        return None
    names, annotation_of = _names(tree)
    rows = Spool(LabelRow)
    bad: list[Rejection] = []
    empty = 0
    for picture, text in pairs:
        before = len(rows) + len(bad)
        _read_text(tree, picture, text, names, rows, bad)
        empty += before == len(rows) + len(bad)
        if len(rows) > MAX_ROWS:
            raise InvalidInput(f"the folder has more than {MAX_ROWS} boxes", code="bad_labels", hint="split it.")
    boxes = f"YOLO: {counted(len(pairs), 'text file')} of boxes"
    form = f"{boxes}; nothing names the classes, so their numbers are the labels"
    if annotation_of:
        form = f"{boxes}, {counted(len(names), 'name')} from {annotation_of}"
    without = counted(empty, "picture has", "pictures have")
    notes = [f"{without} an empty text file, {NO_LABEL}"] if empty else []
    tables = [*([annotation_of] if annotation_of else []), *(text for _, text in pairs)]
    return Labels(form, rows, tuple(bad), tuple(tables), notes=tuple(notes))


def _texts_of(picture: str, texts: set[str]) -> list[str]:
    """The text files that may say what is in a picture, the likeliest first."""
    path = PurePosixPath(picture)
    parts = list(path.with_suffix(".txt").parts)
    places = [index for index, part in enumerate(parts[:-1]) if part == "images"]
    found = ["/".join([*parts[: places[-1]], "labels", *parts[places[-1] + 1 :]])] if places else []
    found += ["/".join(parts), "/".join([*parts[:-1], "labels", parts[-1]])]
    return [text for text in found if text in texts and PurePosixPath(text).name.lower() not in _NO_LABELS]


def _read_text(
    tree: Tree, picture: str, text: str, names: dict[int, str], rows: Spool[LabelRow], bad: list[Rejection]
) -> None:
    lines = tree.read(text, _SMALL).decode("utf-8", "replace").splitlines()
    size = size_of(lambda limit: tree.read(picture, limit)) if any(line.strip() for line in lines) else (0, 0)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            kind, box = _line(line, size)
            label = names.get(kind, "" if names else str(kind))
            if not label:
                raise InvalidInput(f"class {kind} has no name", code="bad_row")
            rows.append(make_row(number, {"file": picture, "label": label}, text, (box,)))
        except InvalidInput as error:
            bad.append(rejected(number, picture, error, text))


def _line(line: str, size: tuple[int, int]) -> tuple[int, Box]:
    """A line's class and box. ``InvalidInput`` for anything else."""
    try:
        kind, *numbers = [Decimal(word) for word in line.split()]
    except (InvalidOperation, ValueError) as error:
        raise InvalidInput(
            f"{line[:100]!r} is not a line of YOLO's format: it holds no numbers", code="bad_row"
        ) from error
    if not all(number.is_finite() for number in (kind, *numbers)) or kind != kind.to_integral_value() or kind < 0:
        raise InvalidInput(f"{line[:100]!r} does not begin with a class", code="bad_row")
    if len(numbers) != 4 and (len(numbers) < 6 or len(numbers) % 2):
        raise InvalidInput(f"{line[:100]!r} holds neither a box nor a polygon", code="bad_row")
    if not all(Decimal("-0.01") <= number <= Decimal("1.01") for number in numbers):
        raise InvalidInput(
            f"{line[:100]!r} does not hold fractions of the image size",
            code="bad_box",
            hint="YOLO's coordinates lie between 0 and 1.",
        )
    if not all(size):
        raise InvalidInput("the image's size can't be read, so its boxes can't be placed", code="bad_box")
    if len(numbers) == 4:
        x, y, width, height = numbers
        x, y = x - width / 2, y - height / 2
    else:
        x, y = min(numbers[::2]), min(numbers[1::2])
        width, height = max(numbers[::2]) - x, max(numbers[1::2]) - y
    return int(kind), make_box([x * size[0], y * size[1], width * size[0], height * size[1]], line)


def _names(tree: Tree) -> tuple[dict[int, str], str]:
    """Names of classes by number, and the file that says them ("" where none does). ``InvalidInput`` (``bad_labels``)
    where such a file can't be read, or where two as far out say different ones."""
    files = [path for path in tree.listing.files if not hidden(path)]
    yamls = [path for path in files if path.lower().endswith((".yaml", ".yml"))]
    lists = [path for path in files if PurePosixPath(path).name.lower() in ("classes.txt", "obj.names")]
    for paths, read in ((yamls, _in_yaml), (lists, _in_lines)):
        stated = {path: found for path in paths[:_MOST] if (found := read(tree.read(path, _SMALL), path))}
        outermost = min((path.count("/") for path in stated), default=0)
        stated = {path: found for path, found in stated.items() if path.count("/") == outermost}
        if stated:
            first = min(stated, key=lambda path: not PurePosixPath(path).name.startswith("data."))
            if any(found != stated[first] for found in stated.values()):
                raise InvalidInput(
                    f"several files name YOLO's classes and disagree: {some_paths(list(stated))}",
                    code="bad_labels",
                    hint="import each folder by itself, or remove the wrong file.",
                )
            return stated[first], first
    return {}, ""


def _in_lines(data: bytes, _: str) -> dict[int, str]:
    lines = data.decode("utf-8-sig", "replace").splitlines()
    return {number: line.strip() for number, line in enumerate(lines) if line.strip()}


def _in_yaml(data: bytes, path: str) -> dict[int, str]:
    """The names of a .yaml; none where it is about something else."""
    import yaml

    meant = "/" not in path or PurePosixPath(path).name.startswith("data")  # others' files may have any `names`
    try:
        document = yaml.safe_load(data.decode("utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        if not (meant and re.search(rb"^\s*names\s*:", data, re.MULTILINE)):
            return {}
        place = getattr(error, "problem_mark", None)
        where = f" (line {place.line + 1})" if place is not None else ""
        raise _no_names(path, f"it is not YAML{where}") from error
    if not isinstance(document, dict) or "names" not in document:
        return {}
    names = document["names"]
    if isinstance(names, list):
        names = dict(enumerate(names))
    plain = isinstance(names, dict) and all(isinstance(key, int) and _plain(name) for key, name in names.items())
    if not plain and not meant:
        return {}
    if not plain:
        raise _no_names(path, "its `names` is neither a list of names nor a map from numbers to names")
    return {number: str(name) for number, name in names.items()}


def _no_names(path: str, why: str) -> InvalidInput:
    hint = "mend it (names: [one, two]), or take it away: without it the numbers are the labels."
    return InvalidInput(f"{path} names no classes: {why}", code="bad_labels", hint=hint)


def _plain(name: object) -> bool:
    return isinstance(name, (str, int, float)) and len(str(name)) <= 1000
