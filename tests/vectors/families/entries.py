"""Entries: what is signed, and what of a log is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from registry.core import issuers, log, records
from registry.core.errors import Untrusted
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from tests.support.anchors.signer import MemorySigner
from tests.vectors.families.vector import Family, Vector, good

TIME = "2026-11-23T15:00:00Z"
ONE, TWO = MemorySigner(7), MemorySigner(8)
RECORD = records.cid(records.Issuer(chains=(("eip155:1", "0x" + "ab" * 20),)))


def read(given: Any) -> dict[str, Any]:
    """An entry, checked by itself."""
    cid = cid_of(given["block"], DAG_CBOR)
    entry = log.read_entry(cid, lambda _: bytes(given["block"]))
    signed = log.signing_bytes(entry)
    return {"entry": cid, "issuer": entry.issuer, "signed": signed, "digest": hashlib.sha256(signed).digest()}


def walk(given: Any) -> list[int]:
    """The numbers from the newest entry back to the first that is given."""
    blocks = {cid_of(block, DAG_CBOR): block for block in given["blocks"]}
    newest, until = given["newest"], given["until"]

    def get(cid: CID) -> bytes:
        return bytes(blocks[cid]) if cid in blocks else log.nothing(cid)

    if any(one not in blocks for one in (newest, until)):
        raise Untrusted("an entry is missing", code="log_gap")
    return [entry.seq for _, entry in log.walk_back(newest, until, get)]


def signed(signer: MemorySigner, value: dict[str, Any], kind: str = log.PAYLOAD_TYPE) -> bytes:
    """A block of whatever map, signed as an entry is."""
    message = log.pae(kind, encoding.encode(value))
    return encoding.encode({**value, "signature": signer.sign(message)})


def a_map(signer: MemorySigner = ONE, seq: int = 0, **other: Any) -> dict[str, Any]:
    """An entry's map without its signature."""
    plain = {
        "v": 1,
        "type": "entry",
        "issuer": signer.did,
        "key": signer.public_key,
        "seq": seq,
        "prev": None,
        "log": None,
        "record": RECORD,
        "issuedAt": TIME,
        "alg": "dsse-es256k",
    }
    return {**plain, **other}


def _other_s(block: bytes) -> bytes:
    value = encoding.decode(block)
    s = issuers.ORDER - int.from_bytes(value["signature"][32:], "big")
    return encoding.encode({**value, "signature": value["signature"][:32] + s.to_bytes(32, "big")})


def _without(block: bytes, name: str) -> bytes:
    return encoding.encode({key: one for key, one in encoding.decode(block).items() if key != name})


def _with(block: bytes, **changed: Any) -> bytes:
    return encoding.encode({**encoding.decode(block), **changed})


