"""A forger who holds the key: changes blocks of a release, makes everything above them again, and signs it.

``simulated_release`` gives something to forge; ``forge`` gives the forged release's entry, whose new blocks are put
into the same store; ``car_of`` writes the file in which it is sent, log and opening beside it as an honest export.
"""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple, Protocol

import msgspec
import pytest

from registry.assembly import Home, open_home
from registry.content.unixfs import importer
from registry.core import log, records
from registry.core.errors import NotFound
from registry.core.ipld import car, encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.ipld.dag import walk_closure
from registry.core.run_view import ReleaseView, release_view
from registry.core.table import tables
from registry.provenance.checks.report import Report
from registry.provenance.checks.results import FAILS
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.publish_release import publish_release
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.support.anchors.signer import MemorySigner
from tests.support.children import in_this_process

PLUGIN = Path(__file__).parent / "plugin"
Changed = dict[CID, bytes]


class Holder(Protocol):
    """What holds a release and can sign: a home, or blocks and a key in memory."""

    @property
    def store(self) -> Blocks:
        """Where the blocks are."""
        ...

    @property
    def key(self) -> log.Signer:
        """The release's issuer."""
        ...


class Blocks(Protocol):
    """What forging asks of a store."""

    def get(self, cid: CID, /) -> bytes:
        """A block."""
        ...

    def put(self, cid: CID, data: bytes, /) -> None:
        """Keep a block."""
        ...


class Released(NamedTuple):
    """An open home, the entry of its release, and the release read back."""

    home: Home
    entry: CID
    view: ReleaseView


Change = Callable[[Home, ReleaseView], Changed]


def faces(folder: Path) -> Path:
    """36 different files of three classes and one label that is no class, 18 persons, one attribute."""
    folder.mkdir(parents=True)
    lines = ["file,label,contributor,subject,attr.side"]
    for number in range(36):
        (folder / f"{number}.jpg").write_bytes(b"%d" % number)
        label, side = ["triste", "feliz", "enojado", "odd"][number % 4], "lr"[number % 5 > 2]
        lines.append(f"{number}.jpg,{label},anna,{number // 2},{side}")
    lines.append("0.jpg,feliz,ben,0,l")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


def released(home: Home, entry: CID) -> Released:
    """A release that a home holds, by its entry."""
    record = records.parse_as(records.Entry, home.store.get(entry)).record
    release = records.parse_as(records.Release, home.store.get(record))
    return Released(home, entry, release_view(home.store.get, release))


