"""What the auditor trusts, from the auditor's own machine: never from the file that is audited."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from registry.core.errors import InvalidInput, UsageError, not_read
from registry.core.tlog.note import VerifierKey
from registry.provenance.beacons.networks import KNOWN, Network, networks_of
from registry.provenance.evidence.opentimestamps import HEADER_SIZE
from registry.provenance.evidence.shown import Trust
from registry.provenance.witnessing.trusted import read_witness
from registry.settings import Settings


def trust_of(settings: Settings) -> Trust:
    """Certificates of ``EMOTIONET_TSA_ROOTS``, otherwise this system's; headers of ``EMOTIONET_BITCOIN_HEADERS``;
    networks of ``EMOTIONET_DRAND_NETWORKS`` beside quicknet; the keys in ``EMOTIONET_WITNESSES``;
    blocks of ``EMOTIONET_TRUSTED_BLOCKS``.

    Each is read once, when it is first asked for. ``UsageError`` then where the file can't be read or is no such file.
    """

    @cache
    def certificates() -> Sequence[bytes]:
        return _system() if settings.tsa_roots is None else _pem(settings.tsa_roots)

    @cache
    def headers() -> dict[int, bytes]:
        return {} if settings.bitcoin_headers is None else _headers(settings.bitcoin_headers)

    @cache
    def networks() -> Mapping[str, Network]:
        return KNOWN if settings.drand_networks is None else {**KNOWN, **read_networks(settings.drand_networks)}

    @cache
    def witnesses() -> Sequence[VerifierKey]:
        return [read_witness(one).key for one in settings.witnesses]

    @cache
    def blocks() -> frozenset[tuple[str, str]]:
        return frozenset(read_block(one) for one in settings.trusted_blocks)

    return Trust(certificates, lambda height: headers().get(height), networks, witnesses, blocks)


def read_block(text: str) -> tuple[str, str]:
    """A chain (CAIP-2) and the hash of one of its blocks, from ``CHAIN:HASH``."""
    found = re.fullmatch("(eip155:[1-9][0-9]{0,31}):(0x[0-9a-f]{64})", text.strip().lower())
    if found is None:
        raise UsageError(
            f"{text!r} names no block of a chain",
            hint="write it as eip155:1:0x and 64 hexadecimal digits, the block's hash.",
        )
    return found[1], found[2]


def read_networks(path: Path) -> dict[str, Network]:
    """Networks of drand, from what relays answer at ``/info``: one such object or a list of them."""
    try:
        return networks_of(_text(path).encode())
    except InvalidInput as error:
        raise UsageError(f"{path}: {error}", hint="correct the file that EMOTIONET_DRAND_NETWORKS names.") from error


def _system() -> Sequence[bytes]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    return context.get_ca_certs(binary_form=True)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise not_read(path, error) from error


def _pem(path: Path) -> Sequence[bytes]:
    begin, end, found = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", []
    for part in _text(path).split(begin)[1:]:
        try:
            found.append(ssl.PEM_cert_to_DER_cert(f"{begin}{part.partition(end)[0]}{end}"))
        except ValueError as error:
            raise _malformed(path, "a certificate that can't be read") from error
    if not found:
        raise _malformed(path, "no certificate")
    return found


def _headers(path: Path) -> dict[int, bytes]:
    """Lines of a height and 160 hex digits, as ``bitcoin-cli getblockheader HASH false`` prints a header."""
    found = {}
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        height, _, digits = line.strip().partition(" ")
        try:
            header = bytes.fromhex(digits)
            found[int(height)] = header
        except ValueError as error:
            raise _malformed(path, f"no height and header in line {number}") from error
        if len(header) != HEADER_SIZE:
            raise _malformed(path, f"no header of {HEADER_SIZE} bytes in line {number}")
    return found


def _malformed(path: Path, what: str) -> UsageError:
    return UsageError(f"{path} has {what}", hint="correct the file that EMOTIONET_TSA_ROOTS or _BITCOIN_HEADERS names.")
