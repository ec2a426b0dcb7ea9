"""Names on the command line: given, moved, listed, taken wherever a CID is; weights fetched by them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from registry.catalog.queries.training_runs import runs
from registry.cli.main import main
from registry.cli.named import audited, content
from registry.core.ipld.cid import CID
from registry.core.tensors import tensors_digest
from registry.web.pages.home import home_page
from registry.workflows.names.find_image import find_image
from registry.workflows.names.set_name import set_name
from tests.support.forgery import simulated_release


class Made(NamedTuple):
    """What a home holds, as commands print it."""

    snapshot: str
    plan: str
    release: str
    run: str
    image: str


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("named")


@pytest.fixture(scope="module")
def made(folder: Path) -> Iterator[Made]:
    """A home with one release, which the environment names; its tests give it names of their own."""
    with simulated_release(folder) as done:
        with done.home.catalog.read() as db:
            plan = done.view.draw.plan
            (run,) = runs.find_by_plan(db, plan)
            release = str(runs.row(db, run)["release"])
        snapshot, image = str(done.view.preprocessing.snapshot), find_image(done.home, "7.jpg", file_names=True)
        yield Made(snapshot, str(plan), release, run, image)


Capture = pytest.CaptureFixture[str]


def said(capsys: Capture, *arguments: str, status: int = 0) -> str:
    assert main(arguments) == status, capsys.readouterr().err
    return capsys.readouterr().out


def document(capsys: Capture, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(capsys, *arguments, "--json"))
    return found


def error(capsys: Capture, *arguments: str, status: int) -> list[str]:
    assert main(arguments) == status
    return capsys.readouterr().err.splitlines()


def test_a_name_is_set_moved_and_listed_with_its_history(made: Made, capsys: Capture) -> None:
    assert said(capsys, "name", "set", "moving", made.snapshot, "--quiet").strip() == made.snapshot
    again = said(capsys, "name", "set", "moving", made.snapshot)
    assert again.splitlines()[0] == f"moving names snapshot {made.snapshot} already"
    assert document(capsys, "name", "set", "moving", made.run)["target"] == made.plan
    lines = [json.loads(line) for line in said(capsys, "name", "list", "moving", "--json").splitlines()]
    assert [(one["reference"], one["type"], one["target"]) for one in lines] == [
        ("moving@1", "snapshot", made.snapshot),
        ("moving", "plan", made.plan),
    ]
    assert ["moving", "run", made.plan] in [line.split()[:3] for line in said(capsys, "name", "list").splitlines()]
    assert error(capsys, "name", "list", "nobody", status=3)[0].endswith("nothing here is called nobody")
    assert error(capsys, "name", "set", "latest", made.run, status=2)[0].endswith("latest means the newest one")


def test_every_command_takes_a_name_where_it_takes_a_cid(made: Made, capsys: Capture, tmp_path: Path) -> None:
    for target in (made.snapshot, made.plan, made.release):
        said(capsys, "name", "set", "all", target)
    assert document(capsys, "snapshot", "show", "all")["snapshot"] == made.snapshot
    assert document(capsys, "runs", "show", "all")["run"] == made.run
    assert "all" in document(capsys, "release", "show", "all")["names"]
    assert "names: all" in said(capsys, "release", "show", "all")
    assert "all@2" in said(capsys, "runs", "show", "all")
    assert said(capsys, "snapshot", "diff", "all", "latest") == "nothing\n"
    assert said(capsys, "snapshot", "export", "all", "--format", "csv").startswith("sha256,image,")
    for arguments in (
        ("train", "all", "--method", "simulated", "--recipe", "simulated", "--dry-run"),
        ("release", "card", "all"),
        ("release", "claim", "latest", "macro_f1 >= 0.1"),
        ("release", "compare", "all", "latest"),
        ("lineage", "all"),
        ("lookup", "all"),
        ("show", "all"),
        ("anchor", "status", "all"),
        ("runs", "logs", "all"),
        ("runs", "dropped", "latest"),
        ("audit", "all", "--level", "2"),
    ):
        assert said(capsys, *arguments), arguments
    said(capsys, "export", "all", "-o", str(tmp_path / "all.car"))
    assert document(capsys, "audit", str(tmp_path / "all.car"), "--level", "1")["target"] == made.release


def test_beginnings_are_taken_and_lists_show_them_as_they_can_be_typed(made: Made, capsys: Capture) -> None:
    assert document(capsys, "release", "show", made.release[:20])["release"] == made.release
    assert document(capsys, "release", "show", f"{made.release[:13]}…{made.release[-4:]}")["release"] == made.release
    assert document(capsys, "runs", "show", made.run[:7])["run"] == made.run
    assert error(capsys, "show", "bafyreib2rxk3", status=3) == [
        "emotionet: error: no CID here begins with 'bafyreib2rxk3'",
        "hint: give more of it, or look it up in a list with --wide.",
    ]
    assert error(capsys, "release", "show", "bafyrei2", status=1)[1] == "hint: give at least 4 signs after bafyrei."
    assert error(capsys, "lookup", "nosuch", status=3)[0] == "emotionet: error: nothing here is called 'nosuch'"


def test_an_image_is_named_by_its_file(made: Made, capsys: Capture) -> None:
    assert document(capsys, "images", "show", "7.jpg")["sha256"] == made.image
    assert document(capsys, "images", "show", made.image[:9])["sha256"] == made.image
    assert '"contribution"' in said(capsys, "lookup", "7.jpg", "--json")
    assert said(capsys, "images", "relabel", "8.jpg", "feliz", "--quiet")
    assert error(capsys, "images", "show", "77.jpg", status=3)[0].endswith("77.jpg is not an image of this catalog")


def test_fetching_a_release_writes_its_final_weights(
    made: Made, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said(capsys, "name", "set", "a-model", made.release)
    done = document(capsys, "fetch", "a-model")
    file = tmp_path / "a-model-final.safetensors"
    assert (done["path"], done["release"]) == (file.name, made.release)
    assert done["classes"] == ["triste", "sorprendido", "feliz", "enojado"]
    assert tensors_digest(file.read_bytes()) == done["tensors"]
    assert error(capsys, "fetch", "a-model", status=2)[0].endswith("a-model-final.safetensors exists already")
    file.unlink()
    assert document(capsys, "fetch", made.release)["path"] == "a-model-final.safetensors"
    assert document(capsys, "fetch", "latest", "-o", "own.bin")["path"] == "own.bin"
    assert said(capsys, "fetch", made.snapshot).startswith(made.snapshot)  # any other record: its block


def test_weights_that_are_not_those_of_the_release_are_not_written(
    made: Made, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("registry.workflows.releases.fetch_weights.weights_digest", lambda files: "sha256:" + "0" * 64)
    assert "are not those that release" in error(capsys, "fetch", made.release, status=1)[0]
    assert list(tmp_path.iterdir()) == []


def test_what_is_made_is_named_at_once_and_a_bad_name_makes_nothing(made: Made, capsys: Capture) -> None:
    taken = document(capsys, "snapshot", "create", "--name", "set-one", "--label", "feliz")
    assert taken["names"] == ["set-one"]
    simulated = ("--method", "simulated", "--recipe", "simulated", "--quiet")
    run = said(capsys, "train", made.snapshot, "--name", "run-one", "--seed", "5", *simulated).strip()
    assert document(capsys, "runs", "show", "run-one")["run"] == run
    assert document(capsys, "runs", "show", run)["names"] == ["run-one"]
    done = document(capsys, "release", "publish", "run-one", "--name", "rel-one")
    assert done["names"] == ["rel-one"]
    assert document(capsys, "release", "show", "rel-one")["release"] == done["release"]
    for line in (
        ("snapshot", "create", "--name", "Bad"),
        ("train", made.snapshot, "--name", "latest", *simulated),
        ("release", "publish", run, "--name", "bafyrei"),
    ):
        assert "can be no name" in error(capsys, *line, status=2)[0]


def test_a_withdrawn_target_is_told_wherever_its_name_is_used(made: Made, capsys: Capture) -> None:
    gone = document(capsys, "snapshot", "create", "--name", "gone", "--label", "triste")["snapshot"]
    said(capsys, "withdraw", "gone", "--reason", "no consent")
    main(["snapshot", "show", "gone"])
    assert capsys.readouterr().err.startswith("emotionet: warning: WITHDRAWN: this snapshot, on ")
    assert json.loads(said(capsys, "name", "list", "gone", "--json"))["withdrawn"] is True
    assert "WITHDRAWN" in said(capsys, "name", "list", "gone")
    assert document(capsys, "snapshot", "show", "latest")["snapshot"] != gone


def test_a_profile_is_said_changed_and_read(made: Made, capsys: Capture) -> None:
    assert error(capsys, "profile", "show", status=3)[0].endswith(" is known here")
    assert error(capsys, "profile", "set", "--url", "https://example.org", status=2)[0].endswith("a profile has a name")
    first = document(capsys, "profile", "set", "--name", "Ana's lab", "--url", "https://example.org/us")
    same = document(capsys, "profile", "set", "--name", "Ana's lab")
    assert same["entry"] == first["entry"]
    second = document(capsys, "profile", "set", "--contact", "ana@example.org", "--url", "none")
    assert (second["name"], second["url"], second["contact"]) == ("Ana's lab", None, "ana@example.org")
    for option in ("--url", "--contact"):
        assert "or `none`, which takes it away" in error(capsys, "profile", "set", option, "", status=2)[0]
    back = document(capsys, "profile", "set", "--contact", "none", "--url", "https://example.org/us")
    assert back["profile"] == first["profile"]
    assert back["entry"] != first["entry"]  # said again: the newest counts
    assert document(capsys, "profile", "show")["url"] == "https://example.org/us"
    assert "is not an address of a site" in error(capsys, "profile", "set", "--url", "http://x", status=1)[0]


@pytest.mark.parametrize("name", ["faces", "latest"])
def test_a_file_of_that_name_is_what_is_meant_where_files_are_taken(
    made: Made, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    said(capsys, "export", made.release, "-o", name)
    assert document(capsys, "audit", name, "--level", "1")["target"] == made.release
    (tmp_path / "folder").mkdir()
    assert error(capsys, "audit", "folder", status=2)[0].endswith("folder is a folder")


def test_every_command_takes_an_issuer_in_every_spelling(made: Made, capsys: Capture) -> None:
    did = document(capsys, "name", "set", "spelled", made.snapshot)["issuer"]
    document(capsys, "profile", "set", "--name", "Ana's lab")
    address = did.removeprefix("did:pkh:eip155:1:")
    plans, taken = said(capsys, "plans", "list", "--quiet").split(), set[str]()
    for spelling in (did, address, "0x" + address[2:].upper()):
        assert document(capsys, "profile", "show", spelling)["issuer"] == did
        assert said(capsys, "name", "list", "--issuer", spelling, "--quiet")
        assert said(capsys, "plans", "list", "--issuer", spelling, "--quiet").split() == plans
        assert said(capsys, "images", "list", "--issuer", spelling, "--quiet")
        taken.add(document(capsys, "snapshot", "create", "--issuer", spelling)["snapshot"])
        assert document(capsys, "snapshot", "show", f"{spelling}/spelled")["snapshot"] == made.snapshot
        assert document(capsys, "audit", made.release, "--level", "2", "--issuer", spelling)["holds"]
    assert len(taken) == 1, "the snapshot's query has the DID, however it was written"
    assert error(capsys, "profile", "show", "0x12", status=2)[0].endswith("is not an issuer")


def test_a_name_that_was_a_releases_says_what_is_fetched_by_it_now(
    made: Made, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said(capsys, "name", "set", "moved", made.release)
    said(capsys, "name", "set", "moved", made.snapshot)
    assert main(["fetch", "moved", "-o", "record"]) == 0
    told = "".join(capsys.readouterr())
    assert "moved names a snapshot now" in told
    assert "`emotionet fetch moved@1`" in told
    assert main(["fetch", "moved@1", "-o", "weights"]) == 0
    assert "final weights of release" in (told := "".join(capsys.readouterr()))
    assert "now" not in told


def test_an_audit_takes_a_name_for_its_release_first(tmp_path: Path) -> None:
    with simulated_release(tmp_path) as made:
        home, snapshot = made.home, made.view.preprocessing.snapshot
        release = CID.parse(home_page(home)["newest"][0]["cid"])
        set_name(home, home.key, "faces", release)
        set_name(home, home.key, "faces", snapshot)
        set_name(home, home.key, "people", snapshot)
        assert content(home, "faces") == snapshot  # the newest of all
        assert audited(home, "faces") == str(release)
        assert audited(home, "people") == str(snapshot)
