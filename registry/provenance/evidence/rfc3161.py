"""Timestamps by RFC 3161: an authority signs a digest and its own clock's time.

Source: RFC 3161 (updated by RFC 5816); signature, chain, usage and validity of the certificates, at the stamp's own
time, are checked by ``rfc3161-client`` with OpenSSL. The digest is the entry's (``log.anchor_digest``), so that
``openssl ts -verify -in proof.tsr -digest HEX`` checks the same. It shows that the entry was there when the authority
says; whoever holds the authority's key can state any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from registry.core import records
from registry.core.errors import Untrusted
from registry.core.ipld.cid import CID
from registry.core.log import anchor_digest
from registry.provenance.evidence import der
from registry.provenance.evidence.shown import NoTrustRoot, Shown, Trust

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

KIND = "rfc3161"
MAX_SIZE = 32 * 1024  # bytes of an answer; with a chain of certificates about 6,000
SHA256 = "2.16.840.1.101.3.4.2.1"
_NAME = 200  # letters of an authority's name that are kept
# What OpenSSL says of a chain that ends in no certificate that it was given (X509_V_ERR_...), and of nothing else.
_NO_ROOT = ("unable to get local issuer certificate", "self-signed certificate", "self signed certificate")
_REASONS = ("certificate has expired", "certificate is not yet valid", "unsuitable certificate purpose")


@dataclass(frozen=True)
class Stamp:
    """What a token says; ``statement`` is what evidence of it states."""

    authority: str  # the subject of its certificate (RFC 4514)
    policy: str  # OID
    serial: str  # hex
    time: str
    nonce: int | None

    @property
    def statement(self) -> dict[str, str]:
        """The fields of an evidence's statement."""
        return {"authority": self.authority, "policy": self.policy, "serial": self.serial, "time": self.time}


def verify(evidence: records.Evidence, trust: Trust) -> Shown:
    """The entry was there by the time that the token states, if the authority is to be trusted."""
    if not evidence.proof:
        raise Untrusted("evidence of kind rfc3161 has no token", code="bad_evidence")
    entry = CID.decode(evidence.entry)
    answer = read(evidence.proof)
    stamp = stamp_in(answer)
    check_digest(answer, anchor_digest(entry))
    if evidence.statement != stamp.statement:
        raise Untrusted("the evidence states something else than its token", code="bad_evidence")
    check_signed(answer, anchor_digest(entry), trust.certificates())
    return Shown(kind=KIND, entry=entry, by=stamp.authority, time=stamp.time)


def read(data: bytes) -> TimeStampResponse:
    """A TimeStampResp. ``Untrusted`` (``bad_token``) where these bytes are none, or none that was granted."""
    from rfc3161_client import PKIStatus, decode_timestamp_response

    if len(data) > MAX_SIZE:
        raise Untrusted(f"a timestamp of {len(data)} bytes is too large", code="bad_token")
    try:
        answer = decode_timestamp_response(der.with_sorted_certificates(data))
        granted = answer.status == PKIStatus.GRANTED
    except ValueError as error:
        raise Untrusted("these bytes are no timestamp", code="bad_token") from error
    if not granted:
        raise Untrusted(f"the authority did not grant the timestamp (status {answer.status})", code="not_granted")
    return answer


def stamp_in(answer: TimeStampResponse) -> Stamp:
    """What a granted token says, before its signature is checked."""
    try:
        info = answer.tst_info
        return Stamp(
            authority=_signer(answer),
            policy=info.policy.dotted_string,
            serial=f"{info.serial_number:x}",
            time=_rounded_up(info.gen_time),
            nonce=info.nonce,
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise Untrusted("the timestamp's token can't be read", code="bad_token") from error


def _rounded_up(time: datetime) -> str:
    whole = time.astimezone(UTC) + timedelta(microseconds=999_999)
    return whole.strftime("%Y-%m-%dT%H:%M:%SZ")


def _signer(answer: TimeStampResponse) -> str:
    """The subject of the certificate that the token's signer names, which must be in the token."""
    from cryptography.x509 import load_der_x509_certificate

    (signer,) = answer.signed_data.signer_infos
    for data in answer.signed_data.certificates:
        found = load_der_x509_certificate(data)
        if (found.issuer, found.serial_number) == (signer.issuer, signer.serial_number):
            return found.subject.rfc4514_string()[:_NAME]
    raise ValueError("the signer's certificate is not in the token")


def check_digest(answer: TimeStampResponse, digest: bytes) -> None:
    """``Untrusted`` (``other_digest``) unless it is of this sha2-256 digest."""
    imprint = answer.tst_info.message_imprint
    if imprint.hash_algorithm.dotted_string != SHA256 or imprint.message != digest:
        raise Untrusted("the timestamp is of something else", code="other_digest")


def check_signed(answer: TimeStampResponse, digest: bytes, roots: Sequence[bytes], nonce: int | None = None) -> None:
    """Signature, chain to one of ``roots``, usage and validity at the stamp's time, digest, and the nonce where given.

    ``Untrusted`` where any of it is wrong; ``NoTrustRoot`` where only a root is missing: of a token that is forged it
    is said that it is, whoever is trusted.
    """
    name = stamp_in(answer).authority
    problem = _problem(answer, digest, roots, nonce)
    if problem in _NO_ROOT:
        of_itself = _problem(answer, digest, list(answer.signed_data.certificates), nonce)
        if of_itself is None or of_itself in _NO_ROOT:
            raise NoTrustRoot(f"no trust root for {name}")
        problem = of_itself
    if problem is not None:
        raise Untrusted(f"the timestamp of {name} does not verify: {problem}", code="bad_token")


def _problem(answer: TimeStampResponse, digest: bytes, roots: Iterable[bytes], nonce: int | None) -> str | None:
    """What is wrong with a token, one of ``_NO_ROOT`` where it leads to no root; None where all is right."""
    from cryptography.x509 import load_der_x509_certificate
    from rfc3161_client import VerificationError, VerifierBuilder

    try:
        trusted = [load_der_x509_certificate(data) for data in dict.fromkeys(roots)]
        if not trusted:
            return _NO_ROOT[0]
        VerifierBuilder(roots=trusted, nonce=nonce).build().verify(answer, digest)
    except VerificationError as error:
        said = str(error)
        known = [text for text in (*_NO_ROOT, *_REASONS) if text in said]
        return known[0] if known else said if len(said) < 100 else "wrong signature"
    except (ValueError, TypeError):
        return "its certificates can't be read"
    return None
