"""What a forger with the key, or an outsider with the file, gets past nobody: each kind of forgery and its check.

Levels 1 to 3, the weights, and what the file itself claims to be. Everything above a change is made again and signed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from safetensors.numpy import save

from registry.assembly import Home
from registry.catalog.index import indexing
from registry.content.unixfs import reader
from registry.core import records
from registry.core.ipld import car, encoding
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB, RAW, cid_of
from registry.core.ipld.dagpb import Link, Node, encode_node
from registry.core.ipld.unixfs import FILE, UnixFS, encode_unixfs
from registry.core.log import make_entry
from registry.core.run_view import ReleaseView
from registry.core.table import tables
from registry.core.tensors import tensors_digest
from registry.core.weights import MODEL, WEIGHTS
from registry.provenance.checks.report import Report
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED
from registry.workflows.audit.audit_target import audit_car, audit_target
from registry.workflows.store.export_held import export_held
from tests.support.forgery import (
    Changed,
    OtherKey,
    Released,
    car_of,
    failed,
    folder_of,
    forge,
    new_table,
    put,
    replaced,
    results,
    sections,
    signed,
    simulated_release,
    way_back,
    write_car,
)

Change = Callable[[Home, ReleaseView], Changed]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with simulated_release(tmp_path_factory.mktemp("forgeries")) as found:
        yield found


@pytest.fixture(scope="module")
def honest(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release's file."""
    path = tmp_path_factory.mktemp("honest") / "release.car"
    export_held(released.home, released.entry, path)
    return path


def of(report: Report, id: str) -> str:
    return next(check.reason for check in report.checks if check.id == id)


# --- weights -------------------------------------------------------------------------------------
def files_of(home: Home, folder: CID) -> dict[str, bytes]:
    there = reader.list_directory(home.store, folder)
    return {name: reader.read_whole(home.store, one.cid) for name, one in there.items()}


def other_files(edit: Callable[[dict[str, bytes]], dict[str, bytes]]) -> Change:
    """Fold 1's weights folder with other files, in training and release alike."""

    def change(home: Home, view: ReleaseView) -> Changed:
        folder = view.trainings[1].weights
        return {folder: folder_of(home, edit(files_of(home, folder)))}

    return change


def one_bit(files: dict[str, bytes]) -> dict[str, bytes]:
    data = files[WEIGHTS]
    return {**files, WEIGHTS: data[:-1] + bytes([data[-1] ^ 1])}


def other_classes(files: dict[str, bytes]) -> dict[str, bytes]:
    model = json.loads(files[MODEL])
    return {**files, MODEL: json.dumps({**model, "names": model["names"][::-1]}).encode()}


def renamed_tensor(files: dict[str, bytes]) -> dict[str, bytes]:
    return {**files, WEIGHTS: save({"other": np.arange(4, dtype=np.float32) + 1})}


def exchanged(home: Home, view: ReleaseView) -> Changed:
    """Both folders exist, both digests are true: of the other fold."""
    one, two = (training.weights for training in view.trainings[:2])
    return {one: home.store.get(two), two: home.store.get(one)}


def exchanged_digests(home: Home, view: ReleaseView) -> Changed:
    one, two = view.trainings[:2]
    first, second, *rest = view.release.weights
    return {
        view.release.trainings[0]: records.encode(msgspec.structs.replace(one, tensors=two.tensors)),
        view.release.trainings[1]: records.encode(msgspec.structs.replace(two, tensors=one.tensors)),
        records.cid(view.release): records.encode(
            msgspec.structs.replace(
                view.release,
                weights=(
                    msgspec.structs.replace(first, tensors=second.tensors),
                    msgspec.structs.replace(second, tensors=first.tensors),
                    *rest,
                ),
            )
        ),
    }


def further(format: str, files: dict[str, bytes]) -> Change:
    """Published beside the folds' weights: said to be of fold 0's tensors."""

    def change(home: Home, view: ReleaseView) -> Changed:
        first = view.release.weights[0]
        cid = cid_of(folder_of(home, files), first.cid.codec)
        more = records.Weights(fold=0, format=format, cid=cid, tensors=first.tensors)
        return replaced(records.cid(view.release), view.release, weights=(*view.release.weights, more))

    return change


def as_base(files: dict[str, bytes]) -> Change:
    def change(home: Home, view: ReleaseView) -> Changed:
        base = cid_of(folder_of(home, files), view.release.weights[0].cid.codec)
        return replaced(view.draw.plan, view.plan, base=base)

    return change


