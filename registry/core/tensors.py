"""Published weights as bytes: a safetensors file checked before anything reads it, and the digest of its tensors.

Invariants: a header describes exactly the bytes that follow it (names, dtypes, shapes, offsets without overlap or
gap, total size, all bounded); the digest is sha2-256 over each tensor by rising name, of
``[name,dtype,[shape]]`` as JSON, a line feed, and its bytes, so that it does not depend on the file's own order.
No library that computes with tensors is needed, so anyone can take it. A training's state has a digest of the same
kind: of its tensors, and of ``state.json``, which holds the values that are not tensors.

Source: the safetensors format (huggingface/safetensors, README "Format").
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from registry.core.errors import Untrusted
from registry.core.text.cleaning import sha256_text

STATE, NUMBERS = "state.safetensors", "state.json"  # the two files of a checkpoint
MAX_HEADER = 1 << 20
MAX_FILE = 512 << 20
MAX_TENSORS = 5000
MAX_DIMENSIONS = 8
MAX_NAME = 200
DTYPES = {  # as the format names them: what numpy and torch call them, and bytes a value
    "F64": ("float64", 8),
    "F32": ("float32", 4),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "I64": ("int64", 8),
    "I32": ("int32", 4),
    "U8": ("uint8", 1),
}


class Tensor(NamedTuple):
    """One tensor of a file: ``data[start:end]``, ``dtype`` by its common name."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def bad(reason: str) -> Untrusted:
    """The error of weights that are none, or not the stated ones."""
    return Untrusted(f"these weights are not what they claim: {reason}", code="hostile_weights")


def no_number(word: str) -> Any:
    """NaN and Infinity, which Python reads and JSON does not have. ``ValueError``."""
    raise ValueError(f"{word} is no number of JSON")


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A map whose keys differ: two readers must not see two different files."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def read(data: bytes) -> list[Tensor]:
    """The tensors by rising name. ``Untrusted`` (``hostile_weights``) unless the header describes all of the file."""
    header, at = _header(data)
    found = [_tensor(name, entry, at) for name, entry in header.items() if name != "__metadata__"]
    end = at
    for one in sorted(found, key=lambda tensor: (tensor.start, tensor.end)):
        if one.start != end:
            raise bad("its tensors overlap or leave a gap")
        end = one.end
    if end != len(data):
        raise bad("its tensors are not all the bytes that follow")
    return sorted(found, key=lambda tensor: tensor.name)


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    """The header, and where the tensors' bytes begin."""
    if not 8 < len(data) <= MAX_FILE:
        raise bad(f"the file has {len(data)} bytes")
    (length,) = struct.unpack("<Q", data[:8])
    if not 2 <= length <= min(MAX_HEADER, len(data) - 8):
        raise bad(f"its header claims {length} bytes")
    try:
        text = data[8 : 8 + length].decode()  # UTF-8, and no other
        header = json.loads(text, object_pairs_hook=once, parse_constant=no_number)
        "".join(header if isinstance(header, dict) else ()).encode()  # no half of a surrogate pair
    except (ValueError, RecursionError) as error:
        raise bad("its header is not JSON") from error
    if not isinstance(header, dict) or len(header) > MAX_TENSORS:
        raise bad("its header is not a map of tensors")
    return header, 8 + length


def _tensor(name: str, entry: Any, at: int) -> Tensor:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"} or len(name) > MAX_NAME:
        raise bad(f"tensor {name[:50]!r} is not described")
    shape, offsets = entry["shape"], entry["data_offsets"]
    numbers = [*shape, *offsets] if isinstance(shape, list) and isinstance(offsets, list) else [-1]
    if not all(type(n) is int and 0 <= n <= MAX_FILE for n in numbers):
        raise bad(f"tensor {name[:50]!r} has an impossible shape")
    if len(shape) > MAX_DIMENSIONS or len(offsets) != 2:
        raise bad(f"tensor {name[:50]!r} has an impossible shape")
    if not isinstance(entry["dtype"], str) or entry["dtype"] not in DTYPES:
        raise bad(f"tensor {name[:50]!r} has dtype {str(entry['dtype'])[:50]!r}")
    dtype, size = DTYPES[entry["dtype"]]
    if offsets[1] - offsets[0] != math.prod(shape) * size:
        raise bad(f"tensor {name[:50]!r} has another size than its shape")
    return Tensor(name, dtype, tuple(shape), at + offsets[0], at + offsets[1])


def tensors_digest(data: bytes) -> str:
    """``sha256:<hex>`` of a safetensors file's tensors. ``Untrusted`` (``hostile_weights``) if it is none."""
    view = memoryview(data)
    return digest_of((one.name, one.dtype, one.shape, view[one.start : one.end]) for one in read(data))


def digest_of(found: Iterable[tuple[str, str, Sequence[int], bytes | memoryview]]) -> str:
    """The digest of tensors by rising name: name, dtype by its common name, shape, bytes."""
    digest = hashlib.sha256()
    for name, dtype, shape, data in found:
        digest.update(json.dumps([name, dtype, list(shape)], separators=(",", ":")).encode() + b"\n")
        digest.update(data)
    return sha256_text(digest.digest())


def state_digest(tensors: str, numbers: bytes) -> str:
    """Of all that a training's next epoch starts from: the digest of its tensors, a line feed, and ``state.json``."""
    return sha256_text(hashlib.sha256(tensors.encode() + b"\n" + numbers).digest())


def checkpoint_digest(files: Mapping[str, bytes]) -> str:
    """``state_digest`` of a checkpoint's folder. ``Untrusted`` (``hostile_weights``) unless it is one."""
    if set(files) != {STATE, NUMBERS}:
        raise bad(f"a checkpoint holds {STATE} and {NUMBERS}, not {', '.join(sorted(files))[:100] or 'nothing'}")
    return state_digest(tensors_digest(files[STATE]), files[NUMBERS])
