"""Weights in and out: safetensors and a sorted model.json, never a pickle.

Invariants: a stranger's file is checked before any library reads it (``registry.core.tensors``, which also takes the
digest that tensors are identified by); the architecture comes from a local list by its id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from registry.core import tensors as core
from registry.core.errors import InvalidInput
from registry.core.tensors import MAX_FILE as MAX_FILE
from registry.core.tensors import bad as _bad
from registry.core.weights import MODEL as MODEL
from registry.core.weights import WEIGHTS as WEIGHTS
from registry.core.weights import read_model as read_any_model

if TYPE_CHECKING:
    import torch

ARCHITECTURES = ("yolov8n", "yolov8s", "yolov8m", "yolov8l", "yolov8x")
STRIDE = 32
_ORIGIN = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
Tensors = Mapping[str, "torch.Tensor"]


@dataclass(frozen=True)
class Origin:
    """Where converted weights come from. ``batchnorm`` folded: right in eval mode alone, until it is measured."""

    format: str
    sha256: str  # of the file that was converted
    licence: str | None
    batchnorm: str = "kept"


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
    data = save(plain)
    return {WEIGHTS: data, MODEL: model_json(architecture, names, imgsz, origin)}, core.tensors_digest(data)


def read_model(data: bytes) -> tuple[str, tuple[str, ...], int]:
    """Architecture, class names in order, image size; all checked."""
    value = read_any_model(data)
    if value.get("architecture") not in ARCHITECTURES:
        raise _bad("its architecture is not one of " + ", ".join(ARCHITECTURES))
    imgsz = value.get("imgsz")
    if value.get("stride") != STRIDE:
        raise _bad(f"its stride is not {STRIDE}")
    if type(imgsz) is not int or not 32 <= imgsz <= 1280 or imgsz % STRIDE:
        raise _bad("its image size is impossible")
    return value["architecture"], tuple(value["names"]), imgsz


def read_origin(data: bytes) -> Origin | None:
    """Where weights were converted from, as a checked model.json says; None where it says nothing."""
    value = json.loads(data[: 1 << 20]).get("origin")
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"format", "sha256", "licence", "batchnorm"}:
        raise _bad("its origin is not described")
    if not all(one is None or (isinstance(one, str) and _ORIGIN.fullmatch(one)) for one in value.values()):
        raise _bad("its origin is not plain text")
    if value["batchnorm"] not in ("kept", "folded"):
        raise _bad("its BatchNorm is neither kept nor folded")
    return Origin(**{**value, "format": str(value["format"]), "sha256": str(value["sha256"])})


def fits(files: Mapping[str, bytes], recipe: Mapping[str, Any]) -> None:
    """``InvalidInput`` (``other_architecture``) where a recipe trains another model than these base weights are of."""
    architecture, _, _ = read_model(files.get(MODEL, b""))
    wanted = str(recipe["training"]["model"])
    if architecture != wanted:
        raise InvalidInput(
            f"the base weights are {architecture}, but the recipe trains {wanted}",
            code="other_architecture",
            hint=f'give others, or model = "{architecture}" in the recipe.',
        )


def load_weights(files: Mapping[str, bytes]) -> tuple[dict[str, torch.Tensor], str, tuple[str, ...], int]:
    """Tensors, architecture, class names and image size of checked files."""
    for name in (WEIGHTS, MODEL):
        if name not in files:
            raise _bad(f"there is no {name}")
    architecture, names, imgsz = read_model(files[MODEL])
    core.read(files[WEIGHTS])
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(files[WEIGHTS]), architecture, names, imgsz
    except SafetensorError as error:
        raise _bad("safetensors can't read it") from error
