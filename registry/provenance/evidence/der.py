"""The little of DER (X.690) that timestamps need beside ``rfc3161-client``: a request, and certificates put in order.

OpenSSL's ``ts`` writes the certificates of a token in any order (CMS allows BER there, RFC 5652, 5.1); the library
accepts DER's order alone. The certificates are not under the signature, and what is sorted is exactly as long.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

SEQUENCE, SET, INTEGER, OCTETS, CONTEXT_0 = 0x30, 0x31, 0x02, 0x04, 0xA0
SHA256 = bytes.fromhex("300d06096086480165030402010500")  # AlgorithmIdentifier: 2.16.840.1.101.3.4.2.1, NULL


class Element(NamedTuple):
    """Where an element lies: its tag, where it begins, where its content begins and ends."""

    tag: int
    start: int
    body: int
    end: int


def elements(data: bytes, start: int, end: int) -> Iterator[Element]:
    """The elements that fill ``data[start:end]``. ``ValueError`` where they don't."""
    while start < end:
        tag, length, body = data[start], data[start + 1], start + 2
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4:
                raise ValueError("a length of DER is malformed")
            length, body = int.from_bytes(data[body : body + size], "big"), body + size
        if body + length > end:
            raise ValueError("an element of DER ends behind its place")
        yield Element(tag, start, body, body + length)
        start = body + length


def with_sorted_certificates(response: bytes) -> bytes:
    """A TimeStampResp with its token's certificates in DER's order. ``ValueError`` where it has no such place."""
    try:
        (whole,) = elements(response, 0, len(response))
        _, *tokens = elements(response, whole.body, whole.end)
        if not tokens:  # what was not granted has none
            return response
        (token,) = tokens
        _, content = elements(response, token.body, token.end)
        (signed,) = elements(response, content.body, content.end)
        found = [one for one in elements(response, signed.body, signed.end) if one.tag == CONTEXT_0]
        if not found:
            return response
        held = sorted(response[one.start : one.end] for one in elements(response, found[0].body, found[0].end))
    except IndexError as error:
        raise ValueError("DER is cut off") from error
    return response[: found[0].body] + b"".join(held) + response[found[0].end :]


def request(digest: bytes, nonce: int) -> bytes:
    """A TimeStampReq (RFC 3161, 2.4.1) of a sha2-256 digest, with the authority's certificates asked for."""
    imprint = _element(SEQUENCE, SHA256 + _element(OCTETS, digest))
    number = nonce.to_bytes(nonce.bit_length() // 8 + 1, "big")
    return _element(SEQUENCE, b"\x02\x01\x01" + imprint + _element(INTEGER, number) + b"\x01\x01\xff")


def _element(tag: int, body: bytes) -> bytes:
    if len(body) > 127:
        raise ValueError("too long for a short length")
    return bytes([tag, len(body)]) + body
