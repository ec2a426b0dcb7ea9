"""Without a chain: a registry whose entries two authorities and a calendar stamp, one of which is silent at first."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.assembly import Home, open_home
from registry.core import records
from registry.core.ipld.cid import CID
from registry.provenance.checks.report import Report
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED
from registry.workflows.audit.audit_file import audit_car
from registry.workflows.audit.trust_roots import trust_of
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.log.anchor_documents import anchor_status, submit_anchor
from registry.workflows.releases.publish_release import show_release
from registry.workflows.store.export_held import export_held
from registry.workflows.upkeep.examine_home import examine
from tests.support.anchors import authority, calendar
from tests.support.anchors.authority import Authority
from tests.support.anchors.calendar import CalendarServer
from tests.support.forgery import Released, faces, opened_home, publish
from tests.support.verifier import results_of, verified

ORDER = ("3.evidence", "3.stamped", "3.order")


class Stamped:
    """The home, its release, and who stamped it."""

    def __init__(self, home: Home, folder: Path, one: Authority, other: Authority, blocks: CalendarServer) -> None:
        self.home, self.folder, self.one, self.other, self.blocks = home, folder, one, other, blocks
        other.how = "busy"
        import_source(home, str(faces(folder / "faces")))
        self.released: Released = publish(home)

    def audit(self, settings: dict[str, object] | None = None) -> Report:
        path = self.folder / "release.car"
        export_held(self.home, self.released.entry, path)
        chosen = dataclasses.replace(self.home.settings, **(settings or {}))  # type: ignore[arg-type]
        return audit_car(path, level=3, trust=trust_of(chosen))


@pytest.fixture(scope="module")
def stamped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stamped]:
    folder = tmp_path_factory.mktemp("stamped")
    one, other, blocks = Authority(folder / "one", "One"), Authority(folder / "other", "Other"), CalendarServer()
    with authority.serving(one), authority.serving(other), calendar.serving(blocks), opened_home(folder) as plain:
        roots = folder / "roots.pem"
        roots.write_bytes(one.root.read_bytes() + other.root.read_bytes())
        settings = dataclasses.replace(
            plain.settings, tsa=(one.url, other.url), ots=(blocks.url,), tsa_roots=roots, bitcoin_headers=None
        )
        home = open_home(settings)
        yield Stamped(home, folder, one, other, blocks)
        home.close()


def checks_of(report: Report) -> dict[str, tuple[str, str]]:
    return {check.id: (check.result, check.reason) for check in report.checks}


def test_a_silent_authority_stops_nobody_and_the_stamps_show_the_order_offline(stamped: Stamped) -> None:
    found = checks_of(stamped.audit())
    assert {id: found[id][0] for id in ORDER} == dict.fromkeys(ORDER, HOLDS)
    assert [id for id, (result, _) in found.items() if result == FAILS] == []
    assert "by CN=One" in found["3.order"][1]
    shown = show_release(stamped.home, stamped.released.entry)["anchor"]
    assert (shown["status"], [one["status"] for one in shown["evidence"]]) == (
        "stamped",
        ["stamped", "pending", "pending"],
    )
    assert "trusts that authority's clock and key" in shown["evidence"][0]["text"]


def test_the_verdict_names_on_whose_word_the_order_stands(stamped: Stamped) -> None:
    said = [one["code"] for one in stamped.audit().verdict.document()["parts"]]
    assert ("order_stamped" in said, "order_journal" in said) == (True, False)


def test_an_auditor_without_their_roots_learns_who_would_have_to_be_trusted(stamped: Stamped) -> None:
    alone = stamped.folder / "one.pem"
    alone.write_bytes(stamped.other.root.read_bytes())
    found = checks_of(stamped.audit({"tsa_roots": alone}))
    assert found["3.evidence"] == (UNCHECKED, "no trust root for CN=One")
    assert (found["3.stamped"][0], found["3.order"][0]) == (UNCHECKED, UNCHECKED)


def test_a_forged_stamp_beside_the_release_fails(stamped: Stamped, tmp_path: Path) -> None:
    home, path = stamped.home, tmp_path / "forged.car"
    export_held(home, stamped.released.entry, path)
    held = path.read_bytes()
    proof = next(
        one.proof
        for one in (records.parse(home.store.get(cid)) for cid in _evidence(stamped))
        if isinstance(one, records.Evidence) and one.proof
    )
    at = held.index(proof) + len(proof) - 1
    path.write_bytes(held[:at] + bytes([held[at] ^ 1]) + held[at + 1 :])
    assert not audit_car(path, level=3, trust=trust_of(home.settings)).holds


def _evidence(stamped: Stamped) -> list[CID]:
    from registry.workflows.log.linked_entries import covering_evidence

    return covering_evidence(stamped.home, stamped.released.entry)


def test_each_place_is_told_and_what_was_pending_is_stamped_later(stamped: Stamped) -> None:
    home, entry = stamped.home, stamped.released.entry
    before = anchor_status(home, entry)
    assert [(one["chain"].partition(":")[0], one["status"]) for one in before["places"]] == [
        ("rfc3161", "stamped"),
        ("rfc3161", "pending"),
        ("opentimestamps", "pending"),
    ]
    told = {one["name"]: one for one in examine(home)}["anchors"]
    assert (told["ok"], "status 503" in told["detail"]) == (False, True)
    stamped.other.how, stamped.blocks.mined = "honest", True
    done = submit_anchor(home, entry)
    assert [one["status"] for one in done["places"]] == ["stamped", "stamped", "attested"]
    assert {one["name"]: one["ok"] for one in examine(home)}["anchors"]
    headers = stamped.folder / "headers.txt"
    headers.write_text(
        "# height, header\n" + "".join(f"{at} {one.hex()}\n" for at, one in stamped.blocks.headers.items())
    )
    found = checks_of(stamped.audit({"bitcoin_headers": headers}))
    assert {id: found[id][0] for id in ORDER} == dict.fromkeys(ORDER, HOLDS)
    assert ("CN=Other" in found["3.evidence"][1], "of Bitcoin" in found["3.evidence"][1]) == (True, True)
    assert "not checked" not in found["3.evidence"][1]
    without = checks_of(stamped.audit())["3.evidence"]
    assert (without[0], "not checked: no trust root for Bitcoin" in without[1]) == (HOLDS, True)


def test_the_page_says_the_same_by_the_same_roots(stamped: Stamped, node: str) -> None:
    report, path = stamped.audit(), stamped.folder / "release.car"
    headers = stamped.folder / "headers.txt"
    trust = [stamped.folder / "roots.pem", *([headers] if headers.exists() else [])]
    (found,) = verified(node, path, trust=trust)
    theirs, ours = results_of(report.to_json()), results_of(found)
    level = {id: result for id, result in theirs.items() if id[0] == "3"}
    assert {id: ours.get(id, UNCHECKED) for id in level} == level
    assert "order_stamped" in [one["code"] for one in found["verdict"]["parts"]]
    (alone,) = verified(node, path)
    assert {id: results_of(alone)[id] for id in ORDER} == dict.fromkeys(ORDER, UNCHECKED)
