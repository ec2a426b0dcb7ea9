"""The digest that tells whether two files hold the same tensors, from a safetensors file's bytes alone.

Invariants: a stranger's header is bounded and checked before anything is read by it; the digest is sha2-256 over each
tensor by rising name (its name, dtype and shape as compact JSON and a line feed, then its bytes), whatever the file's
own order and metadata. Whoever trained states the same (``Training.tensors``).

Source: the safetensors format (huggingface/safetensors, README "Format").
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

from registry.core.errors import Untrusted

MAX_HEADER = 1 << 20
MAX_TENSORS = 5000
# As the format names them: what numpy and torch call them, and bytes a value.
DTYPES = {
    "F64": ("float64", 8),
    "F32": ("float32", 4),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "I64": ("int64", 8),
    "I32": ("int32", 4),
    "U8": ("uint8", 1),
}


def _bad(reason: str) -> Untrusted:
    return Untrusted(f"these weights are no safetensors file: {reason}", code="hostile_weights")


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    """The header's entries, and where the tensors' bytes begin."""
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > min(MAX_HEADER, len(data) - 8):
        raise _bad("its header is cut off or too long")
    try:
        header = json.loads(data[8 : 8 + size])
    except (ValueError, RecursionError) as error:
        raise _bad("its header is no JSON") from error
    if not isinstance(header, dict) or len(header) > MAX_TENSORS:
        raise _bad("its header names no tensors, or too many")
    header.pop("__metadata__", None)
    return header, 8 + size


def _part(name: str, entry: Any, length: int) -> tuple[str, list[int], int, int]:
    """dtype, shape, begin and end of one tensor, checked against the file's ``length`` of data."""
    try:
        dtype, size = DTYPES[entry["dtype"]]
        shape, (begin, end) = entry["shape"], entry["data_offsets"]
        whole = all(type(one) is int and 0 <= one <= length for one in (begin, end, *shape)) and len(shape) <= 8
    except (KeyError, TypeError, ValueError) as error:
        raise _bad(f"tensor {name[:100]!r} is not described as the format says") from error
    if not whole or end > length or end - begin != math.prod(shape) * size:
        raise _bad(f"tensor {name[:100]!r} has other bytes than its shape")
    return dtype, shape, begin, end


def tensors_digest(data: bytes) -> str:
    """``sha256:<hex>`` of a safetensors file's tensors. ``Untrusted`` (``hostile_weights``) where it is none."""
    header, start = _header(data)
    digest = hashlib.sha256()
    for name in sorted(header):
        dtype, shape, begin, end = _part(name, header[name], len(data) - start)
        digest.update(json.dumps([name, dtype, shape], separators=(",", ":")).encode() + b"\n")
        digest.update(data[start + begin : start + end])
    return f"sha256:{digest.hexdigest()}"
