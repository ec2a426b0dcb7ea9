"""A key that is given as a secret: both forms, whose it is, and that nothing of it is told or written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from registry.assembly import open_home
from registry.cli.main import main
from registry.core.errors import Conflict, InvalidInput, UsageError
from registry.core.ipld.cid import RAW, cid_of
from registry.provenance.keys import signed_heads as signed_heads
from registry.provenance.keys.keys import load_or_create
from registry.provenance.keys.secret_key import address_of_secret, open_secret
from registry.settings import read_settings
from registry.workflows.local_issuers import check_may_sign, local_issuers, signing_issuers

HERE = Path("/run/secrets/key")


@pytest.fixture
def made(tmp_path: Path) -> tuple[str, str, str, str]:
    """A key elsewhere: its address, its keystore, that one's passphrase, its digits."""
    key = load_or_create(tmp_path / "elsewhere")
    passphrase = (key.path.parent / "passphrase").read_text().strip()
    return key.address, key.path.read_text(), passphrase, key.private_bytes().hex()


def test_a_keystore_and_plain_digits_are_one_key(made: tuple[str, str, str, str]) -> None:
    address, keystore, passphrase, digits = made
    assert {address_of_secret(one) for one in (keystore, digits, f"0x{digits}\n")} == {address}
    opened = [open_secret(keystore, passphrase, HERE), open_secret(digits, None, HERE)]
    assert {key.did for key in opened} == {f"did:pkh:eip155:1:{address}"}
    assert opened[0].sign(b"message") == opened[1].sign(b"message")
    assert not any(key.created for key in opened)


def test_machines_with_one_secret_publish_as_one_issuer_and_write_no_key(
    made: tuple[str, str, str, str], tmp_path: Path
) -> None:
    address, keystore, passphrase, _ = made
    for name, text in (("key", keystore), ("passphrase", passphrase)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o444)  # as secrets are mounted
    for machine in ("one", "two"):
        environment = {
            "EMOTIONET_HOME": str(tmp_path / machine),
            "EMOTIONET_KEY_FILE": str(tmp_path / "key"),
            "EMOTIONET_PASSPHRASE_FILE": str(tmp_path / "passphrase"),
        }
        home = open_home(read_settings(environment))
        assert home.key.address == address
        assert signing_issuers(home) == local_issuers(home) == {home.key.did}
        check_may_sign(home)
        assert not (tmp_path / machine / "keys").exists()
        assert passphrase not in repr(home.settings)
        assert json.loads(keystore)["crypto"]["ciphertext"] not in repr(home.settings)
        home.close()


def test_a_secret_that_is_no_key_is_refused_without_being_shown(made: tuple[str, str, str, str]) -> None:
    address, keystore, passphrase, digits = made
    other = json.dumps(json.loads(keystore) | {"address": "00" * 20})
    for text in ("", "words", "{}", "[]", "0" * 64, "f" * 64, digits[:-1], '{"address": 5}'):
        with pytest.raises(InvalidInput) as caught:
            address_of_secret(text)
        assert caught.value.code == "key_file_damaged"
        assert len(text) < 60 or text not in str(caught.value)
    for text, word, code in (
        (keystore, None, "passphrase_missing"),
        (keystore, "wrong", "wrong_passphrase"),
        (other, passphrase, "key_file_damaged"),
    ):
        with pytest.raises(InvalidInput) as caught:
            open_secret(text, word, HERE)
        assert caught.value.code == code
        assert passphrase not in str(caught.value)
    assert address_of_secret(keystore) == address


def test_another_secret_does_not_go_on_in_a_home_that_a_key_signed(
    made: tuple[str, str, str, str], tmp_path: Path
) -> None:
    signed_heads.remember(tmp_path / "home", "did:pkh:eip155:1:0x" + "ab" * 20, 0, cid_of(b"entry", RAW))
    home = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path / "home"), "EMOTIONET_KEY": made[3]}))
    with pytest.raises(Conflict, match="log was signed by"):
        home.key  # noqa: B018 - opened by being asked for
    home.close()


def test_no_other_key_is_made_beside_a_secret(
    made: tuple[str, str, str, str], home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMOTIONET_KEY", made[3])
    assert main(["keys", "show", "--quiet"]) == 0
    assert capsys.readouterr().out.strip().endswith(made[0])
    assert main(["keys", "new", "--another"]) == 2
    assert "given as a secret" in capsys.readouterr().err
    assert main(["doctor"]) == 0
    assert made[0] in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, ""])
def test_a_secret_file_that_holds_nothing_is_said(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "key").write_text(content)
    with pytest.raises(UsageError, match="EMOTIONET_KEY_FILE"):
        read_settings({"EMOTIONET_KEY_FILE": str(tmp_path / "key")})