PICKLE = b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix."
GOOD = {WEIGHTS: save({"a": np.ones(2, np.float32)}), MODEL: b'{"names": ["a"]}'}
FORGED_WEIGHTS = [
    ("any file", other_files(lambda files: {**files, WEIGHTS: b"these are no weights"}), "6.weights"),
    ("a pickle", other_files(lambda files: {**files, WEIGHTS: PICKLE}), "6.weights"),
    ("one bit", other_files(one_bit), "6.weights"),
    ("another tensor's name", other_files(renamed_tensor), "6.weights"),
    ("class order", other_files(other_classes), "6.weights"),
    ("no model.json", other_files(lambda files: {WEIGHTS: files[WEIGHTS]}), "6.weights"),
    ("a pickle beside", other_files(lambda files: {**files, "weights.pt": PICKLE}), "6.weights"),
    ("hidden bytes", other_files(lambda files: {**files, WEIGHTS: files[WEIGHTS] + PICKLE}), "6.weights"),
    ("folds exchanged", exchanged, "6.weights"),
    ("digests exchanged", exchanged_digests, "6.weights"),
    ("a format of its own", further("pickle", {"weights.pt": PICKLE}), "6.weights"),
    ("a pickle as ONNX", further("onnx", {"model.onnx": PICKLE}), "6.weights"),
    ("more than an ONNX", further("onnx", {"model.onnx": b"\x08\x08", "run.py": b"print()"}), "6.weights"),
    ("a pickle as base", as_base({"base.pt": PICKLE}), "6.base"),
    ("a pickle in the base", as_base({**GOOD, WEIGHTS: PICKLE}), "6.base"),
    ("a file beside the base", as_base({**GOOD, "setup.py": b""}), "6.base"),
]


# --- images, records, tables ---------------------------------------------------------------------
def in_items(edit: Callable[[list[Any]], None]) -> Change:
    """The first item's row edited; the contributions are left as they are (level 4 has its own word on that)."""

    def change(home: Home, view: ReleaseView) -> Changed:
        def rows(found: list[Any]) -> list[Any]:
            edit(found[0])
            return found

        table = new_table(home, view.snapshot.items, records.SNAPSHOT_ITEMS, rows)
        return replaced(view.preprocessing.snapshot, view.snapshot, items=table)

    return change


def set_cell(index: int, value: Any) -> Callable[[list[Any]], None]:
    def edit(row: list[Any]) -> None:
        row[index] = value(row) if callable(value) else value

    return edit


def other_image(home: Home, view: ReleaseView) -> Changed:
    def rows(found: list[Any]) -> list[Any]:
        found[0][1], found[1][1] = found[1][1], found[0][1]
        return found

    table = new_table(home, view.snapshot.items, records.SNAPSHOT_ITEMS, rows)
    return replaced(view.preprocessing.snapshot, view.snapshot, items=table)


def kept_and_dropped(home: Home, view: ReleaseView) -> Changed:
    def rows(found: list[Any]) -> list[Any]:
        found[0][7] = "noise"
        return found

    table = new_table(home, view.preprocessing.output, records.PREPARED, rows)
    return replaced(view.plan.preprocessing, view.preprocessing, output=table)


def history_as_raw(home: Home, view: ReleaseView) -> Changed:
    """The same bytes, which an audit that follows links would not follow."""
    first = view.trainings[0]
    other = CID.v1(RAW, first.history.digest)
    home.store.put(other, home.store.get(first.history))
    return replaced(view.release.trainings[0], first, history=other)


def typed(pick: Callable[[ReleaseView], CID], type: str) -> Change:
    """A record that calls itself something else."""

    def change(home: Home, view: ReleaseView) -> Changed:
        cid = pick(view)
        return {cid: encoding.encode({**encoding.decode(home.store.get(cid)), "type": type})}

    return change


def linked(field: str, pick: Callable[[ReleaseView], CID]) -> Change:
    """A plan that links to a record of another type."""
    return lambda home, view: replaced(view.draw.plan, view.plan, **{field: pick(view)})


