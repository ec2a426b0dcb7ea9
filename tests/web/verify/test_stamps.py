"""The verifier in JavaScript says of timestamps what the audit says, whoever signed them, and of forged ones too."""

from __future__ import annotations

import hashlib
import json
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from registry.core.errors import Untrusted
from registry.core.ipld.cid import DAG_CBOR, cid_of
from registry.core.records import Evidence
from registry.provenance.evidence import der, opentimestamps, rfc3161
from registry.provenance.evidence.ots_format import BITCOIN, MAGIC, number_bytes
from registry.provenance.evidence.shown import NoTrustRoot, Trust
from registry.provenance.evidence.verify import verify
from tests.support.anchors.authority import Authority
from tests.support.anchors.calendar import CalendarServer, sized
from tests.support.verifier import verifier_script

HERE = Path(__file__).parent
ENTRY = cid_of(b"an entry", DAG_CBOR)
KEYS: dict[str, tuple[Any, str]] = {
    "P-256": (lambda: ec.generate_private_key(ec.SECP256R1()), "sha256"),
    "P-384": (lambda: ec.generate_private_key(ec.SECP384R1()), "sha384"),
    "RSA": (lambda: rsa.generate_private_key(65537, 2048), "sha256"),
    "RSA-512": (lambda: rsa.generate_private_key(65537, 3072), "sha512"),
}


@dataclass(frozen=True)
class Case:
    """Evidence, and what the auditor trusts: PEM texts, and headers of Bitcoin's blocks."""

    name: str
    evidence: Evidence
    roots: Sequence[str] = ()
    headers: tuple[tuple[int, bytes], ...] = ()


def stamped(authority: Authority, key: str = "tsa") -> Evidence:
    proof = authority.reply(der.request(ENTRY.digest, 7), key)
    statement = rfc3161.stamp_in(rfc3161.read(proof)).statement
    return Evidence(entry=bytes(ENTRY), kind=rfc3161.KIND, statement=statement, proof=proof)


