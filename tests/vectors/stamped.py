"""Make the release whose evidence verifiers check: ``python -m tests.vectors.stamped FOLDER`` (needs ``openssl``).

It writes ``release.car`` (an RFC 3161 stamp of plan and release, folds drawn from a real round of drand's quicknet, a
witness's cosignature), ``trust/authority.pem`` and ``trust/witness.txt`` (what a verifier is told to trust, never from
the file), and ``stranger.car``: the same release stamped by an authority that nobody trusts. Made once: signatures by
ECDSA differ each time. The round of 2024 is one of those that the tests of drand have; the plan is stamped just before.
"""

from __future__ import annotations

import datetime
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.log import anchor_digest
from registry.core.ports.beacon import tell_nobody
from registry.core.records import DrandRound, Note
from registry.provenance.beacons.networks import QUICKNET
from registry.provenance.evidence import der, rfc3161
from registry.workflows.log.checkpoints import add_cosignatures, leaves, newest
from registry.workflows.log.inclusions import keep_releases_included
from registry.workflows.log.witnesses import cosign_log, witness_of
from registry.workflows.store.export_held import export_held
from tests.support.anchors import authority as authorities
from tests.support.anchors.authority import Authority, serving
from tests.support.forgery import sections, write_car
from tests.vectors.make import FixedHome, draw, fixed_home, release

ROUND = 9367912  # published at 2024-07-13T21:45:00Z
SIGNATURE = bytes.fromhex(
    "845091b99635a8a5f93a15cd8622fae0c7ee5307fb5b888dc67ee4fe997b5b326dbd637bd7ab39e3188fd507ea94b314"
)
BEFORE, AFTER = "2024-07-13T21:44:58Z", "2024-07-13T21:45:10Z"


class QuicknetThen:
    """drand as it was then: it has one round, and with it time goes on."""

    name = f"drand:{QUICKNET.hash}"
    round_after, time_of = QUICKNET.round_after, QUICKNET.time_of

    def __init__(self, home: Then) -> None:
        self._home = home

    def fetch(self, number: int, tell: Callable[[Note], None] = tell_nobody) -> DrandRound:
        """The round."""
        assert number == ROUND, number
        self._home.time = AFTER
        return DrandRound(chain=QUICKNET.hash, round=ROUND, signature=SIGNATURE)


class Then(FixedHome):
    """A home in 2024, its time told by the steps that it takes."""

    time = BEFORE

    def now(self) -> str:
        return self.time

    @property
    def beacons(self) -> QuicknetThen:
        return QuicknetThen(self)


class PastAuthority(Authority):
    """An authority whose clock is a home's."""

    home: Then

    def reply(self, query: bytes, name: str = "tsa") -> bytes:
        """Signed by ``openssl cms``, which gives it the signer's certificate in ESSCertIDv2 as ``openssl ts`` does."""
        super().reply(query, name)
        folder, run = self.folder, authorities._openssl
        run(folder, "ts", "-reply", "-in", "reply", "-token_out", "-out", "token")
        run(folder, *["cms", "-verify", "-noverify", "-inform", "DER", "-in", "token", "-out", "info", "-binary"])
        info = (folder / "info").read_bytes()
        at = info.index(b"\x18\x0f") + 2  # GeneralizedTime of 15 characters
        clock = self.home.now().translate(dict.fromkeys(map(ord, "-:T"))).encode()
        (folder / "info").write_bytes(info[:at] + clock + info[at + 15 :])
        kind = "1.2.840.113549.1.9.16.1.4"
        sign = f"cms -sign -binary -nodetach -cades -econtent_type {kind} -signer {name}.pem -inkey {name}.key -in info"
        run(folder, *f"{sign} -outform DER -out token -md sha256".split())
        body = b"\x30\x03\x02\x01\x00" + (folder / "token").read_bytes()
        return b"\x30\x82" + len(body).to_bytes(2, "big") + body


def make(folder: Path) -> None:
    """All four files."""
    (folder / "trust").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, pytest.MonkeyPatch.context() as patch:
        days = datetime.timedelta(days=1)
        patch.setattr(authorities, "TIMES", (-3650 * days, 36500 * days))
        trusted, stranger = (PastAuthority(Path(scratch) / name, name) for name in ("Authority", "Stranger"))
        with serving(trusted):
            home = _home(Path(scratch), trusted, patch)
            trusted.home = stranger.home = home
            made = release(home, draw(Path(scratch) / "faces"))
            _cosigned(home, folder)
            path = folder / "release.car"
            export_held(home, CID.parse(made["entry"]), path, without_images=True)
            (folder / "trust" / "authority.pem").write_bytes(trusted.root.read_bytes())
            stamped_by(stranger, path, folder / "stranger.car")
            home.close()


def _home(folder: Path, authority: Authority, patch: pytest.MonkeyPatch) -> Then:
    patch.setenv("EMOTIONET_TSA", authority.url)
    patch.setenv("EMOTIONET_TSA_ROOTS", str(authority.root))
    return Then(fixed_home(folder, patch).settings)


def _cosigned(home: Then, folder: Path) -> None:
    witness = witness_of(home, "witness.example")
    signed = newest(home, home.key)
    line = cosign_log(witness, signed, leaves(home, home.key.did))
    keep_releases_included(home, add_cosignatures(home, signed, [line]))
    (folder / "trust" / "witness.txt").write_text(f"{witness.key}\n", encoding="ascii")


def evidence_in(data: bytes) -> records.Evidence | None:
    """The evidence that a block is; None where it is something else."""
    try:
        return records.parse_as(records.Evidence, data)
    except InvalidInput:
        return None


def exchanged(
    path: Path, out: Path, change: Callable[[records.Evidence], records.Evidence], kind: str = rfc3161.KIND
) -> None:
    """A file with other evidence of a kind: nothing links to evidence, so nothing else changes."""
    roots, blocks = sections(path)
    made: dict[CID, tuple[CID, bytes]] = {}
    for cid, data in blocks:
        one = evidence_in(data) if cid.codec == DAG_CBOR else None
        if one is not None and one.kind == kind:
            other = records.encode(change(one))
            made[cid] = (cid_of(other, DAG_CBOR), other)
    named = [made[cid][0] if cid in made else cid for cid in roots]
    write_car(out, named, [made.get(cid, (cid, data)) for cid, data in blocks])


def stamped_by(authority: PastAuthority, path: Path, out: Path) -> None:
    """A file whose stamps are another authority's, at the same times."""

    def again(one: records.Evidence) -> records.Evidence:
        authority.home.time = one.statement["time"]
        proof = authority.reply(der.request(anchor_digest(CID.decode(one.entry)), 1))
        statement = rfc3161.stamp_in(rfc3161.read(proof)).statement
        return records.Evidence(entry=one.entry, kind=one.kind, statement=statement, proof=proof)

    exchanged(path, out, again)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