FORGED_RECORDS = [
    ("a size", in_items(set_cell(2, lambda row: row[2] + 1)), "1.images"),
    ("another image", other_image, "1.images"),
    ("another sha256", in_items(set_cell(0, b"\0" * 32)), "1.images"),
    ("the release of no type", typed(lambda view: records.cid(view.release), "releases"), "1.records"),
    ("the release of another type", typed(lambda view: records.cid(view.release), "evaluation"), "1.records"),
    ("an environment of no type", typed(lambda view: view.plan.environment, "environments"), "1.records"),
    ("a draw of no type", typed(lambda view: view.release.draw, "drawing"), "1.records"),
    ("a recipe as environment", linked("environment", lambda view: view.plan.recipe), "1.records"),
    ("an environment as recipe", linked("recipe", lambda view: view.plan.environment), "1.records"),
    ("a snapshot as base", linked("base", lambda view: view.preprocessing.snapshot), "1.records"),
    (
        "a name that is no CID",
        lambda home, view: replaced(view.preprocessing.snapshot, view.snapshot, supersedes=b"earlier"),
        "1.records",
    ),
    (
        "a link where none may stand",
        lambda home, view: replaced(
            view.plan.recipe, view.recipe, values={**view.recipe.values, "more": view.plan.environment}
        ),
        "1.records",
    ),
    (
        "a contribution twice",
        lambda home, view: replaced(
            view.preprocessing.snapshot, view.snapshot, contributions=view.snapshot.contributions * 2
        ),
        "1.records",
    ),
    (
        "a short seed",
        lambda home, view: replaced(view.release.draw, view.draw, seed=b"\1"),
        "1.records",
    ),
    (
        "a digest that is none",
        lambda home, view: replaced(view.release.trainings[0], view.trainings[0], tensors="sha256:nothing"),
        "1.records",
    ),
    ("a size in words", in_items(set_cell(2, "many")), "1.tables"),
    ("contributors in a text", in_items(set_cell(4, "anna")), "1.tables"),
    ("attributes that are numbers", in_items(set_cell(6, {"age": 30})), "1.tables"),
    ("a box of three", in_items(set_cell(8, [[0, 0, 1]])), "1.tables"),
    ("kept and dropped", kept_and_dropped, "1.tables"),
    ("a table under another codec", history_as_raw, "1.tables"),
]


# --- times ---------------------------------------------------------------------------------------
def training_times(started: str | None = None, ended: str | None = None) -> Change:
    def change(home: Home, view: ReleaseView) -> Changed:
        first = view.trainings[0]
        new = {"started": started or first.started, "ended": ended or first.ended}
        return replaced(view.release.trainings[0], first, **new)

    return change


def entry_times(place: int, time: str) -> Change:
    """The entry at this place of the log (0 the first, -1 the release's) issued at another time."""

    def change(home: Home, view: ReleaseView) -> Changed:
        entries = [CID.decode(records.parse_as(records.Entry, home.store.get(view.release.plan_entry)).prev or b"")]
        cid = {1: view.release.plan_entry, 0: entries[0]}[place]
        return replaced(cid, records.parse_as(records.Entry, home.store.get(cid)), issued_at=time)

    return change


EARLY, LATE = "2001-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
FORGED_TIMES = [
    ("ended before it began", training_times(ended=EARLY), "3.trained"),
    ("began before the plan", training_times(started=EARLY), "3.planned"),
    ("ended after the release", training_times(ended=LATE), "3.issued"),
    ("the plan after the release", entry_times(1, LATE), "3.issued"),
    ("the plan after the trainings", entry_times(1, LATE), "3.planned"),
    ("the plan before the entry before", entry_times(1, EARLY), "2.times"),
    ("an entry after the next one", entry_times(0, LATE), "2.times"),
]


@pytest.mark.parametrize(
    ("change", "check"),
    [pytest.param(change, check, id=name) for name, change, check in FORGED_WEIGHTS + FORGED_RECORDS + FORGED_TIMES],
)
def test_what_the_keys_holder_forges_is_caught(released: Released, change: Change, check: str, tmp_path: Path) -> None:
    home, entry, view = released
    forged = forge(home, entry, change(home, view))
    assert forged != entry
    report = audit_car(car_of(home, forged, tmp_path / "forged.car"), level=max(2, int(check[0])))
    assert check in failed(report), results(report)
    assert report.exit_code(strict=False) == 1
    assert of(report, check)
    assert results(report)["2.signatures"] == HOLDS


