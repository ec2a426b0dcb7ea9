"""A home that has lost its key or its catalog says so wherever it matters; one that can't be written can be read."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.assembly import open_home
from registry.catalog import tokens
from registry.cli.main import main
from registry.provenance.keys.keys import load_or_create
from tests.cli.test_cli import run

ROOT = Path(__file__).parents[2]
RECORD = "bafyreiaslio2vywksqormjgzc7kzf5qf3cyrah5dmqusnjhnxenbovm73a"


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with images and a snapshot; tests work on copies."""
    folder = tmp_path_factory.mktemp("used")
    faces = folder / "faces"
    faces.mkdir()
    for number in range(4):
        (faces / f"{number}.jpg").write_bytes(b"\xff\xd8\xff\xe0 picture %d" % number)
    rows = "".join(f"{number}.jpg,{label}\n" for number, label in enumerate(("triste", "feliz") * 2))
    (faces / "labels.csv").write_text(f"file,label\n{rows}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOTIONET_HOME", str(folder / "home"))
        assert main(["import", str(faces), "--quiet"]) == 0
        assert main(["snapshot", "create", "--quiet"]) == 0
        yield folder


@pytest.fixture
def there(used: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the used home, which is EMOTIONET_HOME."""
    shutil.copytree(used / "home", tmp_path / "home")
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def lose_key(home: Path) -> None:
    shutil.rmtree(home / "keys")


def replace_key(home: Path) -> None:
    lose_key(home)
    load_or_create(home, another=True)
    for folder in (home / "log").iterdir():
        if not any(folder.iterdir()):
            folder.rmdir()  # a key that was put there, not one that was chosen


def lose_catalog(home: Path) -> None:
    for path in home.glob("catalog.sqlite*"):
        path.unlink()


def everything(home: Path) -> dict[str, str]:
    """Every file with a digest of its bytes; SQLite's own files beside an open database are no content."""
    found = [path for path in home.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm"))]
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


SIGNING = [
    ["import", "{faces}"],
    ["images", "relabel", "{image}", "enojado"],
    ["images", "withdraw", "{image}", "--reason", "asked to"],
    ["withdraw", "{snapshot}", "--reason", "asked to"],
    ["snapshot", "create"],
    ["train", "{snapshot}", "--dry-run"],
    ["train", "{snapshot}", "--detach"],
    ["anchor", "submit"],
    ["keys", "show"],
    ["keys", "new"],
]


@pytest.mark.parametrize("lost", [lose_key, replace_key])
@pytest.mark.parametrize("command", SIGNING, ids=lambda words: " ".join(words[:2]))
def test_no_command_signs_in_the_place_of_a_key_that_is_gone(
    used: Path, there: Path, capsys: pytest.CaptureFixture[str], command: list[str], lost: object
) -> None:
    image = run(capsys, "images", "list", "--quiet")[1].split()[0]
    snapshot = run(capsys, "snapshot", "list", "--quiet")[1].strip()
    assert callable(lost)
    lost(there)
    before = everything(there / "keys") | everything(there / "log")
    words = [word.format(faces=used / "faces", image=image, snapshot=snapshot) for word in command]
    status, out, err = run(capsys, *words)
    assert (status, out) == (1, ""), err
    error, hint = err.splitlines()[-2:]
    assert error.startswith("emotionet: error: this home's log was signed by did:pkh:eip155:1:0x")
    assert "keys new --another" in hint
    assert everything(there / "keys") | everything(there / "log") == before
    assert run(capsys, "runs", "list", "--quiet")[1] == ""


def test_who_goes_on_as_somebody_else_says_so(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = json.loads(run(capsys, "keys", "show", "--json")[1])["issuer"]
    lose_key(there)
    status, out, _ = run(capsys, "keys", "new", "--another", "--json")
    assert status == 0
    assert json.loads(out)["issuer"] != before
    image = run(capsys, "images", "list", "--quiet")[1].split()[0]
    assert run(capsys, "images", "relabel", image, "enojado")[0] == 0
    assert run(capsys, "doctor")[0] == 0


def test_the_newest_entry_is_told_and_a_rebuild_from_elsewhere_needs_it(
    there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = json.loads(run(capsys, "keys", "show", "--json")[1])["entry"]
    assert f"newest entry {entry}" in run(capsys, "keys", "show")[1]
    assert f"newest entry: {entry}" in run(capsys, "doctor")[1]
    image = run(capsys, "images", "list", "--quiet")[1].split()[0]
    assert run(capsys, "images", "relabel", image, "enojado")[0] == 0
    newer = json.loads(run(capsys, "keys", "show", "--json")[1])["entry"]
    assert newer != entry
    status, _, err = run(capsys, "catalog", "rebuild", "--gateway", "http://127.0.0.1:9")
    assert (status, "keys show" in err) == (2, True)


def test_a_key_that_is_put_back_goes_on(there: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(there / "keys", tmp_path / "backup")
    lose_key(there)
    assert run(capsys, "snapshot", "create")[0] == 1
    shutil.copytree(tmp_path / "backup", there / "keys")
    assert run(capsys, "snapshot", "create")[0] == 0


@pytest.mark.parametrize(
    ("state", "wrong"),
    [
        (lambda home: shutil.rmtree(home), None),
        (lambda home: None, None),
        (lose_key, "key"),
        (replace_key, "key"),
        (lose_catalog, "catalog"),
        (lambda home: shutil.rmtree(home / "blocks"), None),
    ],
)
def test_a_check_writes_nothing(there: Path, capsys: pytest.CaptureFixture[str], state: object, wrong: str) -> None:
    assert callable(state)
    state(there)
    before = everything(there)
    status, out, _ = run(capsys, "doctor", "--json")
    found = {check["name"] for check in json.loads(out)["checks"] if not check["ok"]} - {"method"}
    assert found == ({wrong} if wrong else set())
    assert status == 1 or wrong is None
    assert everything(there) == before


READING = [
    ["images", "list"],
    ["images", "show", "00" * 32],
    ["snapshot", "list"],
    ["release", "list"],
    ["plans", "list"],
    ["lookup", "00" * 32],
    ["lineage", RECORD],
    ["release", "show", RECORD],
]


@pytest.mark.parametrize("command", READING, ids=lambda words: " ".join(words[:2]))
def test_who_finds_nothing_in_a_lost_catalog_is_told_why(
    there: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert "catalog rebuild" not in run(capsys, *command)[2]
    lose_catalog(there)
    err = run(capsys, *command)[2]
    assert "hint: run `emotionet catalog rebuild`." in err.splitlines()
    assert run(capsys, "catalog", "rebuild", "--quiet") == (0, "", "")
    assert "catalog rebuild" not in run(capsys, *command)[2]


def test_a_catalog_that_was_restored_from_an_older_copy_is_told_too(
    there: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(there / "catalog.sqlite", tmp_path / "older")
    image = run(capsys, "images", "list", "--quiet")[1].split()[0]
    assert run(capsys, "images", "relabel", image, "enojado")[0] == 0
    shutil.copy(tmp_path / "older", there / "catalog.sqlite")
    assert "catalog rebuild" in run(capsys, "images", "list", "--quiet")[2]
    assert run(capsys, "doctor")[0] == 1


def test_a_store_whose_log_is_lost_too_is_known_by_its_pins(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lose_catalog(there)
    shutil.rmtree(there / "log")
    assert "catalog rebuild" in run(capsys, "images", "list")[2]


MANY = """
import json, os, sys
from registry.cli.main import main
for words in json.loads(sys.argv[1]):
    print(json.dumps([words, main(words)]), flush=True)
try:
    open(os.path.join(os.environ["EMOTIONET_HOME"], "x"), "w")
    print("it can be written")
except OSError:
    pass
"""
STRANGER = 1234  # a user who is not this one


def as_a_reader(home: Path, commands: list[list[str]]) -> subprocess.CompletedProcess[str]:
    """Run commands as somebody who may read a home and not write it; root heeds modes only without its capabilities."""
    for path in (home, *home.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    words = [sys.executable, "-c", MANY, json.dumps(commands)]
    if os.geteuid() == 0:
        drop = "-dac_override,-dac_read_search,-fowner"
        words = ["setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}", *words]
        for path in (home, *home.rglob("*")):
            os.chown(path, STRANGER, STRANGER)
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    for path in (home, *home.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return done


@pytest.mark.parametrize("writing", [False, True])
def test_a_home_that_can_t_be_written_is_read(there: Path, capsys: pytest.CaptureFixture[str], writing: bool) -> None:
    snapshot = run(capsys, "snapshot", "list", "--quiet")[1].strip()
    commands = [
        ["images", "list", "--quiet"],
        ["snapshot", "show", snapshot],
        ["audit", snapshot, "--level", "2"],
        ["lookup", snapshot],
        ["lineage", snapshot],
        ["release", "list"],
        ["runs", "list"],
        ["store", "verify"],
        ["show", snapshot],
    ]
    held = open_home()
    if writing:  # somebody else is at it: SQLite's log of what was written lies beside
        with held.catalog.write() as db:
            tokens.create(db, ("admin",), held.now())
        assert (there / "catalog.sqlite-wal").stat().st_size
    done = as_a_reader(there, commands)
    held.close()
    assert "it can be written" not in done.stdout
    ended = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('[["')]
    assert ended == [[words, 0] for words in commands], done.stderr
