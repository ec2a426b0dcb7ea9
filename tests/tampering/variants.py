"""All that is done to a release: records field by field, tables by column and row, blocks, signatures and roots.

A variant names its class (what, field, operation, by whom), so that a sample can hold some of each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import combinations, pairwise
from typing import Any, NamedTuple

from registry.core.errors import EmotionetError
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.records import versions
from registry.core.table import tables
from registry.core.table.columns import KINDS, Shape
from tests.support.forgery import OtherKey
from tests.tampering.forger import Forger
from tests.tampering.invented import Invented
from tests.tampering.sealed import File, Sealed
from tests.tampering.values import Path, at, elsewhere, exchanged, field_of, others, replaced_at, walk
from tests.tampering.wider import Wider

OUTSIDER, HOLDER, STAMPS_KEPT, ANOTHER = "outsider", "holder", "holder, stamps kept", "another key"
OPEN_MAPS = ("values", "arguments", "hardware", "events", "query", "aliases", "statement")


class Variant(NamedTuple):
    """What is changed (a record's type, a table's kind, ...), where, how, by whom; ``make`` gives the file."""

    what: str
    field: str
    how: str
    by: str
    make: Callable[[], File]

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.what} {self.field}: {self.how}, by {self.by}"


Pool = Mapping[tuple[str, str], list[Any]]


class Tampering:
    """All variants of one release."""

    def __init__(self, sealed: Sealed) -> None:
        self.sealed, self.forger = sealed, Forger(sealed)
        blocks = dict(sealed.other.sections)
        self._others = {cid: encoding.decode(data) for cid, data in blocks.items() if cid.codec == DAG_CBOR}
        self._extra = {**blocks}
        self._pool: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for value in [*self.forger.values.values(), *self._others.values()]:
            if isinstance(value, dict) and "type" in value:
                for path, one in walk(value):
                    self._pool[value["type"], field_of(path)].append(one)

    def __iter__(self) -> Iterator[Variant]:
        for cid, value in self.forger.values.items():
            kind = value.get("type") if isinstance(value, dict) else None
            if kind is not None:
                yield from self._of_record(cid, kind, value)
            if kind == "table":
                yield from self._of_table(cid, value)
        yield from self._of_blocks()
        yield from self._of_signatures()
        yield from (Variant(*one) for one in Wider(self.forger))
        for how, make in Invented(self.forger):
            yield Variant("evaluation", "(all)", f"invented: {how}", HOLDER, make)

    def _by(self, what: str, field: str, how: str, cid: CID, new: Any, more: Any = None) -> Iterator[Variant]:
        """One change, by everybody who could make it."""

        def making(signer: Any, keep: bool) -> Callable[[], File]:
            def make() -> File:
                value, blocks = new() if callable(new) else (new, more)
                return self.forger.forge({cid: value}, blocks, signer=signer, keep_evidence=keep)

            return make

        key = self.sealed.key
        yield Variant(what, field, how, HOLDER, making(key, False))
        yield Variant(what, field, how, OUTSIDER, making(None, True))
        if self.sealed.name == "stamped":
            yield Variant(what, field, how, STAMPS_KEPT, making(key, True))

    def _of_record(self, cid: CID, kind: str, value: Any) -> Iterator[Variant]:
        for path, one in walk(value):
            field = field_of(path)
            free = any(name in path for name in OPEN_MAPS)
            for how, new in others(one, fixed_keys=not free):
                if new != one or type(new) is not type(one):
                    yield from self._by(kind, field, how, cid, replaced_at(value, path, new))
            for number, new in enumerate(elsewhere(one, self._pool[kind, field])):
                more = {link: self._extra[link] for link in _links(new) if link in self._extra}
                yield from self._by(kind, field, f"replayed {number}", cid, replaced_at(value, path, new), more)
        for field, how, new in exchanged(value):
            yield from self._by(kind, field, how, cid, new)
        for how, new in _older(kind, value):
            yield from self._by(kind, "v", how, cid, new)
        for other, found in self._others.items():
            known = other in self.forger.blocks or kind in ("entry", "evidence")  # which are true of another release
            if isinstance(found, dict) and found.get("type") == kind and not known:
                yield from self._by(kind, "(whole)", "another release's", cid, other, self._extra)

    def _of_table(self, cid: CID, header: Any) -> Iterator[Variant]:
        """A table's rows changed and the tree made again, or the tree alone made wrongly."""
        kind, shape = header["kind"], KINDS[header["kind"]]
        try:
            rows = [list(row) for row in tables.iterate(cid, self.forger.blocks.__getitem__)]
        except (EmotionetError, KeyError):
            return
        for (field, how), changed in self._rows(kind, rows):
            yield from self._by(kind, field, how, cid, partial(_table, shape, changed))
        yield from self._of_nodes(kind, header)

    def _rows(self, kind: str, rows: list[list[Any]]) -> Iterator[tuple[tuple[str, str], list[list[Any]]]]:
        for number, row in enumerate(rows):
            yield ("(row)", "removed"), rows[:number] + rows[number + 1 :]
            for path, one in walk(row):
                if not path:
                    continue
                column = KINDS[kind].columns[int(path[0])]
                field = f"{column}{field_of(path[1:]) if path[1:] else ''}"
                for how, new in others(one, fixed_keys=False):
                    yield (field, how), [*rows[:number], replaced_at(row, path, new), *rows[number + 1 :]]
                near = rows[(number + 1) % len(rows)]
                for how, new in self._near(row, near, path):
                    yield (field, how), [*rows[:number], replaced_at(row, path, new), *rows[number + 1 :]]
            for name, how, new in exchanged(row):
                yield (KINDS[kind].columns[int(name)], how), [*rows[:number], new, *rows[number + 1 :]]
        for (n, one), (m, two) in pairwise(enumerate(rows)):
            for place, column in enumerate(KINDS[kind].columns):
                if one[place] != two[place] and column not in KINDS[kind].key:
                    swapped = [list(row) for row in rows]
                    swapped[n][place], swapped[m][place] = two[place], one[place]
                    yield (column, "swapped with the next row's"), swapped
        for place, other in combinations(range(len(KINDS[kind].columns)), 2):
            if all(type(row[place]) is type(row[other]) for row in rows) and rows:
                yield ("(row)", "two columns exchanged"), [_with_exchanged(row, place, other) for row in rows]
        yield from self._more_rows(kind, rows)

    def _near(self, row: Any, near: Any, path: Path) -> Iterator[tuple[str, Any]]:
        try:
            other = at(near, path)
        except (LookupError, TypeError):
            return
        if other != at(row, path):
            yield "the next row's", other

    def _more_rows(self, kind: str, rows: list[list[Any]]) -> Iterator[tuple[tuple[str, str], list[list[Any]]]]:
        yield ("(row)", "none left"), []
        known = [row for row in self._other_rows(kind) if row not in rows]
        for row in known[:3]:
            yield ("(row)", "another release's added"), [*rows, row]
        for row in rows[:3]:
            for place, value in enumerate(row[: len(KINDS[kind].key)]):
                made = bytes([value[0] ^ 128]) + value[1:] if isinstance(value, bytes) else value
                made = value + 1 if isinstance(value, int) else made + "x" if isinstance(made, str) else made
                yield ("(row)", "made up and added"), [*rows, [*row[:place], made, *row[place + 1 :]]]

    def _other_rows(self, kind: str) -> Iterator[list[Any]]:
        for cid, value in self._others.items():
            if isinstance(value, dict) and value.get("kind") == kind:
                yield from (list(row) for row in tables.iterate(cid, self._extra.__getitem__))

    def _of_nodes(self, kind: str, header: Any) -> Iterator[Variant]:
        """The node itself, its rows in another order, twice, cut or widened."""
        root = header["root"]
        node = self.forger.values[root]
        name = "rows" if "rows" in node else "nodes"
        members = node[name]
        if not members:
            return
        wrong = {
            "two rows in the wrong order": [*members[1:2], members[0], *members[2:]],
            "a row twice": [members[0], *members],
            "a row too short": [members[0][:-1], *members[1:]],
            "a row too long": [[*members[0], None], *members[1:]],
            "a row left out, not counted": members[1:],
        }
        for how, made in wrong.items():
            if made != members:
                yield from self._by(kind, "(node)", how, root, {name: made})
        yield from self._by(kind, "(node)", "a further field", root, {**node, "more": 1})

    def _of_blocks(self) -> Iterator[Variant]:
        """Bytes of blocks, and blocks, changed in the file, nothing else."""
        file = self.sealed.file
        for number, (cid, data) in enumerate(file.sections):
            what = f"block {_kind(self.forger.values.get(cid), cid)}"
            middle = len(data) // 2
            for how, new in others(data, fixed_keys=False) if cid.codec != DAG_CBOR else ():
                if isinstance(new, bytes):
                    yield Variant(what, "bytes", how, HOLDER, partial(self._forged, {cid: new}))
            changed = {
                "first byte": bytes([data[0] ^ 1]) + data[1:] if data else b"x",
                "a byte": data[:middle] + bytes([data[middle] ^ 16]) + data[middle + 1 :] if data else b"y",
                "cut off": data[:-1] if data else b"z",
                "longer": data + b"\0",
                "another block's": file.sections[number - 1][1],
            }
            for how, new in changed.items():
                if new != data:
                    yield Variant(what, "bytes", how, OUTSIDER, _with(file, number, [(cid, new)]))
            yield Variant(what, "block", "removed", OUTSIDER, _with(file, number, []))
            yield Variant(what, "block", "another under its CID", OUTSIDER, _with(file, number, [(cid, b"other")]))

    def _forged(self, changed: Any) -> File:
        return self.forger.forge(changed, signer=self.sealed.key)

    def _of_signatures(self) -> Iterator[Variant]:
        """Everything signed by somebody else, as that other or in the issuer's name; roots left out."""
        other = OtherKey()
        entries = [cid for cid, value in self.forger.values.items() if _kind(value, cid) == "entry"]
        for cid in entries:
            value = self.forger.values[cid]
            for how, new in {
                "signed by another in the issuer's name": value,
                "another's key beside the issuer's name": {**value, "key": other.public_key},
                "another's name beside the issuer's key": {**value, "issuer": other.did},
                "another's": {**value, "issuer": other.did, "key": other.public_key},
            }.items():
                yield Variant("entry", "(signer)", how, ANOTHER, self._signed_by(other, {cid: new}))
        all_new = {cid: {**self.forger.values[cid], "issuer": other.did, "key": other.public_key} for cid in entries}
        yield Variant("entry", "(signer)", "the whole log another's", ANOTHER, self._signed_by(other, all_new))

    def _signed_by(self, other: Any, changed: Any) -> Callable[[], File]:
        return lambda: self.forger.forge(changed, signer=other)


