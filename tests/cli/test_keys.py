"""`emotionet keys`: hand a log over, revoke, name a recovery key, copy; and what a kill in between leaves."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from registry.assembly import open_home
from registry.settings import read_settings
from tests.cli.test_cli import run
from tests.support.logs import log_of
from tests.support.pages import served

# The real command, in a process that the kernel kills right before (or after) a step of the handover.
KILLED = """
import os, signal, sys
from registry.cli.main import main
from registry.provenance.keys import replacing
from registry.workflows.keys import change_keys

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

module, name = {"append": (change_keys, "change_keys"), "move": (replacing, "take_over")}[sys.argv[1]]
setattr(module, name, die)
main(["keys", "rotate", "--quiet"])
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A home with a key and two entries."""
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "home"))
    assert run(capsys, "keys", "new")[0] == 0
    assert run(capsys, "profile", "set", "--name", "Ana")[0] == 0
    return tmp_path / "home"


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    status, out, err = run(capsys, *arguments, "--json")
    assert status == 0, err
    return json.loads(out)


def passphrase(folder: Path, text: str) -> str:
    path = folder / f"{text}.txt"
    path.write_text(text)
    return str(path)


def test_a_rotation_names_the_file_where_the_new_key_is(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "keys", "rotate")
    (line,) = [line for line in (out + err).splitlines() if "the new key is " in line]
    assert status == 0
    assert Path(line.partition("the new key is ")[2].strip()).is_file(), line


def test_a_log_that_is_handed_over_keeps_its_issuer(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = said(capsys, "keys", "show")
    done = said(capsys, "keys", "rotate")
    after = said(capsys, "keys", "show")
    assert (done["issuer"], after["issuer"]) == (before["issuer"], before["issuer"])
    assert done["key"].endswith(after["address"])
    assert after["address"] != before["address"]
    assert run(capsys, "profile", "set", "--name", "Ana again")[0] == 0
    listed = said(capsys, "keys", "list")
    assert [(one["place"], one["address"]) for one in listed["files"]] == [
        ("current", after["address"]),
        ("replaced", before["address"]),
    ]
    assert [one["successor"] for one in listed["changes"]] == [done["key"]]


def test_a_stolen_key_is_replaced_and_what_it_signed_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = said(capsys, "keys", "rotate")["changes"][0]["seq"]
    assert run(capsys, "profile", "set", "--name", "Thief")[0] == 0
    done = said(capsys, "keys", "rotate", "--revoke-from", str(first + 1))
    assert [(one["seq"], one["type"]) for one in done["revoked"]] == [(first + 1, "profile")]
    assert said(capsys, "profile", "show")["name"] == "Ana"
    status, _, err = run(capsys, "keys", "rotate", "--revoke-from", "99")
    assert (status != 0, "99 can't be revoked" in err) == (True, True)


def test_revoke_says_what_to_revoke(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "keys", "revoke")
    assert (status, "--close" in err) == (2, True)


def test_a_closed_log_is_taken_back_by_its_recovery_key(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cold, opens = tmp_path / "cold.json", passphrase(tmp_path, "a cold night")
    named = said(capsys, "keys", "recovery", str(cold), "--passphrase-file", opens)
    assert named["recovery"].endswith(json.loads(cold.read_text())["address"].removeprefix("0x"))
    assert said(capsys, "keys", "revoke", "--close")["key"] is None
    status, _, err = run(capsys, "profile", "set", "--name", "Thief")
    assert (status != 0, "closed" in err) == (True, True)
    recovered = ("--recovery-key", str(cold), "--recovery-passphrase-file", opens)
    assert said(capsys, "keys", "rotate", *recovered)["issuer"] == named["issuer"]
    assert run(capsys, "profile", "set", "--name", "Ana again")[0] == 0


def test_a_copy_is_written_once(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy, opens = tmp_path / "copy.json", passphrase(tmp_path, "a long walk")
    assert said(capsys, "keys", "export", str(copy), "--passphrase-file", opens)["path"] == str(copy)
    address = said(capsys, "keys", "show")["address"]
    assert json.loads(copy.read_text())["address"].removeprefix("0x") == address.removeprefix("0x")
    status, _, err = run(capsys, "keys", "export", str(copy), "--passphrase-file", opens)
    assert (status != 0, "exists" in err) == (True, True)


def moved(into: Path, monkeypatch: pytest.MonkeyPatch, file: Path, opens: str, *, secret: bool) -> None:
    """From now on commands work in a home that has this key file, and nothing else."""
    monkeypatch.setenv("EMOTIONET_HOME", str(into))
    monkeypatch.setenv("EMOTIONET_PASSPHRASE_FILE", opens)
    if secret:
        monkeypatch.setenv("EMOTIONET_KEY_FILE", str(file))
        return
    address = json.loads(file.read_text())["address"].removeprefix("0x")
    (into / "keys").mkdir(parents=True, mode=0o700)
    shutil.copy(file, into / "keys" / f"0x{address}.json")


@pytest.mark.parametrize("secret", [False, True])
def test_an_exported_key_signs_in_another_home_once_its_log_is_there(
    home: Path, secret: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the log, or with its beginning only, nothing is signed, also not on demand."""
    copy, opens = tmp_path / "copy.json", passphrase(tmp_path, "a long walk")
    early = said(capsys, "keys", "show")["entry"]
    if not secret:
        assert run(capsys, "keys", "rotate")[0] == 0
    assert run(capsys, "profile", "set", "--name", "Ana again")[0] == 0
    exported = said(capsys, "keys", "export", str(copy), "--passphrase-file", opens)
    head, issuer = exported["entry"], exported["issuer"]
    there = open_home(read_settings({"EMOTIONET_HOME": str(home)}))
    with served(there) as gateway:
        moved(tmp_path / "b", monkeypatch, copy, opens, secret=secret)
        for command in (("profile", "set", "--name", "B"), ("keys", "begin")):
            status, _, err = run(capsys, *command)
            assert (status != 0, "when the key was copied" in err, head in err) == (True, True, True), err
        assert run(capsys, "catalog", "rebuild", "--from", early, "--gateway", gateway)[0] == 0
        status, _, err = run(capsys, "profile", "set", "--name", "B")
        assert (status != 0, "not here to that entry" in err) == (True, True), err
        assert run(capsys, "catalog", "rebuild", "--from", head, "--gateway", gateway)[0] == 0
    there.close()
    assert run(capsys, "profile", "set", "--name", "B")[0] == 0
    after = said(capsys, "keys", "show")
    assert after["issuer"] == issuer
    found = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path / "b")}))
    with found.catalog.read() as db:
        assert [row["cid"] for row in log_of(db, issuer)][-2:] == [head, after["entry"]]
    found.close()


