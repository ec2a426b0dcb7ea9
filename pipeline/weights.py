"""Weights in and out: safetensors and a sorted model.json, never a pickle.

Invariants: a stranger's file is checked before any library reads it: header size, names, dtypes, shapes,
offsets without overlap or gap, total size; the architecture comes from a local list by its id; tensors
are identified by sha2-256 over sorted (name, dtype, shape, bytes), whatever the file's own order.

Source: the safetensors format (huggingface/safetensors, README "Format").
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from registry.core.errors import InvalidInput, Untrusted

if TYPE_CHECKING:
    import torch

WEIGHTS, MODEL = "weights.safetensors", "model.json"
ARCHITECTURES = ("yolov8n", "yolov8s", "yolov8m", "yolov8l", "yolov8x")
MAX_HEADER = 1 << 20
MAX_FILE = 512 << 20
MAX_TENSORS = 5000
MAX_CLASSES = 1000
STRIDE = 32
_SIZES = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8}
_ORIGIN = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
Tensors = Mapping[str, "torch.Tensor"]


@dataclass(frozen=True)
class Origin:
    """Where converted weights come from. ``batchnorm`` folded: right in eval mode alone, until it is measured."""

    format: str
    sha256: str  # of the file that was converted
    licence: str | None
    batchnorm: str = "kept"


def _bad(reason: str) -> Untrusted:
    return Untrusted(f"these weights are not what they claim: {reason}", code="hostile_weights")


def tensor_digest(tensors: Tensors) -> str:
    """``sha256:<hex>`` over each tensor by rising name: name, dtype, shape, then its bytes."""
    import torch

    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        dtype = str(tensor.dtype).removeprefix("torch.")
        digest.update(json.dumps([name, dtype, list(tensor.shape)], separators=(",", ":")).encode() + b"\n")
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())  # numpy knows no bfloat16
    return f"sha256:{digest.hexdigest()}"


def model_json(architecture: str, names: tuple[str, ...], imgsz: int, origin: Origin | None = None) -> bytes:
    """What is needed beside the tensors to use them; sorted, so that equal models have equal bytes."""
    value = {"architecture": architecture, "names": list(names), "imgsz": imgsz, "stride": STRIDE, "format": 1}
    if origin is not None:
        value["origin"] = asdict(origin)
    return (json.dumps(value, sort_keys=True, ensure_ascii=False) + "\n").encode()


def save_weights(
    tensors: Tensors, architecture: str, names: tuple[str, ...], imgsz: int, origin: Origin | None = None
) -> tuple[dict[str, bytes], str]:
    """The files by name, and the tensors' digest."""
    from safetensors.torch import save

    plain = {name: tensors[name].detach().cpu().contiguous() for name in sorted(tensors)}
    return {WEIGHTS: save(plain), MODEL: model_json(architecture, names, imgsz, origin)}, tensor_digest(plain)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A map whose keys differ: two readers must not see two different files."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def check_safetensors(data: bytes) -> None:
    """``Untrusted`` (``hostile_weights``) unless the header describes exactly the bytes that follow it."""
    if not 8 < len(data) <= MAX_FILE:
        raise _bad(f"the file has {len(data)} bytes")
    (length,) = struct.unpack("<Q", data[:8])
    if not 2 <= length <= min(MAX_HEADER, len(data) - 8):
        raise _bad(f"its header claims {length} bytes")
    try:
        header = json.loads(data[8 : 8 + length], object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _bad("its header is no JSON") from error
    if not isinstance(header, dict) or len(header) > MAX_TENSORS:
        raise _bad("its header is no map of tensors")
    spans = sorted(_span(name, entry) for name, entry in header.items() if name != "__metadata__")
    end = 0
    for start, stop in spans:
        if start != end:
            raise _bad("its tensors overlap or leave a gap")
        end = stop
    if end != len(data) - 8 - length:
        raise _bad("its tensors are not all the bytes that follow")


def _span(name: str, entry: Any) -> tuple[int, int]:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"} or len(name) > 200:
        raise _bad(f"tensor {name[:50]!r} is not described")
    shape, offsets = entry["shape"], entry["data_offsets"]
    numbers = [*shape, *offsets] if isinstance(shape, list) and isinstance(offsets, list) else [-1]
    if len(shape) > 8 or len(offsets) != 2 or not all(type(n) is int and 0 <= n <= MAX_FILE for n in numbers):
        raise _bad(f"tensor {name[:50]!r} has an impossible shape")
    if entry["dtype"] not in _SIZES:
        raise _bad(f"tensor {name[:50]!r} has dtype {entry['dtype']!r}")
    if offsets[1] - offsets[0] != math.prod(shape) * _SIZES[entry["dtype"]]:
        raise _bad(f"tensor {name[:50]!r} has another size than its shape")
    return offsets[0], offsets[1]


def read_model(data: bytes) -> tuple[str, tuple[str, ...], int]:
    """Architecture, class names in order, image size; all checked."""
    try:
        value = json.loads(data[: 1 << 20], object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _bad("model.json is no JSON") from error
    if not isinstance(value, dict) or value.get("architecture") not in ARCHITECTURES:
        raise _bad("its architecture is not one of " + ", ".join(ARCHITECTURES))
    names, imgsz = value.get("names"), value.get("imgsz")
    if not isinstance(names, list) or not 1 <= len(names) <= MAX_CLASSES:
        raise _bad("its class names are no list")
    if not all(isinstance(name, str) and len(name) <= 200 for name in names):
        raise _bad("a class name is no text")
    if len(set(names)) != len(names):
        raise _bad("two classes have one name")
    if value.get("stride") != STRIDE:
        raise _bad(f"its stride is not {STRIDE}")
    if type(imgsz) is not int or not 32 <= imgsz <= 1280 or imgsz % STRIDE:
        raise _bad("its image size is impossible")
    return value["architecture"], tuple(names), imgsz


def read_origin(data: bytes) -> Origin | None:
    """Where weights were converted from, as a checked model.json says; None where it says nothing."""
    value = json.loads(data[: 1 << 20]).get("origin")
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"format", "sha256", "licence", "batchnorm"}:
        raise _bad("its origin is not described")
    if not all(one is None or (isinstance(one, str) and _ORIGIN.fullmatch(one)) for one in value.values()):
        raise _bad("its origin is no plain text")
    if value["batchnorm"] not in ("kept", "folded"):
        raise _bad("its BatchNorm is neither kept nor folded")
    return Origin(**{**value, "format": str(value["format"]), "sha256": str(value["sha256"])})


def fits(files: Mapping[str, bytes], recipe: Mapping[str, Any]) -> None:
    """``InvalidInput`` (``other_architecture``) where a recipe trains another model than these base weights are of."""
    architecture, _, _ = read_model(files.get(MODEL, b""))
    wanted = str(recipe["training"]["model"])
    if architecture != wanted:
        raise InvalidInput(
            f"the base weights are of {architecture} and the recipe trains {wanted}: give others, or model = "
            f'"{architecture}" in the recipe',
            code="other_architecture",
        )


def load_weights(files: Mapping[str, bytes]) -> tuple[dict[str, torch.Tensor], str, tuple[str, ...], int]:
    """Tensors, architecture, class names and image size of checked files."""
    for name in (WEIGHTS, MODEL):
        if name not in files:
            raise _bad(f"there is no {name}")
    architecture, names, imgsz = read_model(files[MODEL])
    check_safetensors(files[WEIGHTS])
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(files[WEIGHTS]), architecture, names, imgsz
    except SafetensorError as error:
        raise _bad("safetensors refuses it") from error