def test_a_release_that_calls_itself_something_else_is_not_taken_for_one(released: Released, tmp_path: Path) -> None:
    home, entry, view = released
    forged = forge(home, entry, typed(lambda view: records.cid(view.release), "releases")(home, view))
    report = audit_car(car_of(home, forged, tmp_path / "forged.car"))
    assert (report.type, report.holds) == (None, False)


# --- the log -------------------------------------------------------------------------------------
def twin(home: Home, cid: CID, by: records.Record | None = None) -> CID:
    """Another entry in the same place of the log, rightly signed."""
    entry = records.parse_as(records.Entry, home.store.get(cid))
    said = put(
        home, records.encode(by or records.Withdrawal(target=b"\1" * 32, reason="", remedy="notice", effective=EARLY))
    )
    return put(home, signed(home, msgspec.structs.replace(entry, record=said)))


@pytest.mark.parametrize("place", ["before the plan", "the plan's", "the release's", "after the release", "the first"])
def test_both_halves_of_a_fork_in_one_file_are_seen(released: Released, place: str, tmp_path: Path) -> None:
    home, entry, view = released
    way = way_back(home, entry)
    if place == "after the release":
        seq = records.parse_as(records.Entry, home.store.get(entry)).seq + 1
        said = put(
            home, records.encode(records.Withdrawal(target=b"\2" * 32, reason="", remedy="notice", effective=LATE))
        )
        one = put(home, records.encode(make_entry(home.key, seq, entry, way[-1], said, LATE)))
        beside = [one, twin(home, one)]
    else:
        cid = {
            "before the plan": way[way.index(view.release.plan_entry) + 1],
            "the plan's": view.release.plan_entry,
            "the release's": entry,
            "the first": way[-1],
        }[place]
        issuer = records.Issuer(chains=(("eip155:5", "0x" + "5" * 40),)) if place == "the first" else None
        beside = [twin(home, cid, issuer)]
    report = audit_car(car_of(home, entry, tmp_path / "forked.car", beside=beside), level=3)
    assert failed(report) == ["2.log"]
    assert "forks" in of(report, "2.log")


def test_who_else_signed_what_is_told(released: Released, honest: Path, tmp_path: Path) -> None:
    home, _, view = released
    other = OtherKey()
    roots, blocks = sections(honest)
    for record, fails in (
        (records.Issuer(chains=()), True),
        (view.plan, True),
        (view.release, True),
        (records.Withdrawal(target=b"\3" * 32, reason="mine", remedy="notice", effective=EARLY), False),
    ):
        foreign = other.says(home, record)
        said = records.parse_as(records.Entry, home.store.get(foreign)).record
        more = [(cid, home.store.get(cid)) for cid in (foreign, said) if cid not in dict(blocks)]
        path = write_car(tmp_path / "more.car", [*roots, foreign], [*blocks, *more])
        report = audit_car(path, level=3)
        assert (failed(report), other.did in of(report, "2.issuer")) == (["2.issuer"] if fails else [], True)
        assert (report.type, report.issuer) == ("release", home.key.did)


def test_a_first_entry_of_another_key_is_no_first_entry(released: Released, tmp_path: Path) -> None:
    """The opening is exchanged for somebody else's, the entry after it follows from that one."""
    home, entry, _ = released
    foreign = OtherKey().says(home, records.Issuer(chains=()))
    second = way_back(home, entry)[-2]
    value = records.parse_as(records.Entry, home.store.get(second))
    forged = forge(home, entry, replaced(second, value, prev=bytes(foreign)))
    path = tmp_path / "forged.car"
    report = audit_car(car_of(home, forged, path))
    assert "2.issuer" in failed(report)
    assert OtherKey().did in of(report, "2.issuer")


