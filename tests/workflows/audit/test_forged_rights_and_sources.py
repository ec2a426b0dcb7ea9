"""What a forger with the key forges of images' rights, of rules and of where attributes come from; and that honest
releases raise no alarm, here and in the verifier in JavaScript."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from msgspec import structs

from registry.api.app import create_app
from registry.assembly import Home
from registry.catalog.queries import kept_audits
from registry.cli.main import main
from registry.cli.texts.figures import claim_lines
from registry.content.unixfs import importer
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.run_view import ReleaseView
from registry.core.snapshots.image_rights import image_rights
from registry.exports.card.card import model_card
from registry.provenance.checks.results import FAILS
from registry.web.report.collect import collect
from registry.web.report.report import render_report
from registry.workflows.audit.audit_target import audit_car
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.publish_release import publish_release, show_release
from registry.workflows.releases.verdicts import release_verdict
from registry.workflows.releases.warnings import warnings_of
from registry.workflows.runs.show_run import evaluation_of
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.snapshots.terms import Terms
from tests.support.forgery import Changed, Released, car_of, failed, forge, new_table, opened_home, released, replaced
from tests.support.verifier import results_of, verified

CLAIMS = ("recall(age=old) >= 0.02", "recall(side=l) >= 0.02", "macro_f1 >= 0.02")
ITEM = {name: at for at, name in enumerate(records.SNAPSHOT_ITEMS.columns)}


def labelled(folder: Path) -> Path:
    """32 files of two classes: two people label each; a program inferred ages, one file is reserved."""
    folder.mkdir(parents=True)
    lines = ["file,label,contributor,subject,attr.side,source.side,attr.age,source.age,rights.tdm-reservation"]
    for number in range(32):
        (folder / f"{number}.jpg").write_bytes(b"%d" % number)
        label, side, age = ("triste", "feliz")[number % 2], "lr"[number % 3 == 0], ("old", "young")[number % 8 == 0]
        said = f"{number // 2},{side},self,{age},inferred,{1 if number == 5 else ''}"
        lines.append(f"{number}.jpg,{label},anna,{said}")
        lines.append(f"{number}.jpg,{'feliz' if number == 6 else label},ben,,,,,,")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


def published(home: Home, terms: Terms) -> Released:
    snapshot = CID.parse(take_snapshot(home, terms=terms)["snapshot"])
    run = start_run(home, snapshot, Wanted(recipe="simulated", method="simulated", claims=CLAIMS))
    home.worker().work(run)
    return released(home, CID.parse(publish_release(home, run)["entry"]))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("rights")
    with opened_home(folder) as opened:
        import_source(opened, str(labelled(folder / "faces")))
        yield opened


@pytest.fixture(scope="module")
def honoured(home: Home) -> Released:
    return published(home, Terms())


@pytest.fixture(scope="module")
def overridden(home: Home) -> Released:
    return published(home, Terms(rule="unanimous", override="their owner agreed"))


def test_honest_releases_raise_no_alarm(
    home: Home, honoured: Released, overridden: Released, tmp_path: Path, node: str
) -> None:
    files = []
    for name, one in (("honoured", honoured), ("overridden", overridden)):
        files.append(car_of(home, one.entry, tmp_path / f"{name}.car"))
        assert failed(audit_car(files[-1])) == []
    for document in verified(node, *files):
        assert [id for id, result in results_of(document).items() if result == FAILS] == []
    assert {row[1] for row in excluded_of(home, honoured.view)} == {"reserved", "disagreement"}
    assert {row[1] for row in excluded_of(home, overridden.view)} == {"disagreement"}


def test_a_claim_on_inferred_groups_is_not_supported(home: Home, honoured: Released) -> None:
    shown = show_release(home, records.cid(honoured.view.release))
    said = {one["metric"]: (one["verdict"], one["reason"]) for one in shown["claims"]}
    assert said["recall(age=old)"] == ("undecided", "inferred_attribute")
    assert said["recall(side=l)"][1] is None
    assert said["macro_f1"] == ("supported", None)
    card = home.store.get(honoured.view.release.card).decode()
    assert "a program inferred what its groups go by" in card
    assert "(honoured) | 1" in card


def excluded_of(home: Home, view: ReleaseView) -> list[Any]:
    from registry.core.table import tables

    return [list(row) for row in tables.iterate(view.snapshot.excluded, home.store.get)]


def tables_with(
    items: Callable[[list[Any]], list[Any]] | None = None,
    excluded: Callable[[list[Any]], list[Any]] | None = None,
    **fields: Any,
) -> Callable[[Home, ReleaseView], Changed]:
    """The snapshot with other rows of its tables, and other fields."""

    def change(home: Home, view: ReleaseView) -> Changed:
        snapshot = view.snapshot
        if items is not None:
            fields["items"] = new_table(home, snapshot.items, records.SNAPSHOT_ITEMS, items)
        if excluded is not None:
            fields["excluded"] = new_table(home, snapshot.excluded, records.EXCLUDED, excluded)
        return replaced(view.preprocessing.snapshot, snapshot, **fields)

    return change


def self_said(rows: list[Any]) -> list[Any]:
    for row in rows:
        row[ITEM["sources"]] = {"side": "self", "age": "self"}
    return rows


def as_supported(home: Home, view: ReleaseView) -> Changed:
    first, *rest = view.evaluation.verdicts
    verdicts = (structs.replace(first, verdict="supported", reason=None), *rest)
    return {
        **replaced(view.release.evaluation, view.evaluation, verdicts=verdicts),
        **replaced(records.cid(view.release), view.release, claims=verdicts),
    }


def silent_card(home: Home, view: ReleaseView) -> Changed:
    """The card of the template before, which said nothing of rights."""
    text = model_card(view, image_rights(view.snapshot, home.store.get), template=2).encode()
    card = importer.add_bytes(home.store, text).cid
    return replaced(records.cid(view.release), view.release, card=card)


NEVER = records.Use(override=None, licences=(), consent=False)


def test_a_release_says_wherever_it_is_shown_that_rights_were_overridden(
    home: Home,
    honoured: Released,
    overridden: Released,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("EMOTIONET_HOME", str(home.settings.home))
    kept, over = (str(records.cid(one.view.release)) for one in (honoured, overridden))
    said = "RIGHTS OVERRIDDEN: 1 image with a no to this use: their owner agreed"
    with TestClient(create_app(home)) as client:
        answers = {cid: client.get(f"/api/v1/releases/{cid}").json()["rights"] for cid in (kept, over)}
        listed = {one["cid"]: one["override"] for one in client.get("/api/v1/releases").json()["items"]}
    for cid, override in ((kept, None), (over, "their owner agreed")):
        assert main(["release", "show", cid]) == 0
        assert (said in capsys.readouterr().out) == (override is not None)
        assert main(["release", "show", cid, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["rights"] == answers[cid]
        assert (answers[cid]["asked"], answers[cid]["override"], listed[cid]) == (True, override, override)
        assert answers[cid]["counts"]["overridden"] == (override is not None)
    assert main(["release", "list"]) == 0
    assert capsys.readouterr().out.count("RIGHTS OVERRIDDEN. ") == 1


def test_what_a_program_inferred_is_said_of_claims_and_beside_every_group(home: Home, honoured: Released) -> None:
    release = records.cid(honoured.view.release)
    verdict = [one.text("en") for one in release_verdict(home, release).parts]
    lines = claim_lines(evaluation_of(home, str(honoured.view.release.evaluation)))
    assert len(lines) == len(CLAIMS)
    assert all(any(line.startswith(said) for said in verdict) for line in lines), (lines, verdict)
    assert "not estimable" not in "".join(lines)
    page = render_report(collect(home, release, "en"))
    pairs = [one for one in re.findall(r"<tr><th>age = old, side = l(.*?)</th>", page, re.DOTALL) if one]
    assert pairs, re.findall(r"<tr><th>(.*?)</th>", page, re.DOTALL)
    for pair in pairs:
        assert re.search(r"age = old: inferred by a program: \d+<", pair), pair
        assert re.search(r"side = l: said by .*?: \d+<", pair), pair


def test_whoever_uses_a_snapshot_is_told_that_an_audit_found_it_broken(home: Home, honoured: Released) -> None:
    snapshot, release = honoured.view.preprocessing.snapshot, str(records.cid(honoured.view.release))
    for failing in ("6.verdicts", "4.items"):
        assert not warnings_of(home, snapshot)
        checks = [{"id": failing, "result": FAILS}]
        with home.catalog.write() as db:
            audit = kept_audits.add(db, target=release, name=release, held=True, level=None, now=home.now())
            report = {"target": release, "records": "broken", "checks": checks}
            kept_audits.finish(db, audit, report, home.now())
    (said,) = warnings_of(home, snapshot)
    assert said.startswith(f"BROKEN: the audit that is kept here of the release {release} found")
    with home.catalog.write() as db:
        kept_audits.prune(db, 0)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (tables_with(excluded=lambda rows: [row for row in rows if row[1] != "reserved"]), "4.items"),
        (tables_with(excluded=lambda rows: [[row[0], "reserved", row[2]] for row in rows]), "4.items"),
        (tables_with(lambda rows: rows[1:], lambda rows: [*rows, [b"\0" * 32, "reserved", "x"]]), "4.items"),
        (tables_with(items=self_said), "4.items"),
        (tables_with(use=None), "4.items"),
        (tables_with(use=records.Use(override="none of your concern", licences=(), consent=False)), "4.items"),
        (tables_with(use=records.Use(override=None, licences=("CC0-1.0",), consent=False)), "4.items"),
        (tables_with(rule="trusted-v1", trusted=(("did:pkh:eip155:1:0x" + "0" * 40, "anna"),)), "4.items"),
        (tables_with(trusted=(("x", "anna"),)), "4.items"),
        (as_supported, "6.verdicts"),
        (silent_card, "6.card"),
    ],
)
def test_what_is_forged_of_rights_rules_and_sources_is_caught(
    home: Home,
    honoured: Released,
    change: Callable[[Home, ReleaseView], Changed],
    check: str,
    tmp_path: Path,
    node: str,
) -> None:
    forged = forge(home, honoured.entry, change(home, honoured.view))
    file = car_of(home, forged, tmp_path / "forged.car")
    assert check in failed(audit_car(file))
    (document,) = verified(node, file)
    assert check == "6.card" or results_of(document)[check] == FAILS


def test_an_override_that_the_record_hides_is_caught(
    home: Home, overridden: Released, tmp_path: Path, node: str
) -> None:
    for use in (NEVER, None):
        forged = forge(home, overridden.entry, tables_with(use=use)(home, overridden.view))
        file = car_of(home, forged, tmp_path / "forged.car")
        caught = failed(audit_car(file))
        (document,) = verified(node, file)
        assert "4.items" in caught
        assert results_of(document)["4.items"] == FAILS