@pytest.mark.parametrize("secret", [False, True])
def test_a_key_that_was_copied_by_hand_begins_no_log_before_somebody_says_that_it_has_none(
    home: Path, secret: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (file,) = (home / "keys").glob("0x*.json")
    moved(tmp_path / "b", monkeypatch, file, str(home / "keys" / "passphrase"), secret=secret)
    status, _, err = run(capsys, "profile", "set", "--name", "B")
    assert (status != 0, "was given to this home" in err, "keys begin" in err) == (True, True, True), err
    assert said(capsys, "keys", "show")["entry"] is None
    assert said(capsys, "keys", "begin")["new"]
    assert not said(capsys, "keys", "begin")["new"]
    assert run(capsys, "profile", "set", "--name", "B")[0] == 0


@pytest.mark.parametrize("place", ["append", "move"])
def test_a_rotation_that_was_killed_is_finished_by_the_next_command(
    home: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the entry the old key signs on, and `keys rotate` takes the key that waits; after it the new one does."""
    old = said(capsys, "keys", "show")
    done = subprocess.run([sys.executable, "-c", KILLED, place], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    (waiting,) = [path.stem for path in (home / "keys" / "next").glob("0x*.json")]
    assert run(capsys, "profile", "set", "--name", "Ana again")[0] == 0
    found = said(capsys, "keys", "show")
    assert (found["issuer"], found["address"]) == (old["issuer"], waiting if place == "move" else old["address"])
    if place == "append":
        assert said(capsys, "keys", "rotate")["key"].endswith(waiting)
    assert {path.stem for path in (home / "keys").rglob("0x*.json")} == {waiting, old["address"]}
