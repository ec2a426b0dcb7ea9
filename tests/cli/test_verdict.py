"""The verdict on the command line: claims and records apart, at the end of an audit and at the head of a release."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from registry.cli.main import main
from registry.core import records
from registry.core.ipld import car
from registry.workflows.images.importing.import_source import import_source
from tests.support.forgery import Released, car_of, forge, opened_home, replaced, simulated_release


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with simulated_release(tmp_path_factory.mktemp("verdict")) as found:
        yield found


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main(arguments)
    out, err = capsys.readouterr()
    return status, out.replace("\u00a0", " "), err


def test_a_release_and_a_list_begin_with_the_same_sentence(made: Released, capsys: pytest.CaptureFixture[str]) -> None:
    release = str(records.cid(made.view.release))
    _, shown, _ = run(capsys, "release", "show", release)
    document = json.loads(run(capsys, "release", "show", release, "--json")[1])
    listed = json.loads(run(capsys, "release", "list", "--json")[1])
    sentence = document["verdict"]["short"]["en"]
    assert shown.split("\n")[0] == sentence
    assert (listed["state"], listed["verdict"]["en"]) == ("supported", sentence)
    assert "The records were not audited for this verdict." in document["verdict"]["en"]
    assert sentence in run(capsys, "release", "list")[1]
    assert "## Verdict" in run(capsys, "release", "card", release)[1]


def test_an_audit_ends_with_the_verdict_and_never_says_that_it_holds(
    made: Released, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = run(capsys, "audit", str(made.entry))
    said = out.rstrip("\n").rpartition("\n\n")[2].split("\n")
    assert status == 0
    assert said[0].startswith("The claim “macro_f1 >= 0.10” is supported: ")
    assert "The records are consistent (levels checked: 1, 2, 4, 6)." in said
    assert any(line.startswith("Not proven: that the plan came before the training.") for line in said)
    assert said[-1].startswith("Before this release, its issuer signed no other plan")
    assert "audit: holds" not in out


def test_strict_names_what_it_missed(made: Released, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "audit", str(made.entry), "--strict")
    assert status == 1
    assert "--strict: these checks were asked for and not made: 3.named, 3.order, 3.beacon" in err
    status, out, _ = run(capsys, "audit", str(made.entry), "--json")
    document = json.loads(out)
    assert document["missed"][:3] == ["3.named", "3.order", "3.beacon"]
    assert (document["type"], document["records"], document["holds"]) == ("release", "consistent", True)
    assert document["verdict"]["state"] == "supported"
    assert document["verdict"]["es"].startswith("La afirmación «macro_f1 >= 0.10» se sostiene: ")
    assert [one["metric"] for one in document["claims"]] == ["macro_f1"]
    assert (document["attempt"]["count"], document["attempt"]["number"]) == (1, 1)
    assert {check["level"] for check in document["checks"]} == set(range(1, 9))


def test_every_command_that_uses_a_release_says_that_the_kept_audit_found_it_broken(
    made: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verdicts = tuple(structs.replace(one, verdict="refuted") for one in made.view.evaluation.verdicts)
    evaluation = replaced(made.view.release.evaluation, made.view.evaluation, verdicts=verdicts)
    file = car_of(made.home, forge(made.home, made.entry, evaluation), tmp_path / "forged.car")
    with opened_home(tmp_path / "told") as home:
        release = import_source(home, str(file))["releases"][0]["release"]
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "told" / "home"))
    picture = tmp_path / "p.jpg"
    picture.write_bytes(b"1")
    uses = (
        ["fetch", release, "-o", str(tmp_path / "weights")],
        ["predict", release, str(picture)],
        ["release", "card", release],
        ["release", "report", release, "-o", str(tmp_path / "report.html")],
        ["release", "claim", release, "macro_f1 >= 0.10"],
        ["export", release, "-o", str(tmp_path / "again.car")],
        ["show", release, "--table", "weights"],
    )
    kept = "BROKEN: the audit that is kept here found this release's records broken."
    said = f"emotionet: warning: {kept} The records do not hold (6.verdicts"
    assert all("BROKEN" not in run(capsys, *use)[2] for use in uses)
    assert run(capsys, "audit", release)[0] == 1
    for use in uses:
        assert said in run(capsys, *use)[2], use
    whole, kinds = ("release", "card"), {"the entry": _entry_of(file), "a beginning": release[:20], "a file": str(file)}
    for kind, target in kinds.items():
        for use in (["predict", target, str(picture)], [*whole, target], ["release", "compare", target, target]):
            assert run(capsys, *use)[2].count(said) == (2 if "compare" in use else 1), (kind, use)
    assert "The records do not hold (6.verdicts" in run(capsys, "release", "show", str(file))[1], "first of its answer"
    assert run(capsys, "export", str(file), "-o", str(tmp_path / "no.car"))[0] == 2, "of a file nothing is exported"


def _entry_of(file: Path) -> str:
    with file.open("rb") as stream:
        roots, _ = car.read_raw(stream)
    return str(roots[0])