def test_an_unsigned_withdrawal_excuses_nothing(released: Released, honest: Path, tmp_path: Path) -> None:
    home, entry, view = released
    row = next(iter(home_items(home, view)))
    roots, blocks = sections(honest)
    left = [(cid, data) for cid, data in blocks if cid != row["image"]]
    record = records.Withdrawal(target=row["sha256"], reason="gone", remedy="notice", effective=EARLY)
    bare = put(home, records.encode(record))
    outsiders = OtherKey().says(home, record)
    theirs = make_entry(OtherKey(), 0, None, None, bare, EARLY)
    bad = put(home, records.encode(msgspec.structs.replace(theirs, issuer=home.key.did)))
    for name, more in (("nothing", []), ("bare", [bare]), ("outsider", [outsiders, bare]), ("bad", [bad, bare])):
        blocks = [*left, *((cid, home.store.get(cid)) for cid in more)]
        report = audit_car(write_car(tmp_path / f"{name}.car", [*roots, *more], blocks), level=1)
        assert "1.images" in failed(report), name
        assert report.withdrawn == []
    seq = records.parse_as(records.Entry, home.store.get(entry)).seq + 9
    mine = put(home, records.encode(make_entry(home.key, seq, entry, way_back(home, entry)[-1], bare, LATE)))
    blocks = [*left, *((cid, home.store.get(cid)) for cid in (mine, bare))]
    report = audit_car(write_car(tmp_path / "mine.car", [*roots, mine], blocks))
    assert (failed(report), report.exit_code(strict=False)) == ([], 0)
    told = {"what": f"image {row['sha256'].hex()}", "issuer": home.key.did, "effective": EARLY, "reason": "gone"}
    assert report.withdrawn == [{**told, "remedy": "notice"}]


def home_items(home: Home, view: ReleaseView) -> Iterator[dict[str, Any]]:
    return tables.rows_as_dicts(view.snapshot.items, home.store.get)


# --- level 3 without a chain ---------------------------------------------------------------------
CONTRACT, BLOCK = "0x" + "c" * 40, "0x" + "b" * 64
PLACE: dict[str, Any] = {"chain": "eip155:1", "contract": CONTRACT, "transaction": "0x" + "d" * 64}


def evidence_of(entry: CID | bytes, block: Mapping[str, Any]) -> records.Evidence:
    statement = records.to_value(records.Block(**block))
    return records.Evidence(entry=bytes(entry), kind="evm", statement=statement, proof=None)


class Anchored:
    """The release as if it had been anchored: an opening that names a chain, a beacon, evidence of plan and release."""

    def __init__(self, released: Released, *more: records.Beacon, **beacon: Any) -> None:
        home, entry, view = released
        plan = records.parse_as(records.Entry, home.store.get(view.release.plan_entry))
        at = {**PLACE, "block_number": 10, "block_hash": BLOCK, "time": plan.issued_at, **beacon}
        self.home, self.beacon = home, records.EvmBlock(**at)
        opening = records.parse_as(records.Entry, home.store.get(way_back(home, entry)[-1])).record
        changed = {
            opening: records.encode(records.Issuer(chains=(("eip155:1", CONTRACT),))),
            **replaced(view.release.draw, view.draw, beacons=(self.beacon, *more)),
        }
        self.entry = forge(home, entry, changed)
        release = records.parse_as(records.Entry, home.store.get(self.entry)).record
        self.plan_entry = records.parse_as(records.Release, home.store.get(release)).plan_entry

    def evidence(self, entry: CID, **fields: Any) -> CID:
        said = {**PLACE, "block_number": 10, "block_hash": BLOCK, "time": self.beacon.time, **fields}
        return put(self.home, records.encode(evidence_of(entry, said)))

    def report(self, path: Path, *evidence: CID) -> Report:
        roots = [self.entry, *evidence, way_back(self.home, self.entry)[-1]]
        return audit_car(car_of(self.home, self.entry, path, roots=roots), level=3)


LATER = {"block_number": 20, "block_hash": "0x" + "e" * 64, "time": LATE}


def test_honest_evidence_is_no_false_alarm(released: Released, tmp_path: Path) -> None:
    one = Anchored(released)
    report = one.report(tmp_path / "a.car", one.evidence(one.plan_entry), one.evidence(one.entry, **LATER))
    found = {id: result for id, result in results(report).items() if id.startswith("3.")}
    assert [id for id, result in found.items() if result == FAILS] == []
    assert {id for id, result in found.items() if result == UNCHECKED} == {"3.order", "3.beacon"}


def test_what_this_version_can_not_check_yet_is_told(released: Released, tmp_path: Path) -> None:
    drand = records.DrandRound(chain="ab" * 32, round=12345, signature=b"s" * 48)
    one = Anchored(released, drand)
    stamp = records.Evidence(entry=bytes(one.entry), kind="stamped", statement={"time": LATE}, proof=b"token")
    path = tmp_path / "a.car"
    seen = [one.evidence(one.plan_entry), one.evidence(one.entry, **LATER), put(one.home, records.encode(stamp))]
    report = one.report(path, *seen)
    assert [id for id in failed(report) if id.startswith("3.")] == []
    assert of(report, "3.drand") == f"this version can't check the signature of round 12345 of {'ab' * 32} yet"
    assert of(report, "3.evidence") == "this version can't check evidence of kind stamped yet"
    assert {results(report)[id] for id in ("3.drand", "3.evidence")} == {UNCHECKED}


