"""How often an issuer planned the same is in the release, and an audit counts again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import walk_closure
from registry.core.table import tables
from registry.evaluation.claims import parse_claim
from registry.evaluation.verdict import sentence, short
from registry.provenance.attempts import count_attempts
from registry.web.base.words import Words
from registry.web.pages.releases.release_page import release_page
from registry.web.pages.runs.run_page import run_page
from registry.web.report.collect import collect
from registry.web.report.report import render_report
from registry.workflows.audit.audit_file import audit_car
from registry.workflows.audit.audit_target import audit_target
from registry.workflows.log.append import append
from registry.workflows.releases.attempts import _compared
from registry.workflows.releases.publish_release import show_release
from tests.support.forgery import Released, car_of, failed, forge, publish, replaced, results, simulated_home, way_back

Plans = Callable[..., CID]


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Released]]:
    """Of one snapshot: two with the same claim, at another threshold, and one with another claim."""
    with simulated_home(tmp_path_factory.mktemp("attempts")) as home:
        claims = ("macro_f1 >= 0.10", "macro_f1 >= 0.20", "accuracy >= 0.10")
        yield [publish(home, claims=(claim,)) for claim in claims]


def test_a_second_plan_with_the_same_claim_is_the_second_attempt(releases: list[Released]) -> None:
    found = [one.view.release.attempts for one in releases]
    assert found == [
        records.Attempts(count=1, number=1),
        records.Attempts(count=2, number=2),
        records.Attempts(count=1, number=1),
    ]
    shown = show_release(releases[1].home, releases[1].entry)["attempts"]
    assert (shown["count"], shown["number"]) == (2, 2)
    assert shown["text"]["en"].startswith("This is plan 2 of 2 ")


def test_a_releases_page_lists_attempts_by_the_rule_of_its_count(releases: list[Released], plans: Plans) -> None:
    """Plans with such a claim that do not count say why: signed later, or on other images."""
    home, _, view = releases[0]
    append(home, home.key, records.parse_as(records.Plan, home.store.get(plans(range(10), "macro_f1 >= 0.9"))))
    for number, wanted in ((0, [None, "later", "later"]), (1, [None, None, "later"])):
        page = release_page(home, releases[number].entry, Words("en"))
        counting = [one for one in page["attempts"] if one.beside is None]
        assert len(counting) == releases[number].view.release.attempts.count
        assert sorted((one.beside for one in page["attempts"]), key=str) == wanted
    mine, other = str(view.preprocessing.snapshot), page["attempts"][0].snapshot
    assert (_compared(home, mine, other), _compared(home, mine, mine)) == ("images", None)
    told = page["verdict"]
    with home.catalog.read() as db:
        runs_of = {row["release"]: row["run"] for row in runs.list_runs(db)[0]}
    shown = run_page(home, Words("en"), runs_of[page["about"]["release"]]).verdict
    assert shown == (told.state, short(told, "en"), sentence(told, "en").removeprefix(short(told, "en")).strip())


def test_the_report_lists_the_attempts_without_ages(releases: list[Released]) -> None:
    """A report is kept for years: what changes by the day has no place in it."""
    home, entry, view = releases[1]
    found = collect(home, records.parse_as(records.Entry, home.store.get(entry)).record, "en")
    assert [one.this for one in found.attempts].count(True) == 1
    assert {one.plan for one in found.attempts if one.this} == {str(view.draw.plan)}
    page = render_report(found)
    below = page.partition("<h2>Attempts</h2>")[2].partition("<h2>")[0]
    assert all(one.plan in below and one.time in below for one in found.attempts)
    assert found.attempts_text in below
    assert "days since" not in below


def test_ages_on_a_page_are_those_of_the_moment_it_is_asked_for(
    releases: list[Released], plans: Plans, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, entry, _ = releases[1]
    append(home, home.key, records.parse_as(records.Plan, home.store.get(plans(range(20), "macro_f1 >= 0.8"))))
    now = datetime.fromisoformat(home.now())
    for days in (0, 3, 40):
        later = (now + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        monkeypatch.setattr(home, "now", partial(str, later))
        shown = [one for one in release_page(home, entry, Words("en"))["attempts"] if not one.releases]
        assert shown
        assert min(one.days for one in shown) == days


def test_an_audit_counts_where_the_log_is_at_hand(releases: list[Released], tmp_path: Path) -> None:
    home, entry, _ = releases[1]
    held = {one.id: one for one in audit_target(home, str(entry)).checks}["4.attempts"]
    assert (held.result, held.reason) == ("holds", "plan 2 of 2, counted in the whole log")
    report = audit_car(car_of(home, entry, tmp_path / "second.car"))  # without what the first release's entries say
    assert results(report)["4.attempts"] == "not checked"
    assert failed(report) == []


@pytest.mark.parametrize(("count", "number"), [(1, 2), (2, 0), (0, 0), (3, 2), (2, 1)])
def test_other_attempts_than_the_logs_are_named(
    releases: list[Released], count: int, number: int, tmp_path: Path
) -> None:
    home, entry, view = releases[1]
    release = records.parse_as(records.Entry, home.store.get(entry)).record
    changed = records.Attempts(count=count, number=number)
    forged = forge(home, entry, replaced(release, view.release, attempts=changed))
    log = [cid for cid, _ in walk_closure(home.store.get, way_back(home, forged))]
    assert failed(audit_car(car_of(home, forged, tmp_path / "forged.car", beside=log))) == ["4.attempts", "6.card"]


@pytest.fixture
def plans(releases: list[Released]) -> Plans:
    """Makes plans on made-up snapshots of numbered images."""
    home, _, view = releases[0]

    def plan(images: range, *claims: str) -> CID:
        every = list(tables.iterate(view.snapshot.items, home.store.get))
        rows = [[bytes([number]) * 32, *every[0][1:]] for number in images]
        items = tables.build(records.SNAPSHOT_ITEMS, rows, home.store.put)
        snapshot = replaced_in(view.snapshot, items=items, count=len(rows))
        prepared = replaced_in(view.preprocessing, snapshot=snapshot)
        return replaced_in(view.plan, preprocessing=prepared, claims=tuple(map(parse_claim, claims)))

    def replaced_in(record: records.Record, **fields: object) -> CID:
        ((_, data),) = replaced(records.cid(record), record, **fields).items()
        cid = records.cid(records.parse(data))
        home.store.put(cid, data)
        return cid

    return plan


@pytest.mark.parametrize(
    ("images", "claims", "same"),
    [
        (range(10), ("macro_f1 >= 0.9",), True),
        (range(5, 15), ("macro_f1 >= 0.9",), False),  # just half
        (range(4, 14), ("macro_f1 >= 0.9",), True),
        (range(6, 8), ("macro_f1 >= 0.9",), True),  # a part of it
        (range(10), ("macro_f1 <= 0.9",), False),
        (range(10), ("accuracy >= 0.9", "macro_f1 >= 0.1"), True),
        (range(10), (), False),
    ],
)
def test_attempts_share_a_claim_and_more_than_half_of_the_smaller_snapshots_images(
    releases: list[Released], plans: Plans, images: range, claims: tuple[str, ...], same: bool
) -> None:
    own, other = plans(range(10), "macro_f1 >= 0.5"), plans(images, *claims)
    found = count_attempts(releases[0].home.store.get, [other, own], own)
    assert (found.count, found.number) == ((2, 2) if same else (1, 1))


def test_plans_without_a_claim_are_attempts_at_the_same(releases: list[Released], plans: Plans) -> None:
    one, other = plans(range(10)), plans(range(9))
    assert count_attempts(releases[0].home.store.get, [one, other], one) == records.Attempts(count=2, number=1)


def test_a_claim_that_only_correction_leaves_undecided_is_said_so_and_holds(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    """Of a ladder of claims the ones near the bound lose their support; a release that keeps it is caught."""
    ladder = tuple(f"macro_f1 >= 0.{hundredths}" for hundredths in range(60, 98, 2))
    with simulated_home(tmp_path_factory.mktemp("corrected")) as home:
        one = publish(home, claims=ladder)
        view = one.view
        assert view.plan.correction == "holm"
        alone, stated = ([claim.verdict for claim in some] for some in (view.evaluation.verdicts, view.release.claims))
        lost = [at for at, both in enumerate(zip(alone, stated, strict=True)) if both == ("supported", "undecided")]
        assert lost
        assert all(view.release.claims[at].needed for at in lost)
        shown = show_release(home, one.entry)
        codes = [part["code"] for part in shown["verdict"]["parts"]]
        assert codes.count("corrected") == len(lost)
        assert "correction_holm" in codes
        assert failed(audit_car(car_of(home, one.entry, tmp_path / "honest.car"))) == []
        release = records.parse_as(records.Entry, home.store.get(one.entry)).record
        changed = forge(home, one.entry, replaced(release, view.release, claims=view.evaluation.verdicts))
        assert failed(audit_car(car_of(home, changed, tmp_path / "forged.car"))) == ["6.verdicts", "6.card"]
