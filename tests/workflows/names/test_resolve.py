"""What a text means: CIDs, names, ``latest``, beginnings; what is refused, and what is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from registry.assembly import Home
from registry.catalog.index.indexing import index_entry
from registry.catalog.queries.signed_records import entries
from registry.catalog.queries.training_runs import runs
from registry.core import log, records
from registry.core.errors import EmotionetError, InvalidInput, NotFound, UsageError
from registry.core.ipld.cid import CID
from registry.core.text.names import is_reference
from registry.workflows.log.append import put_record
from registry.workflows.names.find_image import find_image
from registry.workflows.names.resolve import find, resolve, run_id
from registry.workflows.names.set_name import set_name
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.upkeep.maintenance import rebuild_catalog
from registry.workflows.withdrawals.withdraw import withdraw
from tests.support.anchors.signer import MemorySigner
from tests.support.forgery import simulated_release


class Made(NamedTuple):
    """A home with one release, and the CIDs of what it came from."""

    home: Home
    snapshot: CID
    plan: CID
    release: CID
    entry: CID
    run: str


@pytest.fixture
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with simulated_release(tmp_path_factory.mktemp("named")) as done:
        with done.home.catalog.read() as db:
            release = entries.record_of(db, done.entry)
            run = runs.find_by_plan(db, done.view.draw.plan)[0]
        yield Made(done.home, done.view.preprocessing.snapshot, done.view.draw.plan, release, done.entry, run)


def named(made: Made, name: str, target: CID) -> dict[str, Any]:
    return set_name(made.home, made.home.key, name, target)


def says(home: Home, key: MemorySigner, record: records.Record) -> None:
    """Index the first entry of somebody else's log."""
    cid = put_record(home, record)
    entry = put_record(home, log.make_entry(key, 0, None, None, cid, home.now()))
    with home.catalog.write() as db:
        index_entry(db, entry, home.store.get)


def refused(made: Made, text: str, *kinds: str) -> EmotionetError:
    with pytest.raises(EmotionetError) as caught:
        resolve(made.home, text, *kinds)
    return caught.value


def test_a_name_moves_and_its_history_stays(made: Made) -> None:
    assert named(made, "faces", made.snapshot)["moved"]
    assert not named(made, "faces", made.snapshot)["moved"]
    other = CID.parse(take_snapshot(made.home, query={"label": "feliz"})["snapshot"])
    assert named(made, "faces", other)["number"] == 2
    assert resolve(made.home, "faces") == other
    assert resolve(made.home, "faces@1") == made.snapshot
    assert resolve(made.home, f"{made.home.key.did}/faces@2") == other
    assert resolve(made.home, f"{made.home.key.address}/faces") == other
    assert named(made, "faces", made.snapshot)["number"] == 3  # moved back: said again, although it was said before
    assert resolve(made.home, "faces") == made.snapshot
    assert refused(made, "faces@4").code == "no_such_name"
    rebuild_catalog(made.home)
    assert [resolve(made.home, f"faces@{number}") for number in (1, 2, 3)] == [made.snapshot, other, made.snapshot]


def test_one_name_may_stand_for_a_snapshot_its_run_and_its_release(made: Made) -> None:
    for target in (made.snapshot, made.plan, made.release):
        named(made, "faces", target)
    assert resolve(made.home, "faces", "snapshot") == made.snapshot
    assert resolve(made.home, "faces", "plan") == made.plan
    assert resolve(made.home, "faces") == resolve(made.home, "faces", "release") == made.release
    assert run_id(made.home, "faces") == made.run
    error = refused(made, "faces@1", "release")
    assert (error.code, str(error)) == ("wrong_record_type", "faces@1 names a snapshot, no release")


def test_a_strangers_name_never_stands_for_ones_own(made: Made) -> None:
    ben = MemorySigner(5)
    says(made.home, ben, records.Name(name="faces", target=bytes(made.release)))
    error = refused(made, "faces")
    address = ben.did.rpartition(":")[2]
    assert isinstance(error, NotFound)
    assert f"others have {address}/faces" in str(error)
    assert resolve(made.home, f"{address}/faces") == made.release
    named(made, "faces", made.snapshot)
    assert resolve(made.home, "faces") == made.snapshot
    assert resolve(made.home, f"{ben.did}/faces") == made.release


