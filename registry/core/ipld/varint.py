"""Unsigned varints as multiformats writes them: at most nine bytes, minimal."""

from __future__ import annotations

from registry.core.errors import InvalidInput

_SHORT = [bytes([value]) for value in range(0x80)]


def encode_varint(value: int) -> bytes:
    """``value`` (0 to 2**63-1) in seven-bit groups, least significant first."""
    if 0 <= value < 0x80:
        return _SHORT[value]
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode_varint(data: bytes, start: int) -> tuple[int, int]:
    """The varint at ``start`` and its end. ``InvalidInput`` (``bad_varint``) if cut off, too long or not minimal."""
    value = 0
    for index in range(9):
        if start + index >= len(data):
            raise InvalidInput("a number is cut off", code="bad_varint")
        byte = data[start + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            if byte == 0 and index:
                raise InvalidInput("a number is not written minimally", code="bad_varint")
            return value, start + index + 1
    raise InvalidInput("a number is too long", code="bad_varint")