def singles() -> Sequence[Vector]:
    first = signed(ONE, a_map())
    cid = bytes(cid_of(first, DAG_CBOR))
    second, later = (
        signed(ONE, a_map(seq=1, prev=cid, log=cid)),
        signed(ONE, a_map(seq=9, prev=cid[:-1] + b"x", log=cid)),
    )
    signature, other = encoding.decode(first)["signature"], MemorySigner(9)
    from coincurve import PrivateKey

    long_key = PrivateKey(ONE.secret).public_key.format(compressed=False)
    bad = "bad_signature"
    refused = {
        "another issuer's key": (
            signed(TWO, a_map(ONE, key=TWO.public_key)),
            bad,
            "the key's address is not the issuer",
        ),
        "signed by another key": (signed(TWO, a_map()), bad, "the key did not sign it"),
        "a flipped bit": (_with(first, issuedAt="2026-11-23T15:00:01Z"), bad, "the key did not sign it"),
        "high s": (_other_s(first), bad, "s is low"),
        "r is 0": (_with(first, signature=bytes(32) + signature[32:]), bad, "0 < r < n"),
        "s is 0": (_with(first, signature=signature[:32] + bytes(32)), bad, "0 < s"),
        "65 bytes, with v": (_with(first, signature=signature + b"\x00"), bad, "a signature has 64 bytes"),
        "an uncompressed key": (signed(ONE, a_map(key=long_key)), bad, "a key has 33 bytes"),
        "a key on no point": (signed(ONE, a_map(key=b"\x02" + b"\xff" * 32)), bad, "it is on no point of the curve"),
        "another payload type": (
            signed(ONE, a_map(), "application/vnd.in-toto+json"),
            bad,
            "the payload type is bound",
        ),
        "signed without PAE": (
            _with(first, signature=ONE.sign(encoding.encode(a_map()))),
            bad,
            "the payload type is bound",
        ),
        "another alg": (signed(ONE, a_map(alg="es256k")), bad, "there is one alg"),
        "an issuer in upper case": (
            signed(ONE, a_map(issuer=ONE.did.replace("0x", "0X"))),
            bad,
            "a DID is in lower case",
        ),
        "a DID of another chain": (
            signed(ONE, a_map(issuer=ONE.did.replace("eip155:1:", "eip155:137:"))),
            bad,
            "a DID is of chain 1",
        ),
        "seq 0 with prev": (signed(ONE, a_map(prev=cid, log=cid)), "log_gap", "the first has neither prev nor log"),
        "seq 1 without log": (signed(ONE, a_map(seq=1, prev=cid)), "log_gap", "every other has both"),
        "seq 1 with another log than prev": (
            signed(ONE, a_map(seq=1, prev=cid, log=bytes(cid_of(second, DAG_CBOR)))),
            "log_gap",
            "the second names the first twice",
        ),
        "seq -1": (signed(ONE, a_map(seq=-1, prev=cid, log=cid)), "log_gap", "seq counts from 0"),
        "an unknown field": (signed(other, a_map(other, note="x")), "not_an_entry", "exactly the stated fields"),
        "a missing field": (_without(first, "log"), "not_an_entry", "exactly the stated fields"),
        "a named thing as a link": (
            signed(ONE, a_map(seq=1, prev=CID.decode(cid), log=cid)),
            "not_an_entry",
            "prev is named, not linked",
        ),
        "a record that is named": (signed(ONE, a_map(record=bytes(RECORD))), "not_an_entry", "record is a link"),
        "seq is true": (signed(ONE, a_map(seq=True, prev=cid, log=cid)), "not_an_entry", "true is no integer"),
        "a time with a fraction": (
            signed(ONE, a_map(issuedAt="2026-11-23T15:00:00.0Z")),
            "not_an_entry",
            "whole seconds",
        ),
        "a time with an offset": (signed(ONE, a_map(issuedAt="2026-11-23T15:00:00+00:00")), "not_an_entry", "Z alone"),
        "a day that does not exist": (
            signed(ONE, a_map(issuedAt="2026-02-30T15:00:00Z")),
            "not_an_entry",
            "no such day",
        ),
        "version 0": (signed(ONE, a_map(v=0)), "not_an_entry", "versions begin at 1"),
        "version 2 without authority": (signed(ONE, a_map(v=2)), "not_an_entry", "exactly the stated fields"),
        "version 1 with authority": (signed(ONE, a_map(authority=None)), "not_an_entry", "exactly the stated fields"),
        "version 3": (signed(ONE, a_map(v=3)), "newer_version", "not checked: it is newer"),
        "another record": (
            records.encode(records.Issuer(chains=())),
            "not_an_entry",
            "it is of another type",
        ),
    }
    return [
        good(read, "the first", {"block": first}),
        good(read, "the second", {"block": second}),
        good(read, "a later one", {"block": later}),
        *(Vector(name, {"block": block}, refused=code, why=why) for name, (block, code, why) in refused.items()),
    ]


def _log(signer: MemorySigner, count: int, time: str = TIME) -> list[bytes]:
    blocks: list[bytes] = []
    for seq in range(count):
        names = [bytes(cid_of(block, DAG_CBOR)) for block in (blocks[-1:] + blocks[:1])]
        prev, first = (names[0], names[1]) if names else (None, None)
        blocks.append(signed(signer, a_map(signer, seq=seq, prev=prev, log=first, issuedAt=time)))
    return blocks


def logs() -> Sequence[Vector]:
    mine, fork, others = _log(ONE, 4), _log(ONE, 4, "2026-11-23T16:00:00Z"), _log(TWO, 4)
    cids = [cid_of(block, DAG_CBOR) for block in mine]
    first, third = bytes(cids[0]), bytes(cids[2])
    jumps = signed(ONE, a_map(seq=4, prev=third, log=first))
    strays = signed(ONE, a_map(seq=4, prev=bytes(cids[3]), log=bytes(cid_of(fork[0], DAG_CBOR))))
    foreign = signed(TWO, a_map(TWO, seq=4, prev=bytes(cids[3]), log=first))

    def from_to(blocks: list[bytes], newest: bytes, until: CID) -> dict[str, Any]:
        return {"blocks": blocks, "newest": cid_of(newest, DAG_CBOR), "until": until}

    return [
        good(walk, "four entries", from_to(mine, mine[3], cids[0])),
        good(walk, "from the third to the second", from_to(mine, mine[2], cids[1])),
        Vector(
            "a number is passed over", from_to([*mine, jumps], jumps, cids[0]), refused="log_gap", why="seq counts up"
        ),
        Vector(
            "another first entry",
            from_to([*mine, fork[0], strays], strays, cids[0]),
            refused="log_fork",
            why="log stays",
        ),
        Vector("another issuer", from_to([*mine, foreign], foreign, cids[0]), refused="log_gap", why="one issuer"),
        Vector("two logs of one key", from_to([*mine, *fork], fork[3], cids[1]), refused="log_fork", why="log stays"),
        Vector("somebody else's", from_to([*mine, *others], others[3], cids[1]), refused="log_gap", why="one issuer"),
        Vector("the end is newer", from_to(mine, mine[1], cids[3]), refused="log_gap", why="it is not on the way"),
    ]


FAMILIES = (
    Family(
        "entries",
        "A block; expected: of the entry its CID, issuer, the signed bytes (PAE) and their digest.",
        read,
        singles,
    ),
    Family(
        "logs",
        "Entries; expected: the numbers on the way from `newest` back to `until`, both included. Each is also "
        "checked alone.",
        walk,
        logs,
    ),
)
