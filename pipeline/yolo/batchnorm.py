"""BatchNorm that was folded into the convolutions, laid out again by what it sees.

A base converted from ONNX has mean 0 and variance 1 everywhere, which is right in eval mode alone: in training each
batch is normalised by its own mean and variance, and the network would be another one. So each layer's inputs are
measured on the fold's own training images (no judged image is looked at): with running mean m, running variance v,
weight sqrt(v + eps) and bias + m the function is the same, and batches of such images give nearly it in training too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn


def measure(model: nn.Module, batches: Iterable[torch.Tensor]) -> int:
    """Lay every BatchNorm of ``model`` out by its inputs for ``batches`` (n, 3, h, w) in 0..1; number of layers.

    The model is left in eval mode and computes what it computed before.
    """
    layers = [layer for layer in model.modules() if isinstance(layer, nn.BatchNorm2d)]
    sums = {layer: torch.zeros(3, layer.num_features, dtype=torch.float64) for layer in layers}

    def see(layer: Any, inputs: tuple[torch.Tensor, ...]) -> None:
        seen = inputs[0].detach().double().transpose(0, 1).flatten(1).cpu()
        sums[layer] += torch.stack([torch.full((len(seen),), float(seen.shape[1])), seen.sum(1), (seen**2).sum(1)])

    hooks = [layer.register_forward_pre_hook(see) for layer in layers]
    model.eval()
    with torch.inference_mode():
        for batch in batches:
            model(batch)
    for hook in hooks:
        hook.remove()
    for layer, (count, total, squares) in sums.items():
        mean = total / count
        variance = (squares / count - mean**2).clamp(min=0)
        scale = layer.weight.data.double() / torch.sqrt(layer.running_var.double() + layer.eps)
        shift = layer.bias.data.double() + (mean - layer.running_mean.double()) * scale
        layer.weight.data.copy_(scale * torch.sqrt(variance + layer.eps))
        layer.bias.data.copy_(shift)
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(variance)
    return len(layers)


def batches_of(pixels: Any, rows: list[int], size: int) -> Iterable[torch.Tensor]:
    """Images by row of an array (n, h, w, 3) of uint8, ``size`` at a time, as a network takes them."""
    for start in range(0, len(rows), size):
        chosen = pixels[rows[start : start + size]]
        yield torch.from_numpy(chosen.transpose(0, 3, 1, 2).copy()).float() / 255
