"""The processor and the GPU, which decide bits, and what is said when they can't do their work."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path

from pipeline.arguments import device

# "AMD EPYC" and the like are the names of several; libraries choose their code by these, and by the size of the cache
GENERATION = ("cpu family", "model", "stepping", "cache size")
INSTRUCTIONS = frozenset({"avx2", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16"})


def hardware() -> dict[str, str]:
    """Processor, its instructions, machine; and the GPU if that is what computes."""
    said = _cpuinfo()
    found = {
        "processor": said.get("model name") or platform.processor() or platform.machine(),
        "instructions": " ".join(sorted(INSTRUCTIONS & set(said.get("flags", "").split()))),
        "machine": platform.machine(),
        "generation": " ".join(said[name] for name in GENERATION if name in said),
    }
    return found if device() == "cpu" else {**found, "gpu": _gpu()}


def agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether two descriptions can be of one kind of machine: what both of them tell is equal."""
    return all(one[name] == other[name] for name in one.keys() & other.keys()) and ("gpu" in one) == ("gpu" in other)


def _cpuinfo() -> dict[str, str]:
    """What Linux says of the first processor."""
    path, found = Path("/proc/cpuinfo"), dict[str, str]()
    for line in path.read_text(errors="replace").splitlines() if path.exists() else ():
        name, _, value = line.partition(":")
        if not name.strip():
            break
        found[name.strip()] = value.strip()
    return found


def _gpu() -> str:
    import torch

    return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else "none"
