"""The publishing key and its keystore: made once, kept from others, interchangeable with eth_keyfile."""

from __future__ import annotations

import hashlib
import json
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import eth_keyfile
import pytest
from eth_keys import keys as eth_keys
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.core.errors import InvalidInput, Unavailable
from registry.core.issuers import DID_PREFIX, ORDER
from registry.provenance.keys import keystore
from registry.provenance.keys.keys import Key, load, load_or_create

SECRET = bytes(range(1, 33))


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person's passphrase costs a second by design; its cost has a test of its own."""
    monkeypatch.setattr(keystore, "HUMAN_N", 1 << 13)


def test_the_first_call_makes_a_key_and_the_next_one_finds_it(tmp_path: Path) -> None:
    assert load(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    made = load_or_create(tmp_path / "home")
    assert made.created
    assert made.path == tmp_path / "home" / "keys" / f"{made.address}.json"
    found = load_or_create(tmp_path / "home")
    assert not found.created
    assert (found.did, found.path, found.private_bytes()) == (made.did, made.path, made.private_bytes())
    again = load(tmp_path / "home")
    assert again is not None
    assert again.did == made.did == DID_PREFIX + made.address


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    key = load_or_create(tmp_path)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    for path in (key.path, tmp_path / "keys" / "passphrase"):
        assert path.stat().st_mode & 0o777 == 0o600
    assert not list((tmp_path / "keys").glob("*.tmp"))


def test_two_homes_have_two_keys_and_two_passphrases(tmp_path: Path) -> None:
    one, two = load_or_create(tmp_path / "1"), load_or_create(tmp_path / "2")
    assert one.address != two.address
    texts = [(tmp_path / name / "keys" / "passphrase").read_text().strip() for name in "12"]
    assert texts[0] != texts[1]
    assert all(len(text) == 43 for text in texts)  # 32 bytes in base64url


def test_a_given_passphrase_is_kept_nowhere(tmp_path: Path) -> None:
    made = load_or_create(tmp_path, "correct horse")
    assert not (tmp_path / "keys" / "passphrase").exists()
    found = load(tmp_path, "correct horse")
    assert found is not None
    assert found.did == made.did
    for path in (tmp_path / "keys").iterdir():
        assert b"horse" not in path.read_bytes()


@pytest.mark.parametrize(
    ("made_with", "opened_with", "code"),
    [
        ("right", "wrong", "wrong_passphrase"),
        (None, "wrong", "wrong_passphrase"),
        ("right", None, "passphrase_missing"),
        ("right", "", "passphrase_missing"),
    ],
)
def test_another_passphrase_is_refused(tmp_path: Path, made_with: Any, opened_with: Any, code: str) -> None:
    load_or_create(tmp_path, made_with)
    for ask in (load, load_or_create):
        with pytest.raises(InvalidInput) as caught:
            ask(tmp_path, opened_with)
        assert caught.value.code == code
    assert len(list((tmp_path / "keys").glob("*.json"))) == 1


def test_an_empty_passphrase_makes_no_key(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        load_or_create(tmp_path, "")
    assert load(tmp_path) is None


@pytest.mark.parametrize("name", ["key", "passphrase"])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, name: str) -> None:
    key = load_or_create(tmp_path)
    path = key.path if name == "key" else tmp_path / "keys" / "passphrase"
    path.chmod(0o640)
    with pytest.raises(InvalidInput, match="others may read") as caught:
        load(tmp_path)
    assert caught.value.code == "key_too_open"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": 3}', '{"version": 4, "crypto": {}}', "ñ"])
def test_a_damaged_key_file_is_named(tmp_path: Path, text: str) -> None:
    key = load_or_create(tmp_path)
    key.path.write_text(text)
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path)
    assert caught.value.code == "key_file_damaged"


def test_a_key_under_another_name_is_refused(tmp_path: Path) -> None:
    key = load_or_create(tmp_path)
    key.path.rename(key.path.with_name("0x" + "00" * 20 + ".json"))
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path)
    assert caught.value.code == "key_file_damaged"


def test_two_keys_are_no_choice_of_ours(tmp_path: Path) -> None:
    key = load_or_create(tmp_path)
    (key.path.parent / "other.json").write_bytes(key.path.read_bytes())
    with pytest.raises(InvalidInput) as caught:
        load_or_create(tmp_path)
    assert caught.value.code == "several_keys"


def test_a_place_that_can_not_be_used_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for ask in (load, load_or_create):
        with pytest.raises(Unavailable):
            ask(tmp_path / "file")
    key = load_or_create(tmp_path)
    key.path.unlink()
    key.path.mkdir()
    with pytest.raises(Unavailable):
        load(tmp_path)


def test_a_killed_maker_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    """Whatever was written before the kill, the next call ends with one key."""
    made = load_or_create(tmp_path)
    made.path.rename(
        made.path.with_name(f"{made.path.name}.tmp")
    )  # as before the last rename, passphrase already there
    again = load_or_create(tmp_path)
    assert again.created
    assert load_or_create(tmp_path).did == again.did


MAKER = """
import sys
from pathlib import Path
from registry.provenance.keys.keys import load_or_create
print(load_or_create(Path(sys.argv[1])).did)
"""