@pytest.mark.parametrize(
    "name",
    ["latest", "bafyreib", "baf", "r234abcdefghi", "Faces", "a b", "faces@2", "a/b", "x.car", "", "0x12", "fácés"],
)
def test_what_means_something_else_is_no_name(made: Made, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        named(made, name, made.snapshot)
    assert caught.value.code == "bad_name"


def test_only_snapshots_plans_and_releases_are_named(made: Made) -> None:
    with made.home.catalog.read() as db:
        training = CID.parse(runs.folds(db, made.run)[0]["training"])
        weights = records.parse_as(records.Training, made.home.store.get(training)).weights
    for target in (training, weights, made.entry):
        with pytest.raises(InvalidInput) as caught:
            named(made, "faces", target)
        assert caught.value.code == "wrong_record_type"
    with pytest.raises(NotFound):
        named(made, "faces", CID.v1(0x71, bytes(32)))


def test_latest_is_of_the_kind_that_is_asked_for(made: Made) -> None:
    assert resolve(made.home, "latest", "snapshot") == made.snapshot
    assert resolve(made.home, "latest", "plan") == made.plan
    assert resolve(made.home, "latest") == resolve(made.home, "latest", "release") == made.release
    assert run_id(made.home, "latest") == made.run
    assert refused(made, "latest", "draw").code == "no_latest"
    with made.home.catalog.write() as db:
        runs.update(db, made.run, status="failed")
    with pytest.raises(NotFound):
        run_id(made.home, "latest")
    withdraw(made.home, str(made.release), "no consent")
    assert refused(made, "latest", "release").code == "no_latest"


def test_the_beginning_of_a_cid_is_enough_where_it_is_the_only_one(made: Made) -> None:
    text = str(made.release)
    for short in (text[:30], f"{text[:10]}…{text[-8:]}", f"{text[:14]}…{text[-4:]}", f"{text[:14]}...{text[-4:]}"):
        assert resolve(made.home, short) == resolve(made.home, short, "release") == made.release
    assert find(made.home, str(made.entry)[:30]) == made.entry
    assert resolve(made.home, str(made.entry)[:30], "release") == made.release
    assert refused(made, text[:30], "snapshot").code == "not_found"
    assert refused(made, f"{text[:14]}…{'7777' if not text.endswith('7777') else 'aaaa'}").code == "not_found"
    error = refused(made, text[:10])
    assert (error.code, error.hint) == ("too_short", "give at least 4 signs after bafyrei.")
    assert isinstance(refused(made, text[:-1] + "0"), UsageError)


def test_what_two_things_match_names_both(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    alike = {"cid": "bafyreiaaaa2", "record": "bafyreiaaaa2", "type": "plan"}
    other = {"cid": "bafyreiaaaa3", "record": "bafyreiaaaa3", "type": "release"}
    monkeypatch.setattr("registry.catalog.queries.signed_records.names.records_begun", lambda *_: [alike, other])
    error = refused(made, "bafyreiaaaa")
    assert error.code == "ambiguous"
    assert str(error) == "'bafyreiaaaa' may be any of 2: bafyreiaaaa2 (run), bafyreiaaaa3 (release)"


def test_a_run_is_found_by_the_beginning_of_its_id_and_by_its_plan(made: Made) -> None:
    for text in (made.run, made.run[:8], str(made.plan), str(made.plan)[:30]):
        assert run_id(made.home, text) == made.run
    assert resolve(made.home, made.run) == resolve(made.home, made.run, "plan") == made.plan
    for text in ("r222", "rzzzzzzzz", "faces", "", "r" * 200):
        with pytest.raises(NotFound):
            run_id(made.home, text)
    with pytest.raises(UsageError):
        resolve(made.home, made.run, "release")


def test_a_run_without_a_plan_is_known_by_the_name_that_it_will_have(made: Made) -> None:
    named(made, "faces", made.snapshot)
    options: dict[str, Any] = {"snapshot": "s", "recipe_name": "r", "engine": None, "now": "2026-11-30T12:00:00Z"}
    with made.home.catalog.write() as db:
        run = runs.create(db, options={"name": "faces"}, **options)
    assert run_id(made.home, "faces") == run
    named(made, "faces", made.plan)
    assert run_id(made.home, "faces") == run  # it is at work, and its plan will have the name
    with made.home.catalog.write() as db:
        runs.update(db, run, status="failed")
    assert run_id(made.home, "faces") == made.run


def test_an_image_is_found_by_its_files_name_on_this_machine_alone(made: Made) -> None:
    sha256 = find_image(made.home, "7.jpg", file_names=True)
    assert find_image(made.home, sha256[:10]) == find_image(made.home, f"{sha256[:6]}…{sha256[-4:]}") == sha256
    assert find_image(made.home, sha256) == sha256
    with pytest.raises(NotFound):
        find_image(made.home, "7.jpg")
    for text in ("77.jpg", "%.jpg", "_.jpg", ".jpg", "", sha256[:3]):
        with pytest.raises(NotFound):
            find_image(made.home, text, file_names=True)


def test_what_is_written_as_a_name_is_told_from_paths() -> None:
    assert all(map(is_reference, ["faces", "faces@2", f"0x{'a' * 40}/faces", "latest"]))
    assert not any(map(is_reference, ["./faces", "faces.car", "a/b", "bafyreib", "", "Faces", "faces@0"]))
