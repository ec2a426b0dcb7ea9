"""A contributor's own signature over one labeled row, as wallets make it: EIP-712 typed data.

What is signed is the row as it stands in its table, without ``signature``: the fields in the order of the table's
columns, a text that is left out as "", ``replaces`` that is left out as no bytes, texts by name as a list sorted by
name. The domain has a name and the version of these columns, and no chain: the row means the same on all of them. So
a row that was signed in an older version is verified in that one (``written``).

Invariants: a signature is 65 bytes, r || s || v with low s and v 0 or 1 (a wallet gives no key, so it is recovered);
whoever signs is the contributor, a did:pkh, and so the same person under every issuer. ``Untrusted``
(``bad_row_signature``) for anything else: an issuer can't put words into the mouth of one who signs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from coincurve import PublicKey
from Crypto.Hash import keccak

from registry.core.errors import InvalidInput, Untrusted
from registry.core.issuers import ORDER, address_of, address_of_key, check_did
from registry.core.labeling.labeled_row import MAPS, TEXTS, LabeledRow
from registry.core.table.columns import CONTRIBUTION_ROWS, Shape

SIZE = 65
_BOX, _TEXT = "Box(int64 x,int64 y,int64 width,int64 height)", "Text(string name,string value)"
_DOMAIN = "EIP712Domain(string name,string version)"
KINDS = {
    "sha256": "bytes32",
    "contributor": "string",
    "cid": "bytes",
    "size": "uint64",
    "label": "string",
    "boxes": "Box[]",
    "replaces": "bytes",
    **dict.fromkeys(TEXTS, "string"),
    **dict.fromkeys(MAPS, "Text[]"),
}
_HINT = "sign the row as it is registered, or leave the signature out."


def parse(given: str) -> bytes:
    """A signature as wallets write it, 0x and 130 hex digits, v also as 27 or 28. ``InvalidInput`` otherwise."""
    try:
        data = bytes.fromhex(given.strip().removeprefix("0x"))
    except ValueError:
        data = b""
    if len(data) == SIZE and data[64] in (27, 28):
        data = data[:64] + bytes([data[64] - 27])
    if not _in_form(data):
        raise InvalidInput(
            "the signature is none that a wallet makes",
            code="bad_row_signature",
            hint="write 0x and 130 hex digits: r, s (the lower one) and v.",
        )
    return data


def verify(row: LabeledRow, written: Shape = CONTRIBUTION_ROWS) -> None:
    """``Untrusted`` (``bad_row_signature``) where a row carries a signature that is not its contributor's.

    ``written``: the columns in which it was signed, those of its table as it was written.
    """
    if row.signature is None:
        return
    try:
        check_did(row.contributor)
    except InvalidInput as error:
        raise _wrong(f"{row.contributor!r} is nobody who can sign a row", error.hint) from error
    if not _in_form(row.signature):
        raise _wrong(f"the signature of {row.contributor} is not in its one allowed form (low s)")
    try:
        key = PublicKey.from_signature_and_message(row.signature, digest(row, written), hasher=None)
    except Exception as error:  # coincurve raises plain Exception where r is on no point of the curve
        raise _wrong(f"the signature of {row.contributor} belongs to no key") from error
    if address_of_key(key.format()) != address_of(row.contributor):
        raise _wrong(f"{row.contributor} did not sign this row of image {row.sha256.hex()} as it stands")


def _wrong(reason: str, hint: str | None = _HINT) -> Untrusted:
    return Untrusted(reason, code="bad_row_signature", hint=hint)


def _in_form(signature: bytes) -> bool:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    return len(signature) == SIZE and 0 < r < ORDER and 0 < s <= ORDER // 2 and signature[64] in (0, 1)


def digest(row: LabeledRow, written: Shape = CONTRIBUTION_ROWS) -> bytes:
    """The 32 bytes that are signed (EIP-712: keccak of 0x1901, the domain and the row)."""
    names = signed_columns(written)
    kind = f"LabeledRow({','.join(f'{KINDS[name]} {name}' for name in names)}){_BOX}{_TEXT}"
    domain = _struct(_DOMAIN, map(_string, ("Emotionet", str(written.version))))
    members = (_ENCODED[KINDS[name]](_value(row, name)) for name in names)
    return _keccak(b"\x19\x01" + domain + _struct(kind, members))


def signed_columns(written: Shape = CONTRIBUTION_ROWS) -> tuple[str, ...]:
    """All but the signature, in their order."""
    return tuple(column for column in written.columns if column != "signature")


def _value(row: LabeledRow, name: str) -> Any:
    value = getattr(row, name)
    return value if value is not None else {"string": "", "bytes": b""}[KINDS[name]]


def _keccak(data: bytes) -> bytes:
    return bytes(keccak.new(digest_bits=256, data=data).digest())


def _struct(kind: str, members: Iterable[bytes]) -> bytes:
    return _keccak(_keccak(kind.encode()) + b"".join(members))


def _string(value: str) -> bytes:
    return _keccak(value.encode())


def _integer(value: int) -> bytes:
    return value.to_bytes(32, "big", signed=True)


def _boxes(boxes: Iterable[Iterable[int]]) -> bytes:
    return _keccak(b"".join(_struct(_BOX, map(_integer, box)) for box in boxes))


def _texts(pairs: Mapping[str, str]) -> bytes:
    return _keccak(b"".join(_struct(_TEXT, (_string(name), _string(pairs[name]))) for name in sorted(pairs)))


_ENCODED: Mapping[str, Callable[[Any], bytes]] = {
    "bytes32": bytes,
    "bytes": _keccak,
    "string": _string,
    "uint64": _integer,
    "Box[]": _boxes,
    "Text[]": _texts,
}