def _older(kind: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The record as an older version writes it, what that has not left out."""
    for version in range(value["v"] - 1, 0, -1) if type(value.get("v")) is int else ():
        lacks = {name for step in versions.STEPS.get(kind, ())[version - 1 :] for name in _added(step)}
        yield f"as version {version}", {**{n: one for n, one in value.items() if n not in lacks}, "v": version}


def _added(step: versions.Step) -> set[str]:
    return set(step.up({}))


def _with_exchanged(row: list[Any], one: int, other: int) -> list[Any]:
    made = list(row)
    made[one], made[other] = row[other], row[one]
    return made


def _table(shape: Shape, rows: list[list[Any]]) -> tuple[CID, dict[CID, bytes]]:
    """``EmotionetError`` or ``TypeError`` where no table can hold these rows."""
    blocks: dict[CID, bytes] = {}
    return tables.build(shape, rows, blocks.__setitem__), blocks


def _with(file: File, number: int, new: list[tuple[CID, bytes]]) -> Callable[[], File]:
    return lambda: File(file.roots, (*file.sections[:number], *new, *file.sections[number + 1 :]))


def _kind(value: Any, cid: CID) -> str:
    if not isinstance(value, dict):
        return "of a file" if cid.codec != DAG_CBOR else "node"
    return str(value.get("type", "node"))


def _links(value: Any) -> list[CID]:
    return [one for _, one in walk(value) if isinstance(one, CID)]
