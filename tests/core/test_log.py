"""Logs of signed entries: what is signed, who signed it, gaps and forks. eth_keys is the independent oracle."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from eth_keys import keys as eth_keys
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.core import issuers, log, records
from registry.core.errors import InvalidInput, NewerVersion, NotFound, Untrusted
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, RAW, cid_of
from registry.core.records import Entry
from tests.support.anchors.signer import MemorySigner

NOON = "2026-11-23T12:00:00Z"


ANA, LUIS = MemorySigner(1), MemorySigner(2)
RECORD = records.cid(records.Issuer(chains=()))


class Logs:
    """Entries in memory, by CID."""

    def __init__(self) -> None:
        self.blocks: dict[CID, bytes] = {}

    def get(self, cid: CID) -> bytes:
        if cid not in self.blocks:
            raise NotFound(f"{cid} is not here")
        return self.blocks[cid]

    def keep(self, entry: Entry) -> CID:
        cid = records.cid(entry)
        self.blocks[cid] = records.encode(entry)
        return cid

    def append(self, signer: MemorySigner, seq: int, prev: CID | None, text: str = "") -> CID:
        record = cid_of(text.encode(), RAW) if text else RECORD
        return self.keep(log.make_entry(signer, seq, prev, self.first_of(prev), record, NOON))

    def first_of(self, prev: CID | None) -> CID | None:
        """The first entry of the log that ``prev`` is of."""
        entry = records.parse(self.blocks[prev]) if prev is not None else None
        return CID.decode(entry.log) if isinstance(entry, Entry) and entry.log else prev

    def chain(self, signer: MemorySigner, length: int) -> list[CID]:
        """CIDs of a log, oldest first."""
        cids: list[CID] = []
        for seq in range(length):
            cids.append(self.append(signer, seq, cids[-1] if cids else None))
        return cids


def entry(seq: int = 0, prev: CID | None = None) -> Entry:
    return log.make_entry(ANA, seq, prev, prev, RECORD, NOON)


# --- what is signed ----------------------------------------------------------------------------------


def test_the_published_vector_of_dsse_holds() -> None:
    """From secure-systems-lab/dsse, protocol.md."""
    assert (
        log.pae("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_lengths_in_pae_are_bytes() -> None:
    assert log.pae("ñ", "ñandú".encode()) == b"DSSEv1 2 \xc3\xb1 7 \xc3\xb1and\xc3\xba"


def test_the_signed_bytes_are_the_entry_without_its_signature() -> None:
    made = entry()
    value = encoding.decode(records.encode(made))
    del value["signature"]
    expected = b"DSSEv1 36 application/vnd.emotionet.entry+cbor "
    payload = encoding.encode(value)
    assert log.signing_bytes(made) == expected + b"%d " % len(payload) + payload
    assert set(value) == {"v", "type", "issuer", "key", "seq", "prev", "log", "record", "issuedAt", "alg"}


def test_an_independent_library_verifies_ours() -> None:
    made = entry()
    digest = hashlib.sha256(log.signing_bytes(made)).digest()
    key = eth_keys.PublicKey.from_compressed_bytes(made.key)
    assert key.verify_msg_hash(digest, eth_keys.Signature(made.signature + b"\0"))
    assert issuers.DID_PREFIX + key.to_address() == made.issuer
    assert key == eth_keys.PrivateKey(ANA.secret).public_key


@settings(max_examples=30, deadline=None)
@given(st.integers(1, issuers.ORDER - 1), st.binary(max_size=64))
def test_we_verify_an_independent_library(secret: int, message: bytes) -> None:
    key = eth_keys.PrivateKey(secret.to_bytes(32, "big"))
    signature = key.sign_msg_hash(hashlib.sha256(message).digest()).to_bytes()[:64]
    public = key.public_key.to_compressed_bytes()
    assert issuers.signed_by(public, signature, message)
    assert not issuers.signed_by(public, signature, message + b"!")
    assert not issuers.signed_by(ANA.public_key, signature, message) or public == ANA.public_key
    assert issuers.address_of_key(public) == key.public_key.to_address()


def test_the_address_of_a_known_key() -> None:
    """Private key 1, whose address everybody knows."""
    assert ANA.did == "did:pkh:eip155:1:0x7e5f4552091a69125d5dfcb7b8c2659029395bdf"


# --- every change is found ---------------------------------------------------------------------------


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_byte_changed_is_found(data: st.DataObject) -> None:
    good = records.encode(entry(3, RECORD))
    changed = bytearray(good)
    changed[data.draw(st.integers(0, len(good) - 1))] ^= data.draw(st.integers(1, 255))
    cid = cid_of(bytes(changed), DAG_CBOR)  # its own CID: only the signature can tell
    with pytest.raises((Untrusted, NewerVersion)) as caught:  # the byte may be the version's
        log.read_entry(cid, {cid: bytes(changed)}.__getitem__)
    assert caught.value.code in ("bad_signature", "not_an_entry", "newer_version")


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 4},
        {"prev": bytes(cid_of(b"x", DAG_CBOR))},
        {"record": cid_of(b"x", DAG_CBOR)},
        {"issued_at": "2026-11-23T12:00:01Z"},
        {"issuer": LUIS.did},
        {"key": LUIS.public_key},
        {"issuer": LUIS.did, "key": LUIS.public_key},
        {"key": b""},
        {"key": bytes(33)},
        {"key": b"\x02" + b"\xff" * 32},
        {"key": bytes([ANA.public_key[0] ^ 1]) + ANA.public_key[1:]},
        {"log": bytes(cid_of(b"x", DAG_CBOR))},
        {"log": None},
        {"issuer": ANA.did.upper()},
        {"issuer": ANA.did.replace("0x7e", "0x7E")},
        {"issuer": ANA.did.replace("eip155:1:", "eip155:2:")},
        {"issuer": ANA.did + "\n"},
        {"alg": "none"},
        {"alg": ""},
        {"signature": b""},
        {"signature": bytes(64)},
        {"signature": b"\xff" * 64},
        {"signature": entry(3, RECORD).signature + b"\0"},
    ],
)
def test_any_field_changed_is_found(change: dict[str, Any]) -> None:
    good = entry(3, RECORD)
    log.verify_entry(good)
    with pytest.raises(Untrusted) as caught:
        log.verify_entry(msgspec.structs.replace(good, **change))
    assert caught.value.code == "bad_signature"


def high_s(signature: bytes) -> bytes:
    s = issuers.ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big")


def test_the_other_valid_form_of_a_signature_is_refused() -> None:
    """(r, n - s) signs the same message: without the rule anyone could give an entry a second CID."""
    good = entry()
    twin = msgspec.structs.replace(good, signature=high_s(good.signature))
    digest = hashlib.sha256(log.signing_bytes(good)).digest()
    key = eth_keys.PrivateKey(ANA.secret).public_key
    assert key.verify_msg_hash(digest, eth_keys.Signature(twin.signature + b"\0")), "it is a valid ECDSA signature"
    with pytest.raises(Untrusted) as caught:
        log.verify_entry(twin)
    assert caught.value.code == "bad_signature"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=36), st.binary(max_size=70), st.binary(max_size=10))
def test_no_bytes_crash_a_verification(key: bytes, signature: bytes, message: bytes) -> None:
    with suppress(Untrusted):
        assert not issuers.signed_by(key, signature, message)
    with suppress(Untrusted):
        assert not issuers.signed_by(ANA.public_key, signature, message)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, issuers.ORDER + 5), st.integers(0, issuers.ORDER + 5))
def test_no_numbers_crash_a_verification(r: int, s: int) -> None:
    with suppress(Untrusted):
        assert not issuers.signed_by(ANA.public_key, r.to_bytes(32, "big") + s.to_bytes(32, "big"), b"message")
        assert 0 < r < issuers.ORDER
        assert 0 < s <= issuers.ORDER // 2


def test_making_the_same_entry_again_gives_the_same_bytes() -> None:
    assert records.encode(entry()) == records.encode(entry())


@pytest.mark.parametrize(
    ("seq", "prev", "first", "at"),
    [
        (0, RECORD, None, NOON),
        (0, None, RECORD, NOON),
        (1, None, RECORD, NOON),
        (1, RECORD, None, NOON),
        (1, RECORD, cid_of(b"x", DAG_CBOR), NOON),
        (-1, RECORD, RECORD, NOON),
        (0, None, None, "2026-11-23T12:00:00+00:00"),
        (0, None, None, ""),
    ],
)
def test_an_entry_that_can_not_be_is_not_made(seq: int, prev: CID | None, first: CID | None, at: str) -> None:
    with pytest.raises(InvalidInput):
        log.make_entry(ANA, seq, prev, first, RECORD, at)


def test_a_signer_that_signs_for_somebody_else_is_found_at_once() -> None:
    liar = MemorySigner(3)
    liar.did = ANA.did
    with pytest.raises(Untrusted):
        log.make_entry(liar, 0, None, None, RECORD, NOON)


def test_a_did_and_its_address_name_the_same_key() -> None:
    address = issuers.address_of(ANA.did)
    assert issuers.did_of(address.upper().replace("X", "x")) == ANA.did
    for bad in ("", "0x12", address + "0", "0x" + "g" * 40, address + "\n"):
        with pytest.raises(InvalidInput):
            issuers.did_of(bad)
    for bad in (address, ANA.did + "0", "did:key:" + address, ANA.did.replace("0x7e", "0x7E")):
        with pytest.raises(InvalidInput):
            issuers.address_of(bad)


# --- first, next, gap, fork --------------------------------------------------------------------------


def test_the_first_entry_names_its_issuers_chains() -> None:
    issuer = records.Issuer(chains=(("eip155:31337", "0x" + "ab" * 20),))
    first = log.make_entry(ANA, 0, None, None, records.cid(issuer), NOON)
    assert log.check_first(first, issuer) == issuer
    other = records.Issuer(chains=())
    for bad_entry, record in (
        (first, other),
        (first, records.Withdrawal(target=b"x", reason="", remedy="notice", effective=NOON)),
        (log.make_entry(ANA, 1, records.cid(first), records.cid(first), records.cid(issuer), NOON), issuer),
    ):
        with pytest.raises(Untrusted):
            log.check_first(bad_entry, record)


def test_an_entry_follows_only_the_one_before_it() -> None:
    logs = Logs()
    cids = logs.chain(ANA, 3)
    first, second, third = (log.read_entry(cid, logs.get) for cid in cids)
    log.check_successor(second, first, cids[0])
    log.check_successor(third, second, cids[1])
    fork = log.read_entry(logs.append(ANA, 1, cids[0], "fork"), logs.get)
    for newer, older, older_cid, code in (
        (third, first, cids[0], "log_gap"),
        (first, second, cids[1], "log_gap"),
        (second, second, cids[1], "log_fork"),
        (fork, second, cids[1], "log_fork"),
        (third, fork, records.cid(fork), "log_fork"),
        (log.make_entry(LUIS, 1, cids[0], cids[0], RECORD, NOON), first, cids[0], "log_gap"),
    ):
        with pytest.raises(Untrusted) as caught:
            log.check_successor(newer, older, older_cid)
        assert caught.value.code == code


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 8), st.data())
def test_walking_back_gives_every_entry_newest_first(length: int, data: st.DataObject) -> None:
    logs = Logs()
    cids = logs.chain(ANA, length)
    start = data.draw(st.integers(0, length - 1))
    end = data.draw(st.integers(0, start))
    walked = list(log.walk_back(cids[start], cids[end], logs.get))
    assert [cid for cid, _ in walked] == cids[end : start + 1][::-1]
    assert [cid for cid, _ in log.walk_back(cids[start], None, logs.get)] == cids[: start + 1][::-1]


def test_walking_reads_no_further_than_asked() -> None:
    logs = Logs()
    cids = logs.chain(ANA, 6)
    for cid in cids[:3]:
        del logs.blocks[cid]
    assert len(list(log.walk_back(cids[5], cids[3], logs.get))) == 3
    with pytest.raises(NotFound):
        list(log.walk_back(cids[5], None, logs.get))


def test_a_fork_is_named() -> None:
    logs = Logs()
    cids = logs.chain(ANA, 5)
    fork = logs.append(ANA, 2, cids[1], "fork")
    after = logs.append(ANA, 3, fork)
    for newest, until in ((after, cids[2]), (cids[4], fork), (cids[2], fork)):
        with pytest.raises(Untrusted) as caught:
            list(log.walk_back(newest, until, logs.get))
        assert caught.value.code == "log_fork"


def test_a_gap_is_named() -> None:
    logs = Logs()
    cids = logs.chain(ANA, 3)
    jump = logs.append(ANA, 4, cids[2])
    after = logs.append(ANA, 5, jump)
    with pytest.raises(Untrusted) as caught:
        list(log.walk_back(after, cids[0], logs.get))
    assert caught.value.code == "log_gap"


def test_a_walk_can_not_go_forward() -> None:
    logs = Logs()
    cids = logs.chain(ANA, 3)
    with pytest.raises(Untrusted):
        list(log.walk_back(cids[0], cids[2], logs.get))


def test_two_issuers_make_no_log() -> None:
    logs = Logs()
    ana, luis = logs.chain(ANA, 3), logs.chain(LUIS, 3)
    stolen = logs.append(LUIS, 3, ana[2])
    for newest, until in ((ana[2], luis[0]), (stolen, ana[0]), (stolen, luis[0]), (stolen, None)):
        with pytest.raises(Untrusted):
            list(log.walk_back(newest, until, logs.get))


def forged(change: Callable[[Entry], Entry]) -> tuple[Logs, list[CID]]:
    """A log whose third entry of four was changed, and all after it signed again by somebody who can."""
    logs = Logs()
    cids = logs.chain(ANA, 2)
    bad = change(log.make_entry(ANA, 2, cids[1], cids[0], RECORD, NOON))
    cids.append(logs.keep(bad))
    cids.append(logs.append(ANA, 3, cids[2]))
    return logs, cids


def test_an_unsigned_entry_on_the_way_is_found() -> None:
    logs, cids = forged(lambda good: msgspec.structs.replace(good, record=cid_of(b"other", DAG_CBOR)))
    with pytest.raises(Untrusted) as caught:
        list(log.walk_back(cids[3], cids[0], logs.get))
    assert caught.value.code == "bad_signature"


def test_something_else_on_the_way_is_found() -> None:
    logs = Logs()
    data = records.encode(records.Issuer(chains=()))
    logs.blocks[cid_of(data, DAG_CBOR)] = data
    newest = logs.append(ANA, 1, cid_of(data, DAG_CBOR))
    with pytest.raises(Untrusted) as caught:
        list(log.walk_back(newest, None, logs.get))
    assert caught.value.code == "not_an_entry"


def test_an_entry_that_names_another_first_one_is_of_another_log() -> None:
    logs = Logs()
    cids, others = logs.chain(ANA, 3), Logs()
    other_first = others.append(ANA, 0, None, "another beginning")
    logs.blocks |= others.blocks
    stray = logs.keep(log.make_entry(ANA, 3, cids[2], other_first, RECORD, NOON))
    for until in (None, cids[1], cids[2], other_first):
        with pytest.raises(Untrusted) as caught:
            list(log.walk_back(stray, until, logs.get))
        assert caught.value.code == "log_fork"


def test_a_segment_is_tied_to_the_first_entry_that_it_does_not_reach() -> None:
    logs = Logs()
    cids = logs.chain(ANA, 6)
    for cid in cids[:3]:
        del logs.blocks[cid]
    assert {log.log_of(one, cid) for cid, one in log.walk_back(cids[5], cids[3], logs.get)} == {bytes(cids[0])}


def test_the_anchored_digest_is_that_of_the_entrys_cid() -> None:
    made = entry()
    assert log.anchor_digest(records.cid(made)) == hashlib.sha256(records.encode(made)).digest()
    for other in (cid_of(b"x", RAW), CID.v0(bytes(32)), CID.v1(DAG_CBOR, bytes(64), 0x13)):
        with pytest.raises(InvalidInput):
            log.anchor_digest(other)
