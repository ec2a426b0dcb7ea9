"""A folder of published weights: model.json beside safetensors, or beside whatever files another method has.

Invariants: model.json names the classes in order; ``weights.safetensors`` stands in a folder of the format
``safetensors`` and in no other. The digest that weights are known by is of their tensors (``core.tensors``) where they
are safetensors; otherwise ``files-sha256:<hex>``: sha2-256 over each file but model.json by rising name, of
``[name,size]`` as JSON, a line feed, and its bytes. No method is needed to take it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from registry.core.tensors import MAX_FILE, MAX_NAME, bad, no_number, once, read, tensors_digest

SAFETENSORS, ONNX = "safetensors", "onnx"  # formats that every registry knows
WEIGHTS, MODEL = "weights.safetensors", "model.json"
ONNX_FILE = "model.onnx"  # all that a folder of the format ``onnx`` holds
MAX_MODEL = 1 << 20
MAX_CLASSES = 1000
MAX_FILES = 16


def read_model(data: bytes) -> Mapping[str, Any]:
    """A model.json as a map, its class names checked. ``Untrusted`` (``hostile_weights``) if it is none."""
    if len(data) > MAX_MODEL:
        raise bad(f"model.json has {len(data)} bytes")
    try:
        value = json.loads(data.decode(), object_pairs_hook=once, parse_constant=no_number)
    except (ValueError, RecursionError) as error:
        raise bad("model.json is not JSON") from error
    names = value.get("names") if isinstance(value, dict) else None
    if not isinstance(names, list) or not 1 <= len(names) <= MAX_CLASSES:
        raise bad("its class names are no list")
    if not all(isinstance(name, str) and len(name) <= MAX_NAME for name in names):
        raise bad("a class name is not a text")
    if len(set(names)) != len(names):
        raise bad("two classes have one name")
    found: Mapping[str, Any] = value
    return found


def check_names(names: Collection[str]) -> None:
    """``Untrusted`` (``hostile_weights``) unless a weights folder can hold files of these names."""
    listed = ", ".join(sorted(names))[:100] or "nothing"
    if WEIGHTS in names:
        if set(names) != {WEIGHTS, MODEL}:
            raise bad(f"a weights folder holds {WEIGHTS} and {MODEL}, not {listed}")
    elif MODEL not in names or not 2 <= len(names) <= MAX_FILES:
        raise bad(f"a weights folder holds {MODEL} and the weights, not {listed}")


def check_folder(files: Mapping[str, bytes]) -> Mapping[str, Any]:
    """A folder's model.json. ``Untrusted`` (``hostile_weights``) unless these are a weights folder and nothing else."""
    check_names(files)
    if WEIGHTS in files:
        read(files[WEIGHTS])
    elif any(len(data) > MAX_FILE for data in files.values()):
        raise bad(f"a file has more than {MAX_FILE >> 20} MiB")
    return read_model(files[MODEL])


def digested(names: Collection[str]) -> list[str]:
    """The files, of those in a weights folder, that its digest is of."""
    return [WEIGHTS] if WEIGHTS in names else sorted(set(names) - {MODEL})


def weights_digest(files: Mapping[str, bytes]) -> str:
    """What weights are known by. ``Untrusted`` (``hostile_weights``) for safetensors that are none."""
    if WEIGHTS in files:
        return tensors_digest(files[WEIGHTS])
    found = hashlib.sha256()
    for name in digested(files):
        found.update(json.dumps([name, len(files[name])], separators=(",", ":")).encode() + b"\n")
        found.update(files[name])
    return f"files-sha256:{found.hexdigest()}"
