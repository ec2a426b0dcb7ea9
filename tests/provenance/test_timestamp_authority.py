"""Timestamp authorities: the contract, and authorities that lie, stall or are strangers."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from registry.core.errors import Conflict, EmotionetError, Unavailable, Untrusted, UsageError
from registry.core.ipld.cid import DAG_CBOR, cid_of
from registry.core.ports.anchor import Anchors, evidence_of
from registry.core.records import Evidence
from registry.provenance.anchors.timestamp.authority import TimestampAuthority
from registry.provenance.anchors.timestamp.kept import KeptStamps
from registry.provenance.evidence.rfc3161 import verify
from registry.provenance.evidence.shown import NoTrustRoot, Trust
from tests.provenance.anchor_contract import AnchorContract, Reopen, digest
from tests.support.anchors.authority import Authority, serving
from tests.support.anchors.stamps import Away, Kept

ME, YOU = "0x" + "ab" * 20, "0x" + "cd" * 20
ENTRY = cid_of(b"an entry", DAG_CBOR)


def roots_in(*authorities: Authority) -> Sequence[bytes]:
    return [ssl.PEM_cert_to_DER_cert(one.root.read_text()) for one in authorities]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("authorities")


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Authority]:
    with serving(Authority(folder / "one")) as authority:
        yield authority


@pytest.fixture
def authority(served: Authority) -> Authority:
    served.how, served.asked = "honest", 0
    return served


@pytest.fixture(scope="module")
def stranger(folder: Path) -> Authority:
    return Authority(folder / "other", "A Stranger")


def place(authority: Authority, kept: KeptStamps, who: str = ME) -> TimestampAuthority:
    return TimestampAuthority(authority.url, kept, lambda: who, lambda: roots_in(authority), seconds=2.0)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "stamps.sqlite")


class TestAuthority(AnchorContract):
    """The contract that every place to anchor keeps."""

    FINAL = "stamped"
    KIND = "rfc3161"
    CHAIN = r"rfc3161:127\.0\.0\.1:\d+/tsr"
    ON_CHAIN = False
    PROVES = True

    @pytest.fixture
    def anchors(self, authority: Authority, kept: Kept) -> Anchors:
        return place(authority, kept)

    @pytest.fixture
    def reopen(self, authority: Authority, kept: Kept, tmp_path: Path) -> Reopen:
        return lambda: place(authority, Kept(tmp_path / "stamps.sqlite"))

    @pytest.fixture
    def other(self, authority: Authority, kept: Kept) -> Anchors:
        return place(authority, kept, YOU)

    @pytest.fixture
    def unreachable(self, authority: Authority) -> Anchors:
        return place(authority, Away())


def evidence(authority: Authority, kept: Kept, value: bytes = ENTRY.digest) -> Evidence:
    return evidence_of(ENTRY, place(authority, kept).submit(value))


def test_a_stamp_shows_when_an_entry_was_there_and_by_whose_word(authority: Authority, kept: Kept) -> None:
    made = evidence(authority, kept)
    shown = verify(made, Trust(certificates=lambda: roots_in(authority)))
    assert (shown.entry, shown.by, shown.time) == (ENTRY, "CN=Some Authority", made.statement["time"])
    assert set(made.statement) == {"authority", "policy", "serial", "time"}
    assert made.statement["policy"] == "1.2.3.4.1"


def test_openssl_verifies_what_is_kept(authority: Authority, kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "proof.tsr").write_bytes(evidence(authority, kept).proof or b"")
    words = ["openssl", "ts", "-verify", "-digest", ENTRY.digest.hex(), "-in", "proof.tsr", "-CAfile"]
    done = subprocess.run([*words, str(authority.root)], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert (done.returncode, "Verification: OK" in done.stdout + done.stderr) == (0, True)


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        ("wrong_nonce", Untrusted, "Nonce mismatch"),
        ("wrong_digest", Untrusted, "something else"),
        ("expired", Untrusted, "certificate has expired"),
        ("other_usage", Untrusted, "unsuitable certificate purpose"),
        ("damaged", Untrusted, "wrong signature"),
        ("refusing", Untrusted, "did not grant"),
        ("garbage", Untrusted, "no timestamp"),
        ("html", Unavailable, "a web page"),
        ("busy", Unavailable, "status 503"),
        ("redirect", Unavailable, "status 302"),
        ("huge", Unavailable, "more than"),
        ("stall", Unavailable, "too slow"),
    ],
)
def test_what_an_authority_gives_wrongly_is_refused_and_stays_pending(
    authority: Authority, kept: Kept, how: str, error: type[EmotionetError], said: str
) -> None:
    authority.how = how
    one = place(authority, kept)
    with pytest.raises(error, match=said) as caught:
        one.submit(digest("a"))
    assert isinstance(caught.value, Unavailable) == (error is Unavailable)
    assert (one.status(digest("a")).status, one.status(digest("a")).proof, one.pending()) == (
        "pending",
        None,
        [digest("a")],
    )
    authority.how = "honest"
    assert (one.submit(digest("a")).status, one.pending()) == ("stamped", [])


def test_an_authority_that_is_not_trusted_here_is_named_with_the_way_out(
    authority: Authority, stranger: Authority, kept: Kept
) -> None:
    one = TimestampAuthority(authority.url, kept, lambda: ME, lambda: roots_in(stranger))
    with pytest.raises(Conflict, match="no trust root for CN=Some Authority") as caught:
        one.submit(digest("a"))
    assert "EMOTIONET_TSA_ROOTS" in (caught.value.hint or "")


def test_what_is_stamped_is_not_asked_for_again(authority: Authority, kept: Kept) -> None:
    first = place(authority, kept).submit(digest("a"))
    assert (place(authority, kept).submit(digest("a")), authority.asked) == (first, 1)


def test_a_password_in_the_address_is_sent_and_never_told(authority: Authority, kept: Kept) -> None:
    url = authority.url.replace("http://", "http://me:secret@")
    one = TimestampAuthority(url, kept, lambda: ME, lambda: roots_in(authority))
    assert (one.submit(digest("a")).status, "secret" in one.chain) == ("stamped", False)
    with pytest.raises(UsageError, match="no http"):
        TimestampAuthority("tsa.example", kept, lambda: ME, list)


def test_an_unknown_root_leaves_evidence_unchecked_and_a_forgery_fails_all_the_same(
    authority: Authority, stranger: Authority, kept: Kept
) -> None:
    made = evidence(authority, kept)
    for trust in (Trust(), Trust(certificates=lambda: roots_in(stranger))):
        with pytest.raises(NoTrustRoot, match="no trust root for CN=Some Authority"):
            verify(made, trust)
    proof = made.proof or b""
    forged = _with(made, proof=proof[:-1] + bytes([proof[-1] ^ 1]))
    with pytest.raises(Untrusted, match="wrong signature"):
        verify(forged, Trust(certificates=lambda: roots_in(stranger)))


@pytest.mark.parametrize("field", ["time", "authority", "serial", "policy", "more"])
def test_evidence_that_states_anything_else_than_its_token_fails(authority: Authority, kept: Kept, field: str) -> None:
    made = evidence(authority, kept)
    changed = _with(made, statement={**made.statement, field: "2001-01-01T00:00:00Z"})
    with pytest.raises(Untrusted, match="something else than its token"):
        verify(changed, Trust(certificates=lambda: roots_in(authority)))


def test_a_token_of_another_entry_fails(authority: Authority, kept: Kept) -> None:
    other = _with(evidence(authority, kept), entry=bytes(cid_of(b"another", DAG_CBOR)))
    with pytest.raises(Untrusted, match="something else"):
        verify(other, Trust(certificates=lambda: roots_in(authority)))
    for proof in (None, b"", b"\x30", bytes(40_000), b"\x30\x03\x02\x01\x00", b"\x30\x84\xff\xff\xff\xff"):
        with pytest.raises(Untrusted):
            verify(_with(other, proof=proof), Trust())


def _with(made: Evidence, **changed: object) -> Evidence:
    fields = {"entry": made.entry, "kind": made.kind, "statement": made.statement, "proof": made.proof}
    return Evidence(**(fields | changed))  # type: ignore[arg-type]
