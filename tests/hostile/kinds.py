"""One file of each kind of hostile release, made from an honest one by who holds its key.

``KINDS`` says how each is made; ``made`` makes them all. A kind gets the honest release and a folder, and returns the
file. Where a record itself is malformed, its bytes are signed as they are: whoever audits must not need it well formed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from registry.content.unixfs import importer, reader
from registry.core import records
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB, IDENTITY, RAW, SHA2_256, cid_of
from registry.core.ipld.dag import walk_closure
from registry.core.ipld.dagpb import Link
from registry.core.ipld.unixfs import file_node
from registry.core.ipld.varint import encode_varint
from registry.core.table import tables
from tests.support.forgery import Released, car_of, forge, put, replaced, signed, way_back, write_car

DEEP = 10_000
Kind = Callable[[Released, Path], Path]
Blocks = Iterable[tuple[CID, bytes]]


def _forged(made: Released, path: Path, **fields: Any) -> Path:
    """The release with other fields."""
    home, entry, view = made
    record = records.cid(view.release)
    return car_of(home, forge(home, entry, replaced(record, view.release, **fields)), path)


def _said(made: Released, path: Path, data: bytes, more: Blocks = ()) -> Path:
    """These bytes as what the release's entry signs, with all of the honest release's blocks beside them."""
    home, entry, _ = made
    record = put(home, data)
    draft = records.parse_as(records.Entry, home.store.get(entry))
    new = put(home, signed(home, records.parse_as(records.Entry, encoding.encode(_entry(draft, record)))))
    way = way_back(home, entry)
    blocks = dict(walk_closure(home.store.get, [entry, way[-1]])) | {one: home.store.get(one) for one in way}
    blocks |= {new: home.store.get(new), record: data, **dict(more)}
    return write_car(path, [new], blocks.items())


def _entry(draft: records.Entry, record: CID) -> dict[str, Any]:
    return {**records.to_value(draft), "record": record}


def _bytes_of(made: Released) -> bytes:
    return made.home.store.get(records.cid(made.view.release))


def _cycle(made: Released, path: Path) -> Path:
    """Two records that link to each other, which only false CIDs can."""
    one, other = (CID.v1(DAG_CBOR, hashlib.sha256(name).digest()) for name in (b"one", b"other"))
    value = records.to_value(made.view.release)
    blocks = [(one, encoding.encode({**value, "draw": other})), (other, encoding.encode({**value, "draw": one}))]
    return write_car(path, [one], blocks)


def _deep_links(made: Released, path: Path) -> Path:
    """A chain of blocks, each the only link of the one before."""
    blocks: list[tuple[CID, bytes]] = []
    for number in range(DEEP):
        below = [blocks[-1][0]] if blocks else []
        data = encoding.encode({"n": number, "next": below})
        blocks.append((cid_of(data, DAG_CBOR), data))
    return write_car(path, [blocks[-1][0]], reversed(blocks))


def _deep_value(made: Released, path: Path) -> Path:
    """A record whose one field is a list in a list in a list."""
    return _said(made, path, b"\xa1\x61a" + b"\x81" * DEEP + b"\x80")


def _nested(levels: int, each: int) -> tuple[CID, dict[CID, bytes]]:
    """A file of ``each ** levels`` times the same kibibyte."""
    leaf = bytes(1024)
    cid, size, blocks = cid_of(leaf, RAW), len(leaf), {cid_of(leaf, RAW): leaf}
    for _ in range(levels):
        node = file_node((Link(cid, "", size),) * each, (size,) * each)
        cid, size = cid_of(node, DAG_PB), size * each
        blocks[cid] = node
    return cid, blocks


def _with_card(made: Released, path: Path, card: CID, blocks: dict[CID, bytes]) -> Path:
    for cid, data in blocks.items():
        made.home.store.put(cid, data)
    return _forged(made, path, card=card)


def _a_terabyte(made: Released, path: Path) -> Path:
    """A model card of 1 TB, in a handful of blocks."""
    return _with_card(made, path, *_nested(3, 1024))


def _deep_file(made: Released, path: Path) -> Path:
    """A model card under ten thousand nodes of one link each."""
    return _with_card(made, path, *_nested(DEEP, 1))


def _with_weights(made: Released, path: Path, file: CID, blocks: dict[CID, bytes]) -> Path:
    home = made.home
    for cid, data in blocks.items():
        home.store.put(cid, data)
    folder = {**dict(_names(made)), "weights.safetensors": (file, 1 << 40)}
    return _first_weights(made, path, folder)


def _first_weights(made: Released, path: Path, folder: dict[str, tuple[CID, int]]) -> Path:
    """The first fold's weights in another folder."""
    added = importer.add_directory(made.home.store, folder)
    first, *others = made.view.release.weights
    return _forged(made, path, weights=(msgspec.structs.replace(first, cid=added.cid), *others))


