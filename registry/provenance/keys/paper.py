"""The publishing key as four lines to print, to be typed in again.

A line is its number, eight bytes of the key and two bytes of sha2-256 over the purpose, the number and those eight, as
sixteen letters and digits (Crockford's base 32: no I, L, O, U; small letters, I, L and O are read as what they look
like). So a slip of the pen is told with its line, and the address tells whose key the four lines are.

Invariant: the key is under no passphrase: whoever reads the page can sign.
"""

from __future__ import annotations

import hashlib
import re

from coincurve import PrivateKey

from registry.core.errors import InvalidInput
from registry.core.issuers import address_of_key

_PURPOSE = b"emotionet: printed copy of a publishing key, v1"
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALIKE = str.maketrans("ILO", "110")
_LINE = re.compile(r"^[ \t]*([1-4])[ \t.:)]+([0-9A-Za-z](?:[ \t-]*[0-9A-Za-z]){15})[ \t]*$", re.MULTILINE)
_ADDRESS = re.compile(r"^address[ \t]+(0x[0-9a-fA-F]{40})[ \t]*$", re.MULTILINE)
_LINES, _BYTES, _CHECK = 4, 8, 2


def printed(private: bytes) -> str:
    """The page's text for the 32 secret bytes."""
    parts = [private[at : at + _BYTES] for at in range(0, len(private), _BYTES)]
    lines = [f"{number}  {_grouped(part + _checksum(number, part))}" for number, part in enumerate(parts, 1)]
    told = "Publishing key of an Emotionet registry. Whoever reads this can sign as the registry: keep it in a safe."
    return "\n".join([told, f"address {_address(private)}", "", *lines, ""])


def read_printed(text: str) -> bytes:
    """The 32 secret bytes of a page that was typed in. ``InvalidInput`` (``paper_key``) names the wrong line."""
    found = {int(number): said for number, said in _LINE.findall(text)}
    absent = [str(number) for number in range(1, _LINES + 1) if number not in found]
    if absent:
        raise _wrong(f"line {', '.join(absent)} is missing, or is not 16 letters and digits after its number")
    private = b"".join(_part(number, found[number]) for number in sorted(found))
    said = _ADDRESS.search(text)
    try:
        address = _address(private)
    except ValueError:
        raise _wrong("these lines are no key") from None
    if said is not None and said[1].lower() != address:
        raise _wrong(f"the lines are the key of {address}, not of the address above them")
    return private


def is_printed(text: str) -> bool:
    """Whether it looks like a page rather than a keystore."""
    return _LINE.search(text) is not None


def _part(number: int, said: str) -> bytes:
    digits = re.sub(r"[ \t-]", "", said).upper().translate(_ALIKE)
    if any(one not in _DIGITS for one in digits):
        raise _wrong(f"line {number} has a letter that is never used")
    value = 0
    for one in digits:
        value = value * 32 + _DIGITS.index(one)
    data = value.to_bytes(_BYTES + _CHECK, "big")
    if data[_BYTES:] != _checksum(number, data[:_BYTES]):
        raise _wrong(f"line {number} was copied wrongly")
    return data[:_BYTES]


def _grouped(data: bytes) -> str:
    value = int.from_bytes(data, "big")
    digits = "".join(_DIGITS[value >> shift & 31] for shift in range(8 * len(data) - 5, -1, -5))
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def _checksum(number: int, part: bytes) -> bytes:
    return hashlib.sha256(_PURPOSE + bytes([number]) + part).digest()[:_CHECK]


def _address(private: bytes) -> str:
    return address_of_key(PrivateKey(private).public_key.format(compressed=True))


def _wrong(why: str) -> InvalidInput:
    return InvalidInput(f"this is not the printed key: {why}", code="paper_key", hint="compare it with the page.")
