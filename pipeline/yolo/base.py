"""Base weights: read from a checked weights directory, and transferred to the model of a fold before it is trained."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from ultralytics.nn.tasks import DetectionModel

from pipeline.weights import MODEL, load_weights, read_origin
from pipeline.yolo.model import load_model

CLASS_SCORES = re.compile(r"model\.22\.cv3\.\d\.2\.")  # the last layer of each branch that scores classes


@dataclass(frozen=True)
class Base:
    """Checked weights to start from. ``folded``: their BatchNorm must be measured anew."""

    tensors: Mapping[str, torch.Tensor]
    names: tuple[str, ...]
    folded: bool


def load_base(files: Mapping[str, bytes]) -> Base:
    """The base weights of a weights directory. ``Untrusted`` unless they fill their whole architecture."""
    tensors, architecture, names, _ = load_weights(files)
    load_model(tensors, architecture, names, threads=1)
    origin = read_origin(files[MODEL])
    return Base(tensors, names, folded=origin is not None and origin.batchnorm == "folded")


def transfer(base: Base, model: DetectionModel, classes: tuple[str, ...]) -> dict[str, object]:
    """Copy the tensors with the same name and shape into ``model``; those that score classes only if the classes are
    the same. The event that says how many were transferred.
    """
    own = model.state_dict()
    head = () if base.names == classes else tuple(name for name in own if CLASS_SCORES.match(name))
    fitting = {
        name: tensor
        for name, tensor in base.tensors.items()
        if name in own and own[name].shape == tensor.shape and name not in head
    }
    model.load_state_dict(fitting, strict=False)
    return {"event": "base_weights", "transferred": len(fitting), "of": len(own)}
