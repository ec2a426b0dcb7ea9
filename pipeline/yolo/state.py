"""Everything that a training's next epoch starts from, as tensors and numbers: for its digest, and to publish it.

Invariants: the digest depends only on names, kinds, shapes, bytes and numbers, not on the device or the memory layout;
a fold that was killed and resumed has the same digest. Nothing is pickled.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from registry.core.tensors import NUMBERS, STATE, digest_of, state_digest
from registry.files import single_writer_file


class State:
    """``parts``: nested maps and lists of tensors and numbers, by name."""

    def __init__(self, parts: Mapping[str, Any]) -> None:
        leaves = dict(_leaves("", parts))
        found = {name: value for name, value in leaves.items() if isinstance(value, torch.Tensor)}
        self._tensors = {name: found[name] for name in sorted(found)}
        numbers = {name: value for name, value in leaves.items() if name not in found}
        self.numbers = json.dumps(numbers, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()

    def digest(self) -> str:
        """``core.tensors.state_digest``."""
        return state_digest(digest_of(map(_described, self._tensors.items())), self.numbers)

    def write(self, folder: Path) -> None:
        """The two files of a checkpoint."""
        folder.mkdir(parents=True, exist_ok=True)
        plain = {name: _plain(tensor) for name, tensor in self._tensors.items()}
        for name, data in ((STATE, save(plain)), (NUMBERS, self.numbers)):
            with single_writer_file(folder / name) as stream:
                stream.write(data)


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What has no parts, by its path."""
    if isinstance(value, Mapping):
        pairs = [(str(key), one) for key, one in value.items()]
    elif isinstance(value, list | tuple):
        pairs = [(str(place), one) for place, one in enumerate(value)]
    else:
        yield name, value
        return
    for key, one in pairs:
        yield from _leaves(f"{name}/{key}" if name else key, one)


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().cpu().contiguous(memory_format=torch.contiguous_format).clone()


def _described(named: tuple[str, torch.Tensor]) -> tuple[str, str, tuple[int, ...], memoryview]:
    name, tensor = named
    plain = tensor.detach().cpu().contiguous(memory_format=torch.contiguous_format)
    data = plain.reshape(-1).view(torch.uint8).numpy().data
    return name, str(plain.dtype).removeprefix("torch."), tuple(plain.shape), data
