"""`python -m bench memory`: what a fold's process really holds, beside what pipeline/cost.py says.

Each point is a process of its own, started with a fold's environment (registry/jobs/child.py), that does two training
steps on made-up pictures. BASE and PER_PIXEL follow from two batch sizes. A whole fold's peak: bench/training.py.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from typing import Any
from unittest import mock

from bench.measure import peak
from pipeline import cost
from pipeline.recipes.read_recipe import load_recipe
from registry.jobs.child import MALLOC


def point(training: dict[str, Any]) -> None:
    """Two steps of a recipe's section ``training`` with its optimizer and average; prints bytes at most."""
    import torch

    from pipeline.yolo import probe
    from pipeline.yolo.model import build_model

    model = build_model(training["model"], tuple("abcd"))
    probe.STEPS = 1
    with mock.patch.object(probe, "build_model", return_value=model):  # to hold what a training holds beside it
        probe.seconds_a_step(training, 4)
        optimizer = torch.optim.AdamW(model.parameters())
        average = build_model(training["model"], tuple("abcd"))
        optimizer.step()
        probe.seconds_a_step(training, 4)
    del average
    print(json.dumps({"bytes": peak()}), flush=True)


def measured(model: str, batch: int, size: int, precision: str) -> int:
    """Bytes of a process that trains so."""
    _, values = load_recipe("emotionet-2023", {})
    training = {**values["training"], "model": model, "batch": batch, "imgsz": size, "precision": precision}
    code = f"from bench.memory import point; point({training!r})"
    environment = {**os.environ, **MALLOC}
    done = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return int(json.loads(done.stdout.splitlines()[-1])["bytes"])


def main(given: list[str] | None = None) -> None:
    """A line an architecture."""
    parser = argparse.ArgumentParser(prog="bench memory", description=__doc__)
    parser.add_argument("--models", nargs="*", default=list(cost.PER_PIXEL))
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--batches", type=int, nargs=2, default=[2, 8])
    parser.add_argument("--precision", default="fp32")
    wanted = parser.parse_args(given)
    low, high = wanted.batches
    for model in wanted.models:
        few, many = (measured(model, batch, wanted.size, wanted.precision) for batch in (low, high))
        per_pixel = (many - few) / ((high - low) * wanted.size**2)
        base = few - low * wanted.size**2 * per_pixel - cost.PARAMETERS[model] * 4 * cost.COPIES
        training = {"model": model, "batch": high, "imgsz": wanted.size}
        print(
            f"{model} {wanted.precision} batch {high} at {wanted.size} px: {many / 1e6:.0f} MB, "
            f"estimated {cost.memory(training) / 1e6:.0f} MB; PER_PIXEL {per_pixel:.0f} (now {cost.PER_PIXEL[model]}), "
            f"BASE {base / 2**20:.0f} MiB (now {cost.BASE >> 20})",
            flush=True,
        )


if __name__ == "__main__":
    main()