def _weights_of_a_terabyte(made: Released, path: Path) -> Path:
    return _with_weights(made, path, *_nested(3, 1024))


def _deep_weights(made: Released, path: Path) -> Path:
    return _with_weights(made, path, *_nested(DEEP, 1))


def _predictions(count: int) -> Kind:
    def many(made: Released, path: Path) -> Path:
        home, entry, view = made
        writer = tables.TableWriter(records.PREDICTIONS, home.store.put)
        for number in range(count):
            writer.add([number.to_bytes(32, "big"), 0, 0, [[0, 0, 9, 9]], [[0, 500_000, 0, 0, 9, 9]]])
        table, cid = writer.end(), view.release.evaluation
        return car_of(home, forge(home, entry, replaced(cid, view.evaluation, predictions=table)), path)

    return many


def _stated_rows(made: Released, path: Path) -> Path:
    """The predictions' own nodes under a header that states ten million."""
    home, entry, view = made
    header = encoding.decode(home.store.get(view.evaluation.predictions)) | {"count": 10_000_000}
    table = put(home, encoding.encode(header))
    changed = replaced(view.release.evaluation, view.evaluation, predictions=table)
    return car_of(home, forge(home, entry, changed), path)


def _key_twice(made: Released, path: Path) -> Path:
    data = _bytes_of(made)
    return _said(made, path, bytes([data[0] + 1]) + b"\x61v\x01" + data[1:])


def _not_minimal(made: Released, path: Path) -> Path:
    """The same record with its version in two bytes where one would do."""
    at = _bytes_of(made).index(b"\x61v") + 2
    data = _bytes_of(made)
    return _said(made, path, data[:at] + b"\x18" + data[at:])


def _indefinite(made: Released, path: Path) -> Path:
    return _said(made, path, b"\xbf" + _bytes_of(made)[1:] + b"\xff")


def _unsorted(made: Released, path: Path) -> Path:
    return _said(made, path, b"\xa2\x64type\x67release\x61v\x01")


def _field(name: str, value: Any) -> Kind:
    def wrong(made: Released, path: Path) -> Path:
        return _said(made, path, encoding.encode(records.to_value(made.view.release) | {name: value}))

    return wrong


def _raw_field(written: bytes) -> Kind:
    """The licence replaced by bytes that are no value here."""

    def wrong(made: Released, path: Path) -> Path:
        licence = encoding.encode("licence") + encoding.encode(made.view.release.licence)
        assert licence in _bytes_of(made)
        return _said(made, path, _bytes_of(made).replace(licence, encoding.encode("licence") + written))

    return wrong


def _count(made: Released, path: Path) -> Path:
    """A snapshot that states more images than any number of bits here holds."""
    home, entry, view = made
    changed = replaced(view.preprocessing.snapshot, view.snapshot, count=(1 << 63) - 1)
    return car_of(home, forge(home, entry, changed), path)


def _alike_names(made: Released, path: Path) -> Path:
    """Weights whose folder has two files of names that look the same, and one that turns the line around."""
    home = made.home
    folder = dict(_names(made))
    for name in ("mоdel.json", "model.json\u200b", "\u202enosj.ledom"):
        added = importer.add_bytes(home.store, b"{}")
        folder[name] = (added.cid, added.tsize)
    return _first_weights(made, path, folder)


def _names(made: Released) -> Iterable[tuple[str, tuple[CID, int]]]:
    for name, one in reader.entries(made.home.store, made.view.release.weights[0].cid):
        yield name, (one.cid, one.tsize)


