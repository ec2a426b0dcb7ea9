"""How long a training step takes here: a few are done on made-up pictures, the quickest counts."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import torch
from ultralytics.cfg import get_cfg

from pipeline.arguments import device
from pipeline.yolo.model import build_model
from pipeline.yolo.precision import computing_in

STEPS = 3


def seconds_a_step(training: Mapping[str, Any], classes: int) -> float:
    """Seconds of one batch, forward and backward, of a recipe's section ``training``."""
    torch.set_num_threads(int(training["threads"]))
    size, batch = int(training["imgsz"]), int(training["batch"])
    on = torch.device("cuda" if device() != "cpu" else "cpu")
    model = build_model(str(training["model"]), tuple(f"class_{index}" for index in range(classes)))
    model.args = get_cfg()
    layout = torch.channels_last if training["channels_last"] else torch.contiguous_format
    model = model.to(on, memory_format=layout).train()
    given = {
        "img": torch.rand(batch, 3, size, size).to(on, memory_format=layout),
        "cls": torch.zeros(batch, 1),
        "bboxes": torch.tensor([[0.5, 0.5, 0.6, 0.6]]).repeat(batch, 1),
        "batch_idx": torch.arange(batch).float(),
    }
    given = {name: value.to(on) for name, value in given.items()}
    taken = []
    with computing_in(str(training["precision"]), on.type) as autocast:
        for _ in range(STEPS):
            started = time.perf_counter()
            with autocast(True, device=on.type):
                loss, _ = model(given)
            loss.sum().backward()
            if on.type == "cuda":
                torch.cuda.synchronize()
            taken.append(time.perf_counter() - started)
    return min(taken)