@pytest.mark.parametrize(
    ("beacon", "plan", "release", "check"),
    [
        pytest.param({}, None, LATER, "3.beacon", id="a beacon without evidence"),
        pytest.param({}, {"block_hash": "0x" + "9" * 64}, LATER, "3.beacon", id="another block"),
        pytest.param({}, {"block_number": 11}, LATER, "3.beacon", id="another number"),
        pytest.param({}, {"transaction": "0x" + "9" * 64}, LATER, "3.beacon", id="another transaction"),
        pytest.param({"chain": "eip155:2"}, {"chain": "eip155:2"}, LATER, "3.named", id="another chain"),
        pytest.param({}, {}, {**LATER, "chain": "eip155:2"}, "3.named", id="the release on another chain"),
        pytest.param({}, {}, {**LATER, "contract": "0x" + "9" * 40}, "3.named", id="another contract"),
        pytest.param({}, {}, {**LATER, "block_number": 10}, "3.order", id="both in one block"),
        pytest.param({}, {}, {**LATER, "block_number": 9}, "3.order", id="the release first"),
        pytest.param({}, {}, {**LATER, "time": EARLY}, "3.anchored", id="a later block of an earlier time"),
        pytest.param({"time": EARLY}, {"time": EARLY}, LATER, "3.anchored", id="a block older than the plan"),
        pytest.param({"time": LATE}, {"time": LATE}, LATER, "3.drawn", id="trained before the draw's block"),
    ],
)
def test_what_evidence_contradicts_shows_without_a_chain(
    released: Released, beacon: Any, plan: Any, release: Any, check: str, tmp_path: Path
) -> None:
    one = Anchored(released, **beacon)
    evidence = [] if plan is None else [one.evidence(one.plan_entry, **plan)]
    report = one.report(tmp_path / "a.car", *evidence, one.evidence(one.entry, **release))
    assert check in failed(report), of(report, check)
    assert report.exit_code(strict=False) == 1


def test_a_first_entry_that_names_no_chains_opens_no_log(released: Released, tmp_path: Path) -> None:
    home, entry, _ = released
    opening = way_back(home, entry)[-1]
    value = records.parse_as(records.Entry, home.store.get(opening))
    other = put(
        home, records.encode(records.Withdrawal(target=b"\4" * 32, reason="", remedy="notice", effective=EARLY))
    )
    forged = forge(home, entry, replaced(opening, value, record=other))
    assert "3.named" in failed(audit_car(car_of(home, forged, tmp_path / "a.car")))


# --- the file ------------------------------------------------------------------------------------
def test_a_block_under_another_codec_is_not_that_block(released: Released, honest: Path, tmp_path: Path) -> None:
    roots, blocks = sections(honest)
    evaluation = released.view.release.evaluation
    other = CID.v1(RAW, evaluation.digest)
    moved = [(other if cid == evaluation else cid, data) for cid, data in blocks]
    report = audit_car(write_car(tmp_path / "moved.car", roots, moved))
    assert "1.complete" in failed(report)
    assert str(evaluation) in of(report, "1.complete")
    assert report.exit_code(strict=False) == 1


def test_a_file_that_holds_a_release_is_audited_as_that_release(
    released: Released, honest: Path, tmp_path: Path
) -> None:
    home, entry, view = released
    roots, blocks = sections(honest)
    for first in (view.release.plan_entry, way_back(home, entry)[-1], view.preprocessing.snapshot):
        report = audit_car(write_car(tmp_path / "turned.car", [first, *roots], blocks), level=3)
        assert (report.type, report.target, report.entry) == ("release", str(records.cid(view.release)), str(entry))
        assert report.to_json()["type"] == "release"
        assert report.exit_code(strict=False) == 0
    without = [block for block in blocks if block[0] != entry]
    report = audit_car(write_car(tmp_path / "plan.car", [view.release.plan_entry], without))
    assert report.type == "plan"


