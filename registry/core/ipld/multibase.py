"""Text forms of bytes: base58btc, base32, base36, base16 and base64url, each strict.

Invariant: a text is accepted only if encoding what it decodes to gives that text again (upper-case
base32 and base16 aside), so that no two texts of one base name the same bytes.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence

from registry.core.errors import InvalidInput

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_SIGNS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [one + other for one in _SIGNS for other in _SIGNS]  # by ten bits: several times as fast as ``base64``
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE32 = re.compile("[a-z2-7]*")
_DIGITS = str.maketrans(_SIGNS, _BASE36[:32])  # as ``int`` reads them
_FIVE_BITS = bytes.maketrans(bytes(range(32)), _SIGNS.encode())
# Of 40 bits in 64: the lower half stays, the upper half moves up; then of 20 in 32, then of 10 in 16.
_SPREAD = [(bytes.fromhex(mask), by) for mask, by in (("00000000000fffff", 12), ("000003ff" * 2, 6), ("001f" * 4, 3))]


def _bad(reason: str) -> InvalidInput:
    return InvalidInput(f"not a CID: {reason}", code="invalid_cid")


def _encode_number(data: bytes, alphabet: str) -> str:
    number, base = int.from_bytes(data, "big"), len(alphabet)
    digits = []
    while number:
        number, digit = divmod(number, base)
        digits.append(alphabet[digit])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return alphabet[0] * zeros + "".join(reversed(digits))


def _decode_number(text: str, alphabet: str) -> bytes:
    number = 0
    for sign in text:
        digit = alphabet.find(sign)
        if digit < 0:
            raise _bad(f"it holds {sign!r}, which no CID has")
        number = number * len(alphabet) + digit
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def encode_base58(data: bytes) -> str:
    """base58btc without a prefix, as version 0 CIDs are written."""
    return _encode_number(data, _BASE58)


def decode_base58(text: str) -> bytes:
    """The bytes of base58btc text without a prefix."""
    return _decode_number(text, _BASE58)


def encode_base32(data: bytes) -> str:
    """Lower-case base32 without padding, prefix ``b``: a version 1 CID's canonical text."""
    spare = -len(data) * 8 % 10
    number = int.from_bytes(data, "big") << spare
    pairs = [_PAIRS[number >> shift & 1023] for shift in range(len(data) * 8 + spare - 10, -1, -10)]
    return "b" + "".join(pairs)[: (len(data) * 8 + 4) // 5]


def encode_base32_each(values: Sequence[bytes]) -> list[str]:
    """The same of many values of one length, as one number: several times as fast as one by one."""
    if not values:
        return []
    size = len(values[0])
    groups = -(-size // 5)  # of 40 bits, which are 8 characters
    data = b"".join([value.ljust(groups * 5, b"\0") for value in values])
    count = len(data) // 5
    wide = bytearray(count * 8)
    for place in range(5):
        wide[place + 3 :: 8] = data[place::5]
    number = int.from_bytes(wide, "big")
    for mask, shift in _SPREAD:
        low = number & int.from_bytes(mask * count, "big")
        number = low | (number ^ low) << shift
    text = number.to_bytes(count * 8, "big").translate(_FIVE_BITS).decode()
    return ["b" + text[at : at + (size * 8 + 4) // 5] for at in range(0, count * 8, groups * 8)]


def decode_base32(body: str) -> bytes:
    """Lower-case base32 without its prefix. As a number in base 32: several times as fast as ``base64.b32decode``, and
    most CIDs are written so."""
    if not _BASE32.fullmatch(body) or len(body) % 8 in (1, 3, 6):
        raise _bad("it holds characters that no CID has")
    spare = len(body) * 5 % 8
    number = int(body.translate(_DIGITS) or "0", 32)
    if number & ((1 << spare) - 1):
        raise _bad("its last character is wrong")
    return (number >> spare).to_bytes(len(body) * 5 // 8, "big")


def _decode_base64url(body: str) -> bytes:
    data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    if base64.urlsafe_b64encode(data).decode().rstrip("=") != body:
        raise _bad("its last character is wrong")
    return data


def _cased(body: str, upper: bool) -> str:
    if body != (body.upper() if upper else body.lower()):
        raise _bad("upper and lower case are mixed")
    return body


def decode(text: str) -> bytes:
    """The bytes of a multibase text. ``InvalidInput`` (``invalid_cid``) for other bases and stray signs."""
    prefix, body = text[0], text[1:]
    try:
        if prefix == "z":
            return _decode_number(body, _BASE58)
        if prefix in "bB":
            return decode_base32(_cased(body, prefix == "B").lower())
        if prefix in "fF":
            return base64.b16decode(_cased(body, prefix == "F").upper())
        if prefix in "kK":
            return _decode_number(_cased(body, prefix == "K").lower(), _BASE36)
        if prefix == "u":
            return _decode_base64url(body)
    except (binascii.Error, ValueError) as error:
        raise _bad("it holds characters that no CID has") from error
    raise _bad(f"none begins with {prefix!r}")
