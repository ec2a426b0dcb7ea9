"""What decides bits beside a task: the software and the processor; and whether a training made again here gives the
same ones."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from pipeline.hardware import hardware

SOFTWARE = ("ultralytics", "torch", "torchvision", "numpy", "pandas", "pillow", "opencv-python", "safetensors")
DECODERS = ("libjpeg_turbo", "littlecms2", "webp", "zlib", "libtiff")  # within Pillow: they decide pixels

# with these set, libraries use other code than the processor's best
OTHER_CODE = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ONEDNN_DEFAULT_FPMATH_MODE")


def same_bits(recorded: Mapping[str, str], events: Sequence[Mapping[str, Any]], planned: Mapping[str, str]) -> bool:
    """As ``registry.core.ports.method.Audited.same_bits``; ``planned``: the plan's environment.

    A processor is known by its generation, which older trainings do not tell: then nothing is known.
    One that another machine began is of no single kind.
    """
    here = hardware()
    if any(name in os.environ for name in OTHER_CODE) or any("before_on" in event for event in events):
        return False
    return (
        bool(here["generation"])
        and dict(recorded) == here
        and all(planned.get(name) == version for name, version in _software().items())
    )


def environment() -> dict[str, str]:
    """Versions of all software that affects bits, and the kind of processor."""
    return {**_software(), "python": platform.python_version(), "system": platform.system(), **hardware()}


def _software() -> dict[str, str]:
    from PIL import features

    found = {name: metadata.version(name) for name in SOFTWARE}
    return {**found, **{f"pillow {name}": str(features.version(name)) for name in DECODERS}}