def test_evidence_is_no_target(released: Released, tmp_path: Path) -> None:
    one = Anchored(released)
    evidence = one.evidence(one.plan_entry)
    path = car_of(one.home, one.entry, tmp_path / "a.car", roots=[evidence, one.entry])
    report = audit_car(path)
    assert (report.exit_code(strict=False), failed(report)) == (1, ["1.file"])
    assert "evidence" in of(report, "1.file")


def test_a_file_of_two_releases_names_the_one_that_is_meant(released: Released, tmp_path: Path) -> None:
    home, entry, view = released
    other = forge(home, entry, replaced(records.cid(view.release), view.release, licence="none"))
    blocks = dict(sections(car_of(home, entry, tmp_path / "one.car"))[1])
    blocks |= dict(sections(car_of(home, other, tmp_path / "two.car"))[1])
    report = audit_car(write_car(tmp_path / "both.car", [view.release.plan_entry], blocks.items()))
    assert failed(report) == ["1.file"]
    report = audit_car(write_car(tmp_path / "both.car", [view.release.plan_entry, other, entry], blocks.items()))
    assert (report.entry, "2.log" in failed(report)) == (str(other), True)  # and the log forks


def test_evidence_of_nothing_breaks_no_report(released: Released, honest: Path, tmp_path: Path) -> None:
    """Anyone can add a block to a file."""
    roots, blocks = sections(honest)
    data = records.encode(evidence_of(b"no CID", {**PLACE, "block_number": 1, "block_hash": BLOCK, "time": EARLY}))
    report = audit_car(write_car(tmp_path / "more.car", roots, [*blocks, (cid_of(data, DAG_CBOR), data)]))
    assert "1.records" in failed(report)
    assert len(report.checks) > 30
    assert results(report)["6.metrics"] == HOLDS


def test_a_file_that_claims_to_be_endless_is_not_read(released: Released, tmp_path: Path) -> None:
    """An image of a few blocks that name each other again and again, as large as its row says."""
    home, entry, view = released
    block = repeating(home)
    changed = in_items(set_cell(1, block))(home, view)
    report = audit_car(car_of(home, forge(home, entry, changed), tmp_path / "bomb.car"), level=1)
    assert "1.images" in failed(report)


def repeating(home: Home) -> CID:
    size, cid = 1 << 10, put(home, bytes(1 << 10), RAW)
    for _ in range(5):
        sizes = (size,) * 64
        data = encode_unixfs(UnixFS(FILE, filesize=sum(sizes), blocksizes=sizes))
        node = encode_node(Node(tuple(Link(cid, "", size) for _ in sizes), data))
        size, cid = sum(sizes), put(home, node, DAG_PB)
    return cid


def test_what_no_check_looks_at_is_listed(released: Released, honest: Path) -> None:
    for level in (None, 2, 6, 8):
        report = audit_car(honest, level=level)
        found = results(report)
        for id in ("2.labels", "2.query", "5.pixels", "5.dropped", "7.predictions", "8.training"):
            assert found[id] == UNCHECKED, (level, id)
        assert all(check.reason for check in report.checks if check.result == UNCHECKED)
        assert {check.level for check in report.checks} == set(range(1, 9))


def test_a_stream_of_version_2_is_audited_alike(honest: Path, tmp_path: Path) -> None:
    data = honest.read_bytes()
    head = bytes(16) + b"".join(number.to_bytes(8, "little") for number in (51, len(data), 0))
    (tmp_path / "v2").write_bytes(car.PRAGMA_V2 + head + data + bytes(9))
    report = audit_car(tmp_path / "v2")
    assert (failed(report), report.type) == ([], "release")


def test_the_digest_is_that_of_the_published_bytes(released: Released) -> None:
    home, _, view = released
    for one in view.release.weights:
        assert tensors_digest(files_of(home, one.cid)[WEIGHTS]) == one.tensors


def test_who_signs_a_release_again_does_not_become_its_issuer(released: Released) -> None:
    """Not even by an entry that says to be older, where it was imported into the home that published it."""
    home, entry, view = released
    foreign = OtherKey(9).says(home, view.release)
    with home.catalog.write() as db:
        indexing.index_entry(db, foreign, home.store.get)
    report = audit_target(home, str(records.cid(view.release)), level=2)
    assert (report.issuer, report.entry, failed(report)) == (home.key.did, str(entry), [])
    report = audit_target(home, str(foreign), level=2)
    assert (report.issuer, failed(report)) == (OtherKey(9).did, ["2.issuer", "2.log"])
