"""Whether one picture is in a snapshot, or in a release's data and how it was used there, from a few blocks.

A proof is a CAR of at most ``MAX_BYTES``. Its only root is a statement ``{v: 1, type: "picture-proof", image: sha256,
entries: [&, ...]}``; with it come, of each entry, the record that it signs, the records on the way to the snapshot, and
of each table the nodes on the way to the picture's place. Whoever makes one and whoever verifies one run the same
``read_use``: what it reads is what a proof holds (docs/proofs.md).

Invariants: pure; nothing is believed but hashes and signatures; the file holds every block that is read and no other.
What a table's order leaves open (a row in another place than its key says) only an audit of the whole table decides
(level 1), so absence holds as far as the table is in order.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from registry.core import records
from registry.core.errors import InvalidInput, NewerVersion, Untrusted
from registry.core.ipld import car, encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of, verify
from registry.core.ipld.dag import Get
from registry.core.log import read_entry
from registry.core.run_view import DrawView, draw_view
from registry.core.table import tables
from registry.core.table.cells import fault_of

MAX_BYTES = 256 << 10
MAX_ENTRIES, MAX_REPEATS = 100, 1000
TYPE, VERSION = "picture-proof", 1
_FIELDS = {"v", "type", "image", "entries"}


@dataclass(frozen=True)
class Repeat:
    """One repeat of the folds: which fold judged the picture, and which were trained on it."""

    judged: int
    trained: tuple[int, ...]


@dataclass(frozen=True)
class Use:
    """What one signed record says of the picture. ``kind``: snapshot or release; ``excluded`` and ``dropped`` are
    reasons; ``seen``: how base weights had seen it before; ``repeats`` are empty where no fold knows it."""

    entry: CID
    record: CID
    kind: str
    issuer: str
    issued_at: str
    snapshot: CID
    included: bool
    label: str | None = None
    excluded: str | None = None
    dropped: str | None = None
    repeats: tuple[Repeat, ...] = ()
    refit: bool = False
    seen: str | None = None


@dataclass(frozen=True)
class Proof:
    """A verified proof: of which picture (its sha256), and what each record says of it."""

    image: bytes
    uses: tuple[Use, ...]


def read_use(get: Get, image: bytes, entry: CID) -> Use:
    """What the record of an entry says of a picture. ``get`` verifies. ``Untrusted`` for what contradicts itself."""
    said = read_entry(entry, get)
    record = records.parse(get(said.record))
    about: dict[str, Any] = {"entry": entry, "record": said.record, "issuer": said.issuer, "issued_at": said.issued_at}
    if isinstance(record, records.Snapshot):
        return Use(**about, kind="snapshot", snapshot=said.record, **_in_snapshot(get, record, image))
    if not isinstance(record, records.Release):
        raise InvalidInput(f"{entry} signs neither a snapshot nor a release", code="wrong_record_type")
    view = draw_view(get, record.draw)
    held = _in_snapshot(get, view.snapshot, image)
    used = _in_training(get, view, image) if held["included"] else {}
    return Use(**about, kind="release", snapshot=view.preprocessing.snapshot, **held, **used)


def _row(get: Get, kind: str, table: CID, *key: Any) -> dict[str, Any] | None:
    header = tables.read(table, get)
    if header.shape.kind != kind:
        raise Untrusted(f"{table} is not a table of {kind}", code="wrong_table")
    found = tables.find_cut(table, key, get)
    if found is None:
        return None
    if said := fault_of(_place(kind), found):
        raise Untrusted(f"the row of the picture in {table} is malformed: {said}", code="proof_wrong")
    return dict(zip(header.shape.columns, found, strict=True))


def _place(kind: str) -> tuple[str, str]:
    record, _, field = kind.partition(".")
    return record, field


def _in_snapshot(get: Get, snapshot: records.Snapshot, image: bytes) -> dict[str, Any]:
    item = _row(get, "snapshot.items", snapshot.items, image)
    if item is not None:
        return {"included": True, "label": item["label"]}
    excluded = _row(get, "snapshot.excluded", snapshot.excluded, image)
    return {"included": False, "excluded": None if excluded is None else excluded["reason"]}


def _in_training(get: Get, view: DrawView, image: bytes) -> dict[str, Any]:
    prepared = _row(get, "preprocessing.output", view.preprocessing.output, image)
    if prepared is None:
        raise Untrusted("the picture is in the snapshot, and its preprocessing does not know it", code="proof_wrong")
    seen = None if view.plan.seen is None else _row(get, "plan.seen", view.plan.seen, image)
    known = {"seen": None if seen is None else seen["how"]}
    if prepared["reason"] is not None:
        return {"dropped": prepared["reason"], **known}
    k, repeats = _folds(view.recipe)
    used = tuple(_repeat(get, view.draw.folds, image, number, k) for number in range(repeats))
    return {"repeats": used, "refit": view.plan.final == records.REFIT, **known}


def _folds(recipe: records.Recipe) -> tuple[int, int]:
    """How many folds a repeat has, and how many repeats."""
    folds = recipe.values.get("folds")
    k, repeats = (folds.get("k"), folds.get("repeats")) if isinstance(folds, dict) else (None, None)
    if type(k) is not int or type(repeats) is not int or not 1 <= repeats <= MAX_REPEATS or not 2 <= k <= MAX_REPEATS:
        raise Untrusted("the recipe states no folds", code="proof_wrong")
    return k, repeats


def _repeat(get: Get, folds: CID, image: bytes, number: int, k: int) -> Repeat:
    row = _row(get, "draw.folds", folds, image, number)
    own = range(number * k, (number + 1) * k)
    if row is None or row["fold"] not in own:
        raise Untrusted(f"the picture was kept, and repeat {number} has no fold for it", code="proof_wrong")
    return Repeat(row["fold"], tuple(fold for fold in own if fold != row["fold"]))


def make_proof(get: Get, image: bytes, entries: Iterable[CID]) -> bytes:
    """The CAR. ``InvalidInput`` (``proof_too_large``) where it would not fit."""
    blocks: dict[CID, bytes] = {}

    def recorded(cid: CID) -> bytes:
        return blocks.setdefault(cid, get(cid))

    listed = list(dict.fromkeys(entries))
    for entry in listed:
        read_use(recorded, image, entry)
    statement = encoding.encode({"v": VERSION, "type": TYPE, "image": image, "entries": listed})
    root = cid_of(statement, DAG_CBOR)
    stream = io.BytesIO()
    car.write([root], [(root, statement), *blocks.items()], stream)
    if stream.tell() > MAX_BYTES or len(listed) > MAX_ENTRIES:
        raise InvalidInput(
            f"the proof would be larger than {MAX_BYTES >> 10} KiB", code="proof_too_large", hint="prove fewer at once."
        )
    return stream.getvalue()


def is_proof(data: bytes) -> bool:
    """Whether the first root of a CAR is a statement of this kind, wherever it stands, whatever is wrong after it."""
    if len(data) > MAX_BYTES:
        return False
    try:
        roots, sections = car.read_raw(io.BytesIO(data))
        value = encoding.decode(next(block for cid, block in sections if cid == roots[0]))
    except (InvalidInput, Untrusted, StopIteration, IndexError):
        return False
    return isinstance(value, dict) and value.get("type") == TYPE


def verify_proof(data: bytes) -> Proof:
    """What a proof shows. ``Untrusted`` where a block is not what it is called, is missing or is not needed, where a
    signature does not hold, or where records contradict each other; ``InvalidInput`` for what is no proof."""
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"a proof has at most {MAX_BYTES >> 10} KiB", code="proof_too_large")
    roots, sections = car.read_raw(io.BytesIO(data))
    blocks: dict[CID, bytes] = {}
    for cid, block in sections:
        verify(cid, block)
        blocks[cid] = block
    if len(roots) != 1 or roots[0] not in blocks:
        raise InvalidInput("the file has no statement as its only root", code="not_a_proof")
    image, entries = _statement(blocks[roots[0]])
    read: set[CID] = {roots[0]}

    def get(cid: CID) -> bytes:
        if cid not in blocks:
            raise Untrusted(f"the proof lacks block {cid}", code="proof_incomplete")
        read.add(cid)
        return blocks[cid]

    uses = tuple(read_use(get, image, entry) for entry in entries)
    if surplus := blocks.keys() - read:
        raise Untrusted(f"the proof does not need block {min(map(str, surplus))}", code="proof_surplus")
    return Proof(image, uses)


def _statement(data: bytes) -> tuple[bytes, list[CID]]:
    value = encoding.decode(data)
    if not isinstance(value, Mapping) or value.get("type") != TYPE:
        raise InvalidInput("this is no proof of a picture", code="not_a_proof")
    if type(value.get("v")) is int and value["v"] > VERSION:
        raise NewerVersion(TYPE, value["v"])
    image, entries = value.get("image"), value.get("entries")
    whole = set(value) == _FIELDS and value["v"] == VERSION and value["v"] is not True
    if not whole or not isinstance(image, bytes) or len(image) != 32 or encoding.encode(dict(value)) != data:
        raise InvalidInput("the proof's statement is malformed", code="not_a_proof")
    if not isinstance(entries, list) or not all(isinstance(one, CID) for one in entries):
        raise InvalidInput("the proof's statement is malformed", code="not_a_proof")
    if not 1 <= len(entries) <= MAX_ENTRIES or len(set(entries)) != len(entries):
        raise InvalidInput("the proof names no record, too many, or one twice", code="not_a_proof")
    return image, entries