def test_processes_that_race_end_with_one_key(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKER, str(tmp_path / "home")]
    makers = [
        subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    told = {maker.communicate(timeout=60)[0].strip() for maker in makers}
    assert len(told) == 1
    assert told.pop().startswith(DID_PREFIX)
    assert len(list((tmp_path / "home" / "keys").glob("*.json"))) == 1


def test_opening_with_the_random_passphrase_is_quick(tmp_path: Path) -> None:
    load_or_create(tmp_path)
    begin = time.perf_counter()
    assert load(tmp_path) is not None
    assert time.perf_counter() - begin < 0.5  # about 0.02 s alone on a machine


def test_a_persons_passphrase_costs_what_geth_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert json.loads(load_or_create(tmp_path / "1", "human").path.read_text())["crypto"]["kdfparams"]["n"] == 262144
    assert json.loads(load_or_create(tmp_path / "2").path.read_text())["crypto"]["kdfparams"]["n"] == 4096


# --- secrets and signatures --------------------------------------------------------------------------


def test_no_text_form_shows_the_secret(tmp_path: Path) -> None:
    key = load_or_create(tmp_path)
    secret = key.private_bytes()
    for text in (repr(key), str(key), f"{key}"):
        assert secret.hex() not in text.lower()
        assert key.did in text
    assert not hasattr(key, "__dict__")
    with pytest.raises(TypeError):
        pickle.dumps(key)


@settings(max_examples=50, deadline=None)
@given(message=st.binary(max_size=200))
def test_signatures_are_the_deterministic_low_s_ones(tmp_path_factory: pytest.TempPathFactory, message: bytes) -> None:
    key = _shared_key(tmp_path_factory)
    signature = key.sign(message)
    other = eth_keys.PrivateKey(key.private_bytes()).sign_msg_hash(hashlib.sha256(message).digest())
    assert signature == other.to_bytes()[:64], "eth_keys follows RFC 6979 too, so both must agree to the byte"
    assert len(signature) == 64
    assert int.from_bytes(signature[32:], "big") <= ORDER // 2
    recovered = other.recover_public_key_from_msg_hash(hashlib.sha256(message).digest())
    assert recovered.to_address() == key.address
    assert recovered.to_compressed_bytes() == key.public_key


_KEYS: list[Key] = []


def _shared_key(factory: pytest.TempPathFactory) -> Key:
    if not _KEYS:
        _KEYS.append(load_or_create(factory.mktemp("key")))
    return _KEYS[0]


# --- the keystore's format ---------------------------------------------------------------------------


@pytest.mark.parametrize("passphrase", ["simple", "contraseña ñandú", "x" * 100])
def test_eth_keyfile_reads_ours(passphrase: str) -> None:
    text = keystore.encrypt(SECRET, "0x" + "ab" * 20, passphrase, 1 << 10)
    assert eth_keyfile.decode_keyfile_json(json.loads(text), passphrase.encode()) == SECRET
    assert keystore.decrypt(text, passphrase) == SECRET


@pytest.mark.parametrize(("kdf", "cost"), [("scrypt", 1 << 10), ("pbkdf2", 1000)])
def test_we_read_eth_keyfiles(kdf: Any, cost: int) -> None:
    document = eth_keyfile.create_keyfile_json(SECRET, b"simple", kdf=kdf, iterations=cost)
    assert keystore.decrypt(json.dumps(document), "simple") == SECRET
    upper = {"Crypto" if name == "crypto" else name: value for name, value in document.items()}
    assert keystore.decrypt(json.dumps(upper), "simple") == SECRET
    with pytest.raises(InvalidInput) as caught:
        keystore.decrypt(json.dumps(document), "other")
    assert caught.value.code == "wrong_passphrase"


VECTOR = {  # Web3 Secret Storage Definition, its pbkdf2 and scrypt test vectors (passphrase "testpassword")
    "pbkdf2": {
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
            "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
            "kdf": "pbkdf2",
            "kdfparams": {
                "c": 262144,
                "dklen": 32,
                "prf": "hmac-sha256",
                "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
            },
            "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3,
    },
}


def test_the_published_vectors_of_a_keystore_are_read() -> None:
    expected = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"
    assert keystore.decrypt(json.dumps(VECTOR["pbkdf2"]), "testpassword").hex() == expected


@pytest.mark.parametrize(
    "change",
    [
        {"n": 1 << 30},
        {"n": 0},
        {"n": 1000},
        {"r": 1 << 20},
        {"p": 1000},
        {"dklen": 16},
        {"dklen": 1 << 30},
        {"salt": "no hex"},
        {"n": "many"},
    ],
)
def test_a_file_can_not_ask_for_too_much_or_nonsense(change: dict[str, Any]) -> None:
    document = json.loads(keystore.encrypt(SECRET, "0x", "x", 1 << 10))
    document["crypto"]["kdfparams"] |= change
    with pytest.raises(InvalidInput) as caught:
        keystore.decrypt(json.dumps(document), "x")
    assert caught.value.code == "key_file_damaged"


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["ciphertext", "mac"]), st.integers(0, 63), st.sampled_from("0123456789abcdef"))
def test_any_digit_changed_is_found(name: str, at: int, digit: str) -> None:
    document = json.loads(keystore.encrypt(SECRET, "0x", "x", 2))
    before = document["crypto"][name]
    document["crypto"][name] = before[:at] + digit + before[at + 1 :]
    if document["crypto"][name] == before:
        return
    with pytest.raises(InvalidInput):
        keystore.decrypt(json.dumps(document), "x")
