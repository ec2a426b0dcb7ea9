"""Audits that are kept: each check is there as soon as it was made, and the report is whole in the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from registry.assembly import Home
from registry.catalog.queries import kept_audits
from registry.core import records
from registry.core.errors import NotFound, Unavailable
from registry.core.ipld.cid import CID
from registry.evaluation.verdict import short
from registry.web.base.words import Words
from registry.web.pages.home import home_page
from registry.web.pages.releases.release_list import release_list
from registry.web.pages.releases.release_page import release_page
from registry.workflows.audit.audit_target import audit_target
from registry.workflows.audit.keep_audit import SILENT, audit_and_keep, begin_audit, carry_out, show_audit
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.log.append import append
from registry.workflows.releases.publish_release import show_release
from registry.workflows.store.find_records import record_of
from tests.support.forgery import Released, car_of, forge, opened_home, replaced, simulated_release


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with simulated_release(tmp_path_factory.mktemp("kept")) as found:
        yield found


@pytest.fixture(scope="module")
def release(honest: Released) -> CID:
    return record_of(honest.home, honest.entry)


def test_each_check_can_be_read_as_soon_as_it_was_made_and_the_report_is_the_audits(
    honest: Released, release: CID, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, seen = honest.home, list[tuple[str, int]]()
    audit = begin_audit(home, release, "faces", None)
    save_checks = kept_audits.save_checks

    def watched(db: Any, *given: Any) -> None:
        save_checks(db, *given)
        found = kept_audits.get(db, audit)
        seen.append((found["status"], len(found["checks"])))

    monkeypatch.setattr(kept_audits, "save_checks", watched)
    carry_out(home, audit, str(release), None)
    found, plain = show_audit(home, audit), audit_target(home, str(release)).to_json()
    assert seen == [("running", count + 1) for count in range(len(plain["checks"]))]
    assert (found["status"], found["report"], found["checks"]) == ("done", plain, plain["checks"])
    with home.catalog.read() as db:
        assert kept_audits.newest_reports(db, [str(release)])[str(release)]["id"] == audit
        assert kept_audits.list_audits(db, str(release))[0][0]["records"] == "consistent"


def test_what_a_stranger_states_stands_as_no_more_until_an_audit_is_kept(honest: Released, tmp_path: Path) -> None:
    view = honest.view
    verdicts = tuple(structs.replace(one, verdict="refuted") for one in view.evaluation.verdicts)
    evaluation = replaced(view.release.evaluation, view.evaluation, verdicts=verdicts)
    forged = forge(honest.home, honest.entry, evaluation)
    for name, entry, outcome in (("honest", honest.entry, "supported"), ("forged", forged, "broken")):
        path = car_of(honest.home, entry, tmp_path / f"{name}.car")
        with opened_home(tmp_path / name) as home:
            import_source(home, str(path))
            cid = record_of(home, entry)
            said = shown_everywhere(home, cid)
            assert {state for state, _ in said} == {"stated"}
            assert all(text.startswith("Its publisher states what follows") for _, text in said)
            assert "Not checked: its issuer states" in show_release(home, cid)["attempts"]["text"]["en"]
            carry_out(home, begin_audit(home, cid, name, None), str(cid), None)
            said = shown_everywhere(home, cid)
            assert {state for state, _ in said} == {outcome}
            assert not any("Its publisher states" in text for _, text in said)


def test_an_audit_of_a_held_release_is_kept_whoever_asks_and_other_questions_are_not(
    honest: Released, tmp_path: Path
) -> None:
    path = car_of(honest.home, honest.entry, tmp_path / "honest.car")
    with opened_home(tmp_path / "home") as home:
        import_source(home, str(path))
        cid = record_of(home, honest.entry)
        again = append(
            home, home.key, records.parse(home.store.get(cid))
        )  # this home signs the stranger's release once more

        def states() -> set[str]:
            return {state for state, _ in shown_everywhere(home, cid)}

        other = audit_and_keep(home, str(cid), issuer="did:pkh:eip155:1:0x" + "0" * 40)
        copied = audit_and_keep(home, str(again.entry))
        assert (other.records, copied.records) == ("broken", "broken")
        assert audit_and_keep(home, str(path)).records == "consistent"  # of the file
        assert audit_and_keep(home, str(cid), level=2).records == "consistent"  # no figure was looked at
        assert states() == {"stated"}
        assert audit_and_keep(home, str(honest.entry)).records == "consistent"
        assert states() == {"supported"}
        with home.catalog.read() as db:
            assert [one["level"] for one in kept_audits.list_audits(db, str(cid))[0]] == [None, 2]


def shown_everywhere(home: Home, cid: CID) -> list[tuple[str, str]]:
    """State and short form of a release as home, list, and its own document and page have them."""
    shown = show_release(home, cid)["verdict"]
    listed = [one for one in [*home_page(home)["newest"], *release_list(home, None)[0]] if one["cid"] == str(cid)]
    own = release_page(home, cid, Words("en"))["verdict"]
    assert len(listed) == 2
    return [(shown["state"], shown["short"]["en"]), (own.state, short(own, "en"))] + [
        (one["state"], one["verdict"]["en"]) for one in listed
    ]


def test_of_a_file_its_name_is_told_and_never_where_it_lies(honest: Released, release: CID, tmp_path: Path) -> None:
    home, path = honest.home, car_of(honest.home, honest.entry, tmp_path / "release.car")
    path.write_bytes(path.read_bytes()[:-40])
    audit = begin_audit(home, None, "mine.car", None)
    carry_out(home, audit, str(path), None, "mine.car")
    found = show_audit(home, audit)
    assert found["report"]["records"] == "unusable"
    assert str(tmp_path) not in str(found)
    with home.catalog.read() as db:
        newest = kept_audits.newest_reports(db, [str(release)])
    assert audit not in {one["id"] for one in newest.values()}  # a stranger's file says nothing of what is held here


def test_an_audit_that_ends_early_says_why(honest: Released, tmp_path: Path) -> None:
    home = honest.home
    audit = begin_audit(home, None, "gone.car", None)
    with pytest.raises(Unavailable):
        carry_out(home, audit, str(tmp_path), None, "gone.car")  # a folder, which is no file
    found = show_audit(home, audit)
    assert (found["status"], found["report"]) == ("failed", None)
    assert "gone.car" in found["error"]
    assert str(tmp_path) not in found["error"]


def test_one_that_was_not_heard_of_for_long_was_interrupted(
    honest: Released, release: CID, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = honest.home
    with monkeypatch.context() as patch:
        patch.setattr(home, "now", lambda: "2026-01-01T00:00:00Z")
        audit = begin_audit(home, release, "faces", None)
        assert show_audit(home, audit)["status"] == "running"
        patch.setattr(home, "now", lambda: f"2026-01-01T00:{SILENT // 60:02}:01Z")
        assert show_audit(home, audit)["status"] == "interrupted"
    with pytest.raises(NotFound):
        show_audit(home, "20260101t000000z-00000000")
