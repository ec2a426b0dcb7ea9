"""The processor and the GPU, which decide bits, and what is said when they can't do their work."""

from __future__ import annotations

import platform
from pathlib import Path

from pipeline.arguments import device

INSTRUCTIONS = frozenset({"avx2", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16"})


def hardware() -> dict[str, str]:
    """Processor, its instructions, machine; and the GPU if that is what computes."""
    model = platform.processor() or platform.machine()
    flags = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                model = value.strip()
            if name.strip() == "flags":
                flags = " ".join(sorted(INSTRUCTIONS & set(value.split())))
                break
    found = {"processor": model, "instructions": flags, "machine": platform.machine()}
    return found if device() == "cpu" else {**found, "gpu": _gpu()}


def _gpu() -> str:
    import torch

    return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else "none"
