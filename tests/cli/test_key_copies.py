"""Copies of the publishing key on paper and as a keystore, and the passphrase that does not lie beside it."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from registry.core.errors import InvalidInput
from registry.provenance.keys import keystore
from registry.provenance.keys.paper import printed, read_printed
from tests.cli.test_cli import run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A home with a key and a replaced one."""
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "home"))
    assert run(capsys, "profile", "set", "--name", "Ana")[0] == 0
    assert run(capsys, "keys", "rotate")[0] == 0
    return tmp_path / "home"


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    status, out, err = run(capsys, *arguments, "--json")
    assert status == 0, err
    return json.loads(out)


def test_a_printed_key_that_is_typed_in_is_the_key_and_a_slip_is_told_with_its_line() -> None:
    private = bytes(range(1, 33))
    page = printed(private)
    assert read_printed(page) == private
    lines = [line for line in page.splitlines() if line[:1].isdigit()]
    assert [len(line.replace(" ", "")) for line in lines] == [17] * 4
    typed = "\n".join(reversed([line.lower().replace("1", "l", 0) for line in lines]))
    assert read_printed(typed) == private
    assert read_printed(typed.replace("0", "o")) == private
    for number, line in enumerate(lines, 1):
        for place in range(3, len(line)):
            if line[place] == " ":
                continue
            slip = line[:place] + ("7" if line[place] != "7" else "8") + line[place + 1 :]
            with pytest.raises(InvalidInput, match=f"line {number} was copied wrongly"):
                read_printed(page.replace(line, slip))
    with pytest.raises(InvalidInput, match="line 2 is missing"):
        read_printed(page.replace(lines[1], ""))
    with pytest.raises(InvalidInput, match="wrongly"):
        read_printed(
            page.replace(lines[0][1:], "swap").replace(lines[1][1:], lines[0][1:]).replace("swap", lines[1][1:])
        )
    with pytest.raises(InvalidInput, match="not of the address"):
        read_printed(page.replace("address 0x", "address 0x" + "0" * 40 + "\n# "))


def test_a_home_whose_key_was_lost_signs_on_with_the_printed_copy(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = said(capsys, "keys", "show")
    page = tmp_path / "paper.txt"
    assert run(capsys, "keys", "export", str(page), "--paper")[0] == 0
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert run(capsys, "keys", "export", str(page), "--paper")[0] == 1
    assert run(capsys, "keys", "import", str(page))[0] == 1  # the home has its key
    for path in [*(home / "keys").glob("0x*.json"), home / "keys" / "passphrase"]:
        path.unlink()
    assert said(capsys, "keys", "import", str(page))["address"] == before["address"]
    assert said(capsys, "keys", "show") == before
    assert run(capsys, "profile", "set", "--name", "Ana again")[0] == 0


def test_a_protected_key_opens_with_its_passphrase_alone(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keystore, "HUMAN_N", 1 << 12)
    before = said(capsys, "keys", "show")
    (tmp_path / "phrase").write_text("of mine")
    done = said(capsys, "keys", "protect", "--passphrase-file", str(tmp_path / "phrase"))
    assert len(done["paths"]) == 2
    assert not (home / "keys" / "passphrase").exists()
    status, _, err = run(capsys, "keys", "show")
    assert (status, "needs its passphrase" in err) == (1, True)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _: "of mine")
    assert said(capsys, "keys", "show") == before
    monkeypatch.undo()
    monkeypatch.setenv("EMOTIONET_HOME", str(home))
    monkeypatch.setenv("EMOTIONET_PASSPHRASE_FILE", str(tmp_path / "phrase"))
    assert said(capsys, "keys", "show") == before
    for path in (home / "keys").rglob("0x*.json"):
        keystore.decrypt(path.read_text(), "of mine")
    assert said(capsys, "backup", "-o", str(tmp_path / "b.tar"))["opens_key"] is False