def _signed_places(proof: bytes) -> list[int]:
    """Some bytes of what the authority signed, of its certificate's signed part, and of its signature.

    Other certificates that a token carries, and how it names its algorithms, nobody signs.
    """
    info = proof.index(b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x04") + 17
    digest = proof.index(b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04") + 20  # messageDigest
    certificate = proof.index(b"\x30\x82", info) + 8
    return [*range(info, info + 80, 6), *range(digest, digest + 24, 6), *range(certificate, certificate + 20, 6), -1]


def _forged(name: str, one: Evidence, root: str) -> Iterator[Case]:
    proof = one.proof or b""
    for at in _signed_places(proof):
        changed = bytearray(proof)
        changed[at] ^= 1
        yield Case(f"{name}, byte {at} changed", msgspec.structs.replace(one, proof=bytes(changed)), (root,))
    for field in one.statement:
        other = {**one.statement, field: "1"}
        yield Case(f"{name}, another {field}", msgspec.structs.replace(one, statement=other), (root,))
    more = {**one.statement, "more": "1"}
    yield Case(f"{name}, a further field", msgspec.structs.replace(one, statement=more), (root,))
    for proof_ in (None, b"", b"{}", proof[:-1], proof + b"\0"):
        yield Case(f"{name}, {str(proof_)[:9]}", msgspec.structs.replace(one, proof=proof_), (root,))
    elsewhere = bytes(cid_of(b"another entry", DAG_CBOR))
    yield Case(f"{name}, of another entry", msgspec.structs.replace(one, entry=elsewhere), (root,))


def _of_authorities(folder: Path) -> Iterator[Case]:
    stranger = Authority(folder / "stranger", "A Stranger").root.read_text()
    for name, (make_key, digest) in KEYS.items():
        authority = Authority(folder / name, f'An "{name}", Ltd. + Sons', make_key, digest)
        root, one = authority.root.read_text(), stamped(authority)
        yield Case(name, one, (stranger, root))
        yield Case(f"{name}, not trusted", one, (stranger,))
        yield Case(f"{name}, nobody trusted", one)
        if name == "RSA":
            yield from _forged(name, one, root)
        if name == "P-256":
            for key in ("past", "mail"):
                proof = authority.signed_by_mail(der.request(ENTRY.digest, 7)) if key == "mail" else b""
                with_it = msgspec.structs.replace(one, proof=proof) if proof else stamped(authority, key)
                statement = rfc3161.stamp_in(rfc3161.read(with_it.proof or b"")).statement
                yield Case(f"a certificate {key}", msgspec.structs.replace(with_it, statement=statement), (root,))


def _of_bitcoin() -> Iterator[Case]:
    blocks = CalendarServer()
    message = hashlib.sha256(hashlib.sha256(ENTRY.digest + b"salt").digest()[::-1]).digest()
    operations = b"\xf0" + sized(b"salt") + b"\x08\xf2\x08"
    kept = MAGIC + b"\x08" + ENTRY.digest + operations + blocks.kept(message)
    ((height, header),) = blocks.headers.items()
    time = opentimestamps.time_of(header, header[36:68], height)
    statement = {"calendar": "https://a.example", "chain": opentimestamps.CHAIN, "height": height, "time": time}
    one = Evidence(entry=bytes(ENTRY), kind=opentimestamps.KIND, statement=statement, proof=kept)
    good = Case("Bitcoin", one, (), ((height, header),))
    yield good
    yield replace(good, name="no header", headers=())
    yield replace(good, name="another block's header", headers=((height, header[:36] + bytes(32) + header[68:]),))
    yield replace(good, name="a header of no work", headers=((height, header[:72] + bytes(8)),))
    for name, other in (("time", "2020-01-01T00:00:00Z"), ("height", height + 1), ("chain", "x"), ("time", None)):
        changed = msgspec.structs.replace(one, statement={**statement, name: other})
        yield replace(good, name=f"another {name}: {other}", evidence=changed)
    for at in range(len(MAGIC) - 1, len(kept), 5):
        changed = msgspec.structs.replace(one, proof=kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :])
        yield replace(good, name=f"byte {at} changed", evidence=changed)
    for name, proof in (
        ("cut off", kept[:-1]),
        ("too long", kept + b"\0"),
        ("no operation", kept[: len(MAGIC) + 33]),
        ("a deep one", MAGIC + b"\x08" + ENTRY.digest + b"\x08" * 300 + b"\x00" + BITCOIN + sized(number_bytes(5))),
    ):
        yield replace(good, name=name, evidence=msgspec.structs.replace(one, proof=proof))
    promise = MAGIC + b"\x08" + ENTRY.digest + blocks.promise(ENTRY.digest, "https://a.example")
    unkept = msgspec.structs.replace(one, proof=promise, statement={**statement, "height": None, "time": None})
    yield replace(good, name="a promise alone", evidence=unkept)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    return [*_of_authorities(tmp_path_factory.mktemp("authorities")), *_of_bitcoin()]


def test_both_verifiers_say_the_same_of_every_timestamp(node: str, cases: list[Case], tmp_path: Path) -> None:
    given = [
        {
            "kind": one.evidence.kind,
            "statement": one.evidence.statement,
            "proof": (one.evidence.proof or b"").hex(),
            "digest": one.evidence.entry[4:].hex(),
            "trust": [*one.roots, *(f"# height\n{height} {header.hex()}\n" for height, header in one.headers)],
        }
        for one in cases
    ]
    (tmp_path / "cases.json").write_text(json.dumps(given), encoding="utf-8")
    command = [node, str(HERE / "stamps.js"), str(verifier_script()), str(tmp_path / "cases.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ours = [json.loads(line) for line in done.stdout.splitlines()]
    different = {}
    for one, said in zip(cases, ours, strict=True):
        theirs = _audited(one)
        (kind, what), (their_kind, their_what) = next(iter(said.items())), next(iter(theirs.items()))
        if (kind == "time") != (their_kind == "time") or (kind == "time" and what != their_what):
            different[one.name] = (said, theirs)
    assert different == {}
    held = [one.name for one, said in zip(cases, ours, strict=True) if "time" in said]
    assert {*KEYS, "Bitcoin"} <= set(held)


def _audited(case: Case) -> dict[str, str]:
    headers = dict(case.headers)
    roots = [ssl.PEM_cert_to_DER_cert(one) for one in case.roots]
    try:
        found = verify(case.evidence, Trust(certificates=lambda: roots, header=headers.get))
    except NoTrustRoot as error:
        return {"open": str(error)}
    except Untrusted as error:
        return {"refused": str(error)}
    return {"time": str(found.time), "by": found.by}
