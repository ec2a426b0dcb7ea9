"""`python -m bench.fields [FILE]`: docs/format/records.md, the fields of every record and the columns of every table,
made from the types and the comments beside them.

Invariants: every field stands there, by the name that the bytes have; nothing is said here that the code does not say,
but how it is laid out.
"""

from __future__ import annotations

import ast
import inspect
import io
import re
import sys
import tokenize
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.records import versions
from registry.core.records.base import Part, Record
from registry.core.table import cells, columns
from registry.provenance.checks.target.typed_links import LINKS

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "format" / "records.md"
Struct = type[msgspec.Struct]
_PLAIN = {int: "integer", str: "text", bytes: "bytes", bool: "true or false", types.NoneType: "null"}
_HEAD = """# Records and tables

Made from the code by `python -m bench.fields`: don't edit it. How records are encoded: [bytes.md](bytes.md).

Every record is a map with `type`, the text in its heading, `v`, the version of its type (all are 1 today, unless the
heading says another), and **all fields below, always, no other**: what is unknown or does not apply is null, an empty
list or an empty map, as it says there. A map inside a record has neither `type` nor `v`. "Named" are the bytes of a CID
that is not linked. `issuedAt`, `time`, `started`, `ended` and `effective` are times, text as in
[log.md](log.md#entry). Six places: a decimal such as `"0.912345"`. Maps have texts as keys. Integers have no bound but
that of dag-cbor where none is said; true is no integer.
"""


def _comments(source: str) -> dict[int, str]:
    """What stands behind the code of each line."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {one.start[0]: one.string.lstrip("# ") for one in tokens if one.type == tokenize.COMMENT}


def _of_fields(kind: Struct) -> dict[str, str]:
    """The comment beside each field, also of a class that it is made from."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if one in (Record, Part) or not one.__module__.startswith("registry."):
            continue
        source = inspect.getsource(one)
        comments = _comments(source)
        (body,) = ast.parse(source).body
        assert isinstance(body, ast.ClassDef)
        for line in body.body:
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                found[line.target.id] = comments.get(line.end_lineno or 0, "")
    return found


def _parts(kind: object) -> Iterator[Struct]:
    """The maps that a type may hold."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    for one in typing.get_args(kind):
        yield from _parts(one)


def _word(kind: object) -> str:
    """A type in words."""
    given = typing.get_args(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    if typing.get_origin(kind) is tuple:
        if given[1:] == (...,):
            return f"list of {_word(given[0])}"
        return f"[{', '.join(map(_word, given))}]"
    if typing.get_origin(kind) is dict:
        return f"map of {_word(given[1])}"
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(f"`{one}`" for one in given)
    if given:
        return " or ".join(map(_word, given))
    return "anything" if kind is typing.Any else _PLAIN.get(typing.cast(type, kind), "link")


def _target(kind: str, field: str) -> str:
    """To what a record's link leads."""
    found = LINKS.get(kind, {}).get(field, "")
    words = {"": "", "content": " to a file or directory", "record": " to any record"}
    table = f" to a table [{kind}.{field}](#{kind}{field})" if found == "table" else f" to [{found}](#{found})"
    return words.get(found, table)


def _text(text: str) -> str:
    """A docstring or comment on one line, as Markdown, in the words of the bytes."""
    text = " ".join(text.split()).replace("``", "`").replace("|", "\\|")
    for name, shape in vars(columns).items():
        if isinstance(shape, columns.Shape):
            text = re.sub(rf"\b{name}\b", f"`{shape.kind}`", text)
    return re.sub(r"\bNone\b", "null", text)


def _fields(kind: Struct) -> Iterator[str]:
    """The rows of a type's table."""
    comments, hints = _of_fields(kind), typing.get_type_hints(kind)
    tag = str(kind.__struct_config__.tag or "")
    if tag and not issubclass(kind, Record):
        yield f"| `{kind.__struct_config__.tag_field}` | `{tag}` | |"
    for field, wire in zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True):
        if field == "v" and issubclass(kind, Record):
            continue
        word = _word(hints[field])
        if "link" in word and CID in (hints[field], *typing.get_args(hints[field])):
            where = _target(tag, field) if issubclass(kind, Record) else " to a directory"
            word = word.replace("link", f"link{where}")
        yield f"| `{wire}` | {word} | {_text(comments.get(field, ''))} |"


def _section(kind: Struct, heading: str, version: int = 1) -> str:
    said = (f"`v` is {version}. " if version > 1 else "") + _text(inspect.getdoc(kind) or "")
    for field, wire in zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True):
        said = said.replace(f"`{field}`", f"`{wire}`")
    rows = "\n".join(_fields(kind))
    return f"### {heading}\n{said}\n\n| field | type | what |\n|---|---|---|\n{rows}\n"


def _all_parts() -> dict[str, Struct]:
    """Every map that a record may hold, by name."""
    found: dict[str, Struct] = {}
    todo: list[Struct] = list(records.TYPES.values())
    while todo:
        for hint in typing.get_type_hints(todo.pop()).values():
            for part in _parts(hint):
                if part.__name__ not in found:
                    found[part.__name__] = part
                    todo.append(part)
    found.setdefault("Block", records.Block)
    return dict(sorted(found.items()))


def _column_comments() -> dict[str, dict[str, str]]:
    """By table's kind, what stands beside each column."""
    source = inspect.getsource(columns)
    comments = _comments(source)
    found: dict[str, dict[str, str]] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Shape":
            kind, names = ast.literal_eval(node.args[0]), node.args[2]
            assert isinstance(names, ast.Tuple)
            found[kind] = {ast.literal_eval(one): comments.get(one.lineno, "") for one in names.elts}
    return found


def _table(place: tuple[str, str], comments: Mapping[str, Mapping[str, str]]) -> str:
    shape, kinds = cells.SHAPES[place], cells.KINDS[place]
    rows = [f"| `{name}` | {kinds[name].says} | {_text(comments[shape.kind][name])} |" for name in shape.columns]
    key = ", ".join(f"`{name}`" for name in shape.key)
    head = (
        f"### {shape.kind}\n`columnsVersion` {shape.version}; key {key}.\n\n| column | cell | what |\n|---|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"


def made() -> str:
    """The whole document."""
    kinds = [_section(kind, name, versions.newest(name)) for name, kind in records.TYPES.items()]
    parts = [_section(kind, name) for name, kind in _all_parts().items()]
    comments = _column_comments()
    tables = [_table(place, comments) for place in cells.SHAPES]
    said = (
        "\nColumns stand in this order, and a row has as many cells. How a table is written: [tables.md](tables.md). "
        "A box is `[x, y, w, h]` in hundredths of a pixel of the upright original.\n"
    )
    sections = (_HEAD, "## Records\n", *kinds, "## Maps inside records\n", *parts, f"## Tables\n{said}", *tables)
    return "\n".join(sections)


def main(given: list[str]) -> None:
    """Write it."""
    path = Path(given[0]) if given else FILE
    path.write_text(made(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
