"""What base weights have seen of the judged images is told before training, in every record and by the audit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from safetensors.numpy import save

from registry.assembly import Home
from registry.catalog.queries.signed_records.lineage import lineage
from registry.cli.texts.release import release_text
from registry.content.unixfs import reader
from registry.core import records
from registry.core.errors import UsageError
from registry.core.ipld.cid import CID
from registry.core.table import tables
from registry.evaluation.base_seen import ON_SEEN, OUTSIDE, UNCLEANED, UNKNOWN, about_base
from registry.evaluation.sentences import note_text
from registry.provenance.base_lineage import lineage_blocks
from registry.provenance.checks.report import Report
from registry.web.report.collect import collect
from registry.workflows.audit.audit_target import audit_car, audit_target
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.publish_release import show_release
from registry.workflows.runs.estimate_run import estimate_run
from registry.workflows.runs.start_run import Wanted
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.export_held import export_held
from tests.support.forgery import Released, car_of, failed, forge, new_table, publish, replaced, simulated_home
from tests.support.verifier import results_of, verified

CLAIMS = ("macro_f1 >= 0.10", "macro_f1 >= 0.999")


class World(msgspec.Struct, frozen=True):
    """A release, one whose base weights are the first's fold 1, one with weights that nobody knows."""

    first: Released
    leaky: Released
    unknown: Released
    stranger: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("base")
    stranger = folder / "stranger"
    stranger.mkdir()
    (stranger / "weights.safetensors").write_bytes(save({"layer": np.ones(3, np.float32)}))
    (stranger / "model.json").write_bytes(b'{"architecture": "simulated", "names": ["a"]}')
    with simulated_home(folder) as home:
        first = publish(home)
        leaky = publish(home, base=str(first.view.trainings[1].weights), claims=CLAIMS)
        yield World(first, leaky, publish(home, base=str(stranger), claims=CLAIMS[:1]), stranger)


def of_base(report: Report) -> Any:
    return next(one for one in report.checks if one.id == "4.base")


def trained_by(first: Released, fold: int) -> set[bytes]:
    rows = tables.rows_as_dicts(first.view.draw.folds, first.home.store.get)
    return {row["sha256"] for row in rows if row["fold"] != fold}


def test_plan_trainings_and_evaluation_tell_what_was_seen(world: World) -> None:
    home, view = world.leaky.home, world.leaky.view
    seen = trained_by(world.first, 1)
    assert view.plan.origin is not None
    assert view.plan.seen is not None
    assert view.plan.origin.whole
    items = tables.rows_as_dicts(view.snapshot.items, home.store.get)
    persons = {row["subject"] for row in items if row["sha256"] in seen}
    assert view.plan.origin.seen == records.Seen(images=len(seen), persons=len(persons), near_duplicates=0)
    assert [CID.decode(one) for one in view.plan.base_trainings] == [world.first.view.release.trainings[1]]
    assert {row["sha256"] for row in tables.rows_as_dicts(view.plan.seen, home.store.get)} == seen
    assert sum(one.base.seen.images for one in view.trainings if one.base and one.base.seen) == len(seen)
    found = view.evaluation
    assert (found.seen[0].n, found.unseen[0].n) == (len(seen), found.metrics[0].n - len(seen))
    assert [one.verdict for one in found.verdicts] == [ON_SEEN, "refuted"]
    assert any(f"have seen {len(seen)} judged images" in note_text(note) for note in found.notes)
    assert not any("did not see it" in note_text(note) for note in found.notes)


def test_every_way_of_telling_says_so(world: World) -> None:
    home, view = world.leaky.home, world.leaky.view
    said = f"have seen {len(trained_by(world.first, 1))} judged images"
    card = reader.read_whole(home.store, view.release.card).decode()
    assert said in card
    assert f"whose training is on record (`{world.first.view.release.trainings[1]}`)" in card
    assert "no origin" not in card
    assert "Images that the base weights have not seen" in card
    assert ON_SEEN in card
    snapshot = view.preprocessing.snapshot
    wanted = Wanted("simulated", "simulated", base=str(world.first.view.trainings[1].weights))
    told = estimate_run(home, snapshot, wanted)
    assert said in told["warnings"][0]
    assert told["warnings"][1:3] == [note_text(OUTSIDE), note_text(UNCLEANED)]  # nothing was cleaned
    assert OUTSIDE in view.evaluation.notes
    assert UNCLEANED not in view.evaluation.notes
    assert told["base_origin"]["seen"]["images"]
    shown = show_release(home, world.leaky.entry)
    text = "\n".join(release_text(shown))
    assert said in text
    assert "supported only with images that the base weights had seen" in text
    assert "have not seen: macro_f1" in text
    page = collect(home, CID.parse(shown["release"]), "en")
    assert said in note_text(page.base_notes[0])
    assert page.seen
    assert page.unseen
    with home.catalog.read() as db:
        _, edges = lineage(db, CID.parse(shown["release"]))
    assert {"base training"} <= {one["relation"] for one in edges}


@pytest.mark.parametrize("what", ["entry", "release", "plan"])
def test_a_record_as_base_weights_is_named_with_the_way_out(world: World, what: str) -> None:
    home, view = world.first.home, world.first.view
    release = records.parse_as(records.Entry, home.store.get(world.first.entry)).record
    given = {"entry": world.first.entry, "release": release, "plan": view.draw.plan}[what]
    with pytest.raises(
        UsageError, match=f"^{given} is a {'plan' if what == 'plan' else 'release'}, not weights$"
    ) as caught:
        estimate_run(home, view.preprocessing.snapshot, Wanted("simulated", "simulated", base=str(given)))
    assert (str(view.release.weights[0].cid) in str(caught.value.hint)) == (what != "plan")