def _alike_classes(made: Released, path: Path) -> Path:
    """Two classes that look the same."""
    home, entry, view = made
    classes = (*view.snapshot.classes[:-1], view.snapshot.classes[0].replace("e", "е"))
    return car_of(home, forge(home, entry, replaced(view.preprocessing.snapshot, view.snapshot, classes=classes)), path)


def _identity(made: Released, path: Path) -> Path:
    """A draw that stands in its own link, and links to itself by no hash."""
    inner = CID(1, DAG_CBOR, IDENTITY, encoding.encode({"v": 1, "type": "draw", "draw": []}))
    return _field("draw", inner)(made, path)


def _nested_identity(made: Released, path: Path) -> Path:
    inner = CID(1, DAG_CBOR, IDENTITY, encoding.encode([]))
    while len(bytes(inner)) < 110:
        inner = CID(1, DAG_CBOR, IDENTITY, encoding.encode([inner]))
    return _field("evaluation", inner)(made, path)


def _names_itself(made: Released, path: Path) -> Path:
    """An entry that is its own record, its own predecessor and its own log, under a CID that is not its hash."""
    own = CID.v1(DAG_CBOR, bytes(32))
    draft = records.parse_as(records.Entry, made.home.store.get(made.entry))
    value = records.to_value(draft) | {"record": own, "prev": bytes(own), "log": bytes(own)}
    return write_car(path, [own], [(own, encoding.encode(value))])


def _supersedes_itself(made: Released, path: Path) -> Path:
    """A release that supersedes what it is made from, in everything but this field the same."""
    return _forged(made, path, supersedes=bytes(records.cid(made.view.release)))


def _signs_its_entry(made: Released, path: Path) -> Path:
    """An entry that signs an entry."""
    home, entry, _ = made
    draft = records.parse_as(records.Entry, home.store.get(entry))
    new = put(home, signed(home, records.parse_as(records.Entry, encoding.encode(_entry(draft, entry)))))
    return car_of(home, entry, path, roots=[new])


def _section_of_a_terabyte(made: Released, path: Path) -> Path:
    write_car(path, [made.entry], [])
    path.write_bytes(path.read_bytes() + encode_varint(1 << 40) + bytes(99))
    return path


def _many_roots(made: Released, path: Path) -> Path:
    return write_car(path, [CID(1, RAW, SHA2_256, n.to_bytes(32, "big")) for n in range(25_000)], [])


KINDS: dict[str, Kind] = {
    "cycle": _cycle,
    "depth 10,000, links": _deep_links,
    "depth 10,000, one value": _deep_value,
    "depth 10,000, a card": _deep_file,
    "1 TB of a card in few blocks": _a_terabyte,
    "depth 10,000, weights": _deep_weights,
    "1 TB of weights in few blocks": _weights_of_a_terabyte,
    "1 TB section": _section_of_a_terabyte,
    "25,000 roots": _many_roots,
    "10 million predictions stated": _stated_rows,
    "key twice": _key_twice,
    "number not minimal": _not_minimal,
    "indefinite length": _indefinite,
    "keys not sorted": _unsorted,
    "list for text": _field("licence", []),
    "text for list": _field("trainings", "all"),
    "number for link": _field("evaluation", 7),
    "null for map": _field("weights", None),
    "NaN": _raw_field(b"\xf9\x7e\x00"),
    "infinity": _raw_field(b"\xfb\x7f\xf0" + bytes(6)),
    "bignum": _raw_field(b"\xc2\x49\x01" + bytes(8)),
    "2**64 - 1": _field("licence", (1 << 64) - 1),
    "version 2**63 - 1": _field("v", (1 << 63) - 1),
    "2**63 - 1 images stated": _count,
    "names that look alike": _alike_names,
    "classes that look alike": _alike_classes,
    "identity CID": _identity,
    "identity CIDs in each other": _nested_identity,
    "entry that names itself": _names_itself,
    "release that supersedes its own": _supersedes_itself,
    "entry that signs an entry": _signs_its_entry,
}


def of_rows(count: int) -> dict[str, Kind]:
    """So many predictions as real rows, of a few images."""
    return {f"{count:,} predictions": _predictions(count)}


def made(release: Released, folder: Path, kinds: dict[str, Kind]) -> dict[str, Path]:
    """A file of each kind."""
    return {name: kind(release, folder / f"{number}.car") for number, (name, kind) in enumerate(kinds.items())}