@contextmanager
def opened_home(folder: Path, *, children: bool = False) -> Iterator[Home]:
    """The home in a folder, with the simulated method; ``children``: its folds are processes, as they are outside."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOTIONET_HOME", str(folder / "home"))
        patch.setenv("PYTHONPATH", str(PLUGIN))
        patch.syspath_prepend(str(PLUGIN))
        if not children:
            in_this_process(patch)
        opened = open_home(read_settings())
        yield opened
        opened.close()


@contextmanager
def simulated_home(folder: Path, *, children: bool = False) -> Iterator[Home]:
    """A home with the simulated method and ``faces`` imported."""
    with opened_home(folder, children=children) as opened:
        import_source(opened, str(faces(folder / "faces")))
        yield opened


def publish(home: Home, **wanted: Any) -> Released:
    """Snapshot, train by the simulated method, publish; ``wanted`` goes into ``Wanted``."""
    snapshot = CID.parse(take_snapshot(home)["snapshot"])
    asked = {"recipe": "simulated", "method": "simulated", "claims": ("macro_f1 >= 0.10",), **wanted}
    run = start_run(home, snapshot, Wanted(**asked))
    home.worker().work(run)
    return released(home, CID.parse(publish_release(home, run)["entry"]))


@cache
def _made_once() -> tuple[Path, CID]:
    """A folder whose home has one release, and the release's entry: made once a process, and only copied."""
    folder = Path(mkdtemp(prefix="emotionet-released-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with simulated_home(folder) as home:
        return folder, publish(home).entry


@contextmanager
def simulated_release(folder: Path) -> Iterator[Released]:
    """A home of one's own with one release of the simulated method, which may be written to."""
    made, entry = _made_once()
    shutil.copytree(made, folder, dirs_exist_ok=True)
    with opened_home(folder) as home:
        yield released(home, entry)


def replaced(cid: CID, value: records.Record, /, **fields: Any) -> Changed:
    """One record with other fields."""
    return {cid: records.encode(msgspec.structs.replace(value, **fields))}


def new_table(home: Holder, old: CID, shape: Any, edit: Callable[[list[Any]], list[Any]]) -> CID:
    """A table with its rows edited."""
    rows = edit([list(row) for row in tables.iterate(old, home.store.get)])
    return tables.build(shape, rows, home.store.put)


def put(home: Holder, data: bytes, codec: int = DAG_CBOR) -> CID:
    """Put a block into the home's store."""
    cid = cid_of(data, codec)
    home.store.put(cid, data)
    return cid


def signed(home: Holder, draft: records.Entry) -> bytes:
    """An entry with this home's signature, whatever it says."""
    return records.encode(msgspec.structs.replace(draft, signature=home.key.sign(log.signing_bytes(draft))))


def forge(home: Holder, entry: CID, changed: Changed) -> CID:
    """The release again with some blocks changed: everything above them, the log too, hashed anew and signed."""
    store, done = home.store, dict[CID, CID]()

    def again(value: Any) -> Any:
        if isinstance(value, CID):
            return rebuild(value)
        if isinstance(value, list):
            return [again(item) for item in value]
        if isinstance(value, dict):
            return {key: again(item) for key, item in value.items()}
        return value

    def before(cid: CID) -> CID:
        """An entry before, made again; one that nobody here has stays as it is."""
        try:
            return rebuild(cid)
        except NotFound:
            return cid

    def rebuild(cid: CID) -> CID:
        if cid in done:
            return done[cid]
        if cid.codec != DAG_CBOR:
            return put(home, changed[cid], cid.codec) if cid in changed else cid
        value = encoding.decode(changed.get(cid) or store.get(cid))
        if isinstance(value, dict) and value.get("type") == "entry" and value["prev"] is not None:
            value |= {name: bytes(before(CID.decode(value[name]))) for name in ("prev", "log")}
        data = encoding.encode(again(value))
        if isinstance(value, dict) and value.get("type") == "entry":
            data = signed(home, records.parse_as(records.Entry, data))
        done[cid] = put(home, data)
        return done[cid]

    return rebuild(entry)


def way_back(home: Holder, entry: CID) -> list[CID]:
    """The entries of the log from this one to the first."""
    found = [entry]
    while (prev := records.parse_as(records.Entry, home.store.get(found[-1])).prev) is not None:
        found.append(CID.decode(prev))
    return found


def car_of(
    home: Home, entry: CID, path: Path, *, roots: Sequence[CID] | None = None, beside: Iterable[CID] = ()
) -> Path:
    """A CAR as an attacker writes it: the closures of the roots (unless said: the entry and its log's first), and the
    log's entries and ``beside`` as blocks alone."""
    way = way_back(home, entry)
    named = list(dict.fromkeys([entry, way[-1]] if roots is None else roots))
    blocks = {**dict(walk_closure(home.store.get, named))}
    blocks |= {cid: home.store.get(cid) for cid in [*way, *beside]}
    with path.open("wb") as stream:
        car.write(named, blocks.items(), stream)
    return path


def failed(report: Report) -> list[str]:
    """The ids of the checks that do not hold."""
    return [check.id for check in report.checks if check.result == FAILS]


def results(report: Report) -> dict[str, str]:
    """Each check's result by its id."""
    return {check.id: check.result for check in report.checks}


def folder_of(home: Home, files: Mapping[str, bytes]) -> bytes:
    """The block of a directory of these files, whose blocks are put into the store."""
    added = {name: importer.add_bytes(home.store, data) for name, data in files.items()}
    made = importer.add_directory(home.store, {name: (one.cid, one.tsize) for name, one in added.items()})
    return home.store.get(made.cid)


def sections(path: Path) -> tuple[tuple[CID, ...], list[tuple[CID, bytes]]]:
    """The roots of a CAR file, and its blocks, unverified."""
    with path.open("rb") as stream:
        roots, blocks = car.read_raw(stream)
        return roots, list(blocks)


def write_car(path: Path, roots: Sequence[CID], blocks: Iterable[tuple[CID, bytes]]) -> Path:
    """A CAR with whatever is given."""
    with path.open("wb") as stream:
        car.write(roots, blocks, stream)
    return path


class OtherKey(MemorySigner):
    """Somebody else, who can sign too."""

    def __init__(self, secret: int = 7) -> None:
        super().__init__(secret)

    def says(self, home: Holder, record: records.Record) -> CID:
        """The first entry with which this key says a record; both are put into the home's store."""
        entry = log.make_entry(self, 0, None, None, put(home, records.encode(record)), "2026-11-30T00:00:00Z")
        return put(home, records.encode(entry))


def reason_of(report: Report, id: str) -> str:
    """What a check gives as its reason."""
    return next(check.reason for check in report.checks if check.id == id)