@pytest.mark.parametrize("whole", [True, False])
def test_near_duplicates_that_nobody_looked_for_are_not_told_as_none(whole: bool) -> None:
    none = records.Seen(images=0, persons=0, near_duplicates=0)
    said = about_base(records.Origin(tensors="sha256:00", whole=whole, seen=none))
    assert "near-duplicate" not in note_text(said[0])
    assert said[1] == OUTSIDE


def test_the_audit_finds_it_here_and_from_the_file(world: World, tmp_path: Path, node: str) -> None:
    for report in (audit_target(world.leaky.home, str(world.leaky.entry)), _of_file(world.leaky, tmp_path)):
        assert (failed(report), of_base(report).result) == ([], "holds")
        assert "have seen" in of_base(report).reason
    assert results_of(*verified(node, tmp_path / "release.car"))["4.base"] == "holds"
    first = of_base(audit_target(world.first.home, str(world.first.entry)))
    assert (first.result, first.reason) == ("holds", "no base weights: training began from the architecture alone")


def _of_file(found: Released, folder: Path) -> Report:
    export_held(found.home, found.entry, folder / "release.car", without_images=True)
    return audit_car(folder / "release.car")


def test_unknown_is_told_as_unknown(world: World, tmp_path: Path) -> None:
    view = world.unknown.view
    assert view.plan.origin is not None
    assert (view.plan.origin.seen, view.plan.seen, view.plan.origin.whole) == (None, None, False)
    assert UNKNOWN in view.evaluation.notes
    assert note_text(UNKNOWN) in reader.read_whole(world.unknown.home.store, view.release.card).decode()
    told = estimate_run(
        world.unknown.home, view.preprocessing.snapshot, Wanted("simulated", "simulated", base=str(world.stranger))
    )
    assert told["warnings"][0] == note_text(UNKNOWN)
    report = _of_file(world.unknown, tmp_path)
    assert (failed(report), of_base(report).result, of_base(report).reason) == ([], "not checked", note_text(UNKNOWN))


def test_a_person_that_was_seen_counts_and_an_older_base_too(world: World, tmp_path: Path) -> None:
    """Other pictures of the same persons, from weights whose own base saw the first ones."""
    home = world.leaky.home
    (tmp_path / "more").mkdir()
    lines = ["file,label,contributor,subject"]
    for number in range(12):
        (tmp_path / "more" / f"{number}.jpg").write_bytes(b"more %d" % number)
        lines.append(f"{number}.jpg,{['triste', 'feliz', 'enojado'][number % 3]},clara,{number}")
    (tmp_path / "more" / "labels.csv").write_text("\n".join(lines))
    import_source(home, str(tmp_path / "more"))
    snapshot = CID.parse(take_snapshot(home, query={"contributor": ["clara"]})["snapshot"])
    told = estimate_run(
        home, snapshot, Wanted("simulated", "simulated", base=str(world.leaky.view.trainings[0].weights))
    )
    seen = told["base_origin"]["seen"]
    assert seen["images"] == seen["nearDuplicates"] == 0
    items = {row["sha256"]: row for row in tables.rows_as_dicts(world.first.view.snapshot.items, home.store.get)}
    here = {row["subject"] for row in tables.rows_as_dicts(_items(home, snapshot), home.store.get)}
    own, older = (
        {items[key]["subject"] for key in trained_by(one, fold)} for one, fold in ((world.leaky, 0), (world.first, 1))
    )
    assert seen["persons"] == len((own | older) & here) > len(own & here)


def _items(home: Home, snapshot: CID) -> CID:
    return records.parse_as(records.Snapshot, home.store.get(snapshot)).items


def hidden(view: Any) -> dict[str, Any]:
    return {
        "origin": msgspec.structs.replace(view.plan.origin, seen=None, whole=False),
        "base_trainings": (),
        "seen": None,
    }


def fewer(home: Any, view: Any) -> dict[str, Any]:
    table = new_table(home, view.plan.seen, records.SEEN, lambda rows: rows[1:])
    seen = msgspec.structs.replace(view.plan.origin.seen, images=view.plan.origin.seen.images - 1)
    return {"origin": msgspec.structs.replace(view.plan.origin, seen=seen), "seen": table}


def other_digest(view: Any) -> dict[str, Any]:
    return {"origin": msgspec.structs.replace(view.plan.origin, tensors="sha256:" + "0" * 64)}


@pytest.mark.parametrize("kind", ["hidden", "fewer", "no origin", "other digest", "other count"])
def test_who_holds_the_key_can_not_hide_what_was_seen(world: World, kind: str, tmp_path: Path, node: str) -> None:
    home, view = world.leaky.home, world.leaky.view
    origin = view.plan.origin
    assert origin is not None
    counted = records.Seen(images=0, persons=0, near_duplicates=0)
    changes: dict[str, Callable[[], dict[str, Any]]] = {
        "hidden": lambda: hidden(view),
        "fewer": lambda: fewer(home, view),
        "no origin": lambda: {"origin": None, "base_trainings": (), "seen": None},
        "other digest": lambda: other_digest(view),
        "other count": lambda: {"origin": msgspec.structs.replace(origin, seen=counted)},
    }
    fields = changes[kind]()
    forged = forge(home, world.leaky.entry, replaced(view.draw.plan, view.plan, **fields))
    path = car_of(home, forged, tmp_path / "forged.car", beside=lineage_blocks(home.store.get, view.plan))
    report = audit_car(path)
    assert "4.base" in failed(report), of_base(report)
    assert results_of(*verified(node, path))["4.base"] == "does not hold"
