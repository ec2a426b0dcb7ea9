"""The verifier and ``emotionet audit`` say the same of a release, honest or forged: check by check, and in words."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import tests.vectors
from registry.core.ipld import car
from registry.provenance.checks.report import Report
from registry.settings import read_settings
from registry.workflows.audit.audit_file import audit_car
from registry.workflows.audit.trust_roots import trust_of
from registry.workflows.names.profile import set_profile
from registry.workflows.names.set_name import set_name
from registry.workflows.store.export_held import export_held
from registry.workflows.store.find_records import record_of
from tests.conformance.evidence import STAMPED, trusted
from tests.support.forgery import Released, car_of, forge, simulated_release, write_car
from tests.support.forgery import sections as sections_of
from tests.support.verifier import results_of, verified
from tests.workflows.audit.test_forgeries import FORGED_RECORDS, FORGED_TIMES, FORGED_WEIGHTS

FORGERIES = {name: change for name, change, _ in [*FORGED_WEIGHTS[:4], *FORGED_RECORDS[::4], *FORGED_TIMES[::3]]}
NO_CAR = "this is no CAR file, whatever its name says"
BESIDE = {"1.file", "4.arguments", "6.card"}  # told by one of both alone, or not made here


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with simulated_release(tmp_path_factory.mktemp("released")) as one:
        yield one


@pytest.fixture(scope="module")
def files(made: Released, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The honest release, one with a flipped bit, one that is cut off, and forgeries by who holds the key."""
    folder = tmp_path_factory.mktemp("files")
    home, entry, view = made
    honest = car_of(home, entry, folder / "honest.car")
    roots, blocks = sections_of(honest)
    (cid, data), *others = blocks[5:] + blocks[:5]
    damaged = write_car(folder / "damaged.car", roots, [*others, (cid, data[:-1] + bytes([data[-1] ^ 1]))])
    cut = folder / "cut.car"
    cut.write_bytes(honest.read_bytes()[:-7])
    found = {"honest": honest, "damaged": damaged, "cut": cut, "named": folder / "named.car"}
    set_name(home, home.key, "faces", record_of(home, entry))
    set_profile(home, home.key, name="Lab", url="https://example.org")
    export_held(home, entry, found["named"])
    found["corrected"] = Path(tests.vectors.__file__).parent / "release-5" / "release.car"
    for name, change in FORGERIES.items():
        found[name] = car_of(home, forge(home, entry, change(home, view)), folder / f"{len(found)}.car")
    return found


@pytest.fixture(scope="module")
def found_of(node: str, files: dict[str, Path]) -> dict[str, Any]:
    """What the verifier says of each."""
    return dict(zip(files, verified(node, *files.values()), strict=True))


@pytest.mark.parametrize("name", ["honest", "damaged", "cut", "named", "corrected", *FORGERIES])
def test_verifier_and_audit_agree_check_by_check(files: dict[str, Path], found_of: dict[str, Any], name: str) -> None:
    report, found = audit_car(files[name]), found_of[name]
    theirs, ours = _results(report.to_json()), _results(found)
    different = _different(theirs, ours)
    if theirs.get("1.tables") == "does not hold":  # of a table with a wrong cell the verifier takes nothing
        different = {id: said for id, said in different.items() if said[1] != "does not hold"}
    assert different == {}
    assert [found[key] for key in ("type", "issuer", "entry")] == [report.type, report.issuer, report.entry]
    assert found["holds"] == report.holds == (name in ("honest", "named", "corrected"))
    if not _failed(report) & {*BESIDE, "1.tables"}:
        assert found["verdict"] == report.verdict.document()


def test_both_say_the_same_of_a_release_whose_order_a_stamp_shows(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in trusted().items():
        monkeypatch.setenv(name, value)
    report = audit_car(STAMPED / "release.car", trust=trust_of(read_settings()))
    trust = [STAMPED / "trust" / name for name in ("authority.pem", "witness.txt")]
    (found,) = verified(node, STAMPED / "release.car", trust=trust)
    assert _different(_results(report.to_json()), _results(found)) == {}
    assert found["verdict"] == report.verdict.document()
    assert "order_stamped" in [part["code"] for part in found["verdict"]["parts"]]


def test_verifier_and_audit_agree_on_a_file_cut_off_at_any_place(
    node: str, files: dict[str, Path], tmp_path: Path
) -> None:
    whole = files["honest"].read_bytes()
    for place in _places(whole):
        (tmp_path / f"{place:09}.car").write_bytes(whole[:place])
    cuts = sorted(tmp_path.iterdir())
    for cut, found in zip(cuts, verified(node, *cuts), strict=True):
        report = audit_car(cut)
        assert (cut.name, _different(_results(report.to_json()), _results(found))) == (cut.name, {})
        assert (found["holds"], found["verdict"]) == (False, report.verdict.document()), cut.name


def _places(whole: bytes) -> set[int]:
    """Where a file is cut: quarters, thirds, and of every few blocks the end and the middle."""
    stream = io.BytesIO(whole)
    car.read_header(stream)
    ends = [stream.tell(), *(stream.tell() for _ in car.read_sections(stream))]
    middles = [(one + other) // 2 for one, other in pairwise(ends)]
    parts = [len(whole) * part // 12 for part in (3, 4, 6, 8, 9)]
    return {*parts, *ends[:6], *ends[6:-1:9], *middles[:4], *middles[4::9]}


def _different(theirs: dict[str, str], ours: dict[str, str]) -> dict[str, Any]:
    """The checks of which both say something else; one that is not checked here may be left out there."""
    open_ = "not checked"
    both = {id: (theirs.get(id, open_), ours.get(id, open_)) for id in theirs.keys() | ours.keys()}
    return {id: said for id, said in both.items() if said[0] != said[1]}


def _results(document: dict[str, Any]) -> dict[str, str]:
    return {id: result for id, result in results_of(document).items() if id not in BESIDE}


def _failed(report: Report) -> set[str]:
    return {check.id for check in report.checks if check.result == "does not hold"}


@pytest.mark.parametrize(
    ("data", "said", "verdict"),
    [
        (b"<!DOCTYPE html><html><body>" + b"no release " * 9, NO_CAR, "This is an HTML page, no release"),
        (b"PK\x03\x04" + bytes(99), NO_CAR, "This is a ZIP archive, no release"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), NO_CAR, "This is a PNG picture, no release"),
        (b"a text that somebody wrote", NO_CAR, "This is no CAR file, and so no release"),
        (bytes(range(200, 256)), NO_CAR, "This is no CAR file, and so no release"),
        (b"", "the file is empty", "This is an empty file, no release"),
        (b"\x3a\xa2eroots", "the file is cut off: download it again", "The file is cut off: get it again."),
        (b"\x3a\xa2er", "the file is cut off: download it again", "The file is cut off: get it again."),
        (b"\x11\xa2eroots\x80gversion\x01", "the file has no root", "The CAR file does not say which record"),
    ],
)
def test_a_wrong_file_is_said_to_be_that(node: str, data: bytes, said: str, verdict: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.car"
    path.write_bytes(data)
    (found,) = verified(node, path)
    assert [one["reason"] for one in found["checks"]] == [said]
    report = audit_car(path)
    assert found["verdict"] == report.verdict.document()
    assert found["verdict"]["short"]["en"].startswith(verdict)
    assert (found["verdict"]["state"], report.records, report.exit_code(strict=False)) == ("unusable", "unusable", 1)
