"""What numbers are computed in, and how they lie in memory. All of it changes bits: the recipe says it.

Ultralytics' own autocast refuses bfloat16 on a processor; ours allows it where the processor computes in it (AMX, or
AVX-512 BF16): elsewhere it would be emulated, slower than single precision.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from ultralytics.engine import trainer as engine

from registry.core.errors import InvalidInput


def has_bf16(device: str) -> bool:
    """Whether this machine's device computes in bfloat16."""
    if device != "cpu":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


@contextlib.contextmanager
def computing_in(precision: str, device: str) -> Iterator[Callable[..., Any]]:
    """Ultralytics' training steps computed in ``precision`` (fp32, bf16); weights and optimizer stay fp32.

    ``device`` is cpu or cuda. Gives the context in which a step is computed.

    ``InvalidInput`` (``no_bf16``) where the machine can't.
    """
    if precision == "bf16" and not has_bf16(device):
        raise InvalidInput(
            "this machine does not compute in bfloat16 (no AMX, no AVX-512 BF16, no such GPU)",
            code="no_bf16",
            hint='give a recipe with precision = "fp32".',
        )
    original = engine.autocast

    def autocast(enabled: Any, device: str = "cuda") -> Any:
        return torch.autocast(device, torch.bfloat16, enabled=precision == "bf16")

    engine.autocast = autocast
    try:
        yield autocast
    finally:
        engine.autocast = original
