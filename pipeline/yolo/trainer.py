"""Ultralytics' own loop and loss on our data, with our checkpoints, our random numbers and our precision.

Invariants: the last weights (EMA) are published, never the best on the judged fold. Each epoch ends with a checkpoint
of plain tensors, so a killed fold continues and ends with the same bits on the same kind of processor.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.nn.tasks import DetectionModel

from pipeline.state_epochs import is_reported, is_saved
from pipeline.yolo import checkpoint
from pipeline.yolo.base import Base, transfer
from pipeline.yolo.batchnorm import batches_of, measure
from pipeline.yolo.dataset import ArrayDataset
from pipeline.yolo.epoch_report import Pace, reported_values
from pipeline.yolo.model import build_model
from pipeline.yolo.state import State
from registry.core.errors import EmotionetError
from registry.core.ports.method import FoldTask, SavedState

Report = Callable[[Mapping[str, Any]], None]


class Finished(Exception):
    """This fold is trained as far as it is to be: to its end before it was killed, or to ``stop_after``."""


class FoldTrainer(DetectionTrainer):  # type: ignore[misc]
    """Ultralytics' own loop and loss on our data, with our checkpoints and our random numbers."""

    def __init__(self, task: FoldTask, arguments: dict[str, Any], base: Base | None, report: Report):
        self._task, self._report, self._base = task, report, base
        self._recipe = task.recipe["training"]
        self._pixels = np.load(task.array, mmap_mode="r")
        self.history: list[tuple[int, dict[str, str], str | None]] = []
        self.saved_states: list[SavedState] = []
        self.events: list[dict[str, Any]] = []
        self._lowest, self._since = float("inf"), 0
        self._pace = Pace(len(task.train), int(self._recipe["epochs"]))
        self._saved, self._told_of_saved = checkpoint.read(task)
        if self._saved is None:
            self.events += self._told_of_saved
        super().__init__(overrides=arguments)
        torch.set_num_threads(int(self._recipe["threads"]))  # ultralytics sets its own; it changes bits

    def get_dataset(self) -> dict[str, Any]:
        """What would be read from a data.yaml."""
        names = dict(enumerate(self._task.classes))
        judged = self._task.validate or self._task.train[:1]  # the loop wants a loader, also where nobody is judged
        train, validate = ([one.hex() for one in part] for part in (self._task.train, judged))
        return {"train": train, "val": validate, "names": names, "nc": len(names), "channels": 3, "path": ""}

    def build_dataset(self, img_path: list[str], mode: str = "train", batch: int | None = None) -> ArrayDataset:
        """One split of the fold."""
        return ArrayDataset(
            self._task,
            self._pixels,
            img_path=img_path,
            imgsz=self.args.imgsz,
            batch_size=batch or 1,
            augment=mode == "train",
            hyp=self.args,
            rect=False,
            cache="ram",
            stride=32,
            pad=0.0,
            data=self.data,
            task="detect",
        )

    def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> DetectionModel:
        """The recipe's architecture, with the base weights that fit where there are any."""
        model = build_model(self._recipe["model"], self._task.classes)
        if self._base is not None:
            self.events.append(transfer(self._base, model, self._task.classes))
            if self._base.folded and self._saved is None:
                self._measure_batchnorm(model)
        return model.to(memory_format=torch.channels_last) if self._recipe["channels_last"] else model

    def _measure_batchnorm(self, model: DetectionModel) -> None:
        rows = [self._task.index[one] for one in self._task.train]
        measure(model, batches_of(self._pixels, rows, int(self._recipe["batch"])))
        self.events.append({"event": "batchnorm_measured", "images": len(rows)})

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Stop here if somebody asked for it."""
        self._report({})
        batch = super().preprocess_batch(batch)
        if self._recipe["channels_last"]:
            batch["img"] = batch["img"].contiguous(memory_format=torch.channels_last)
        return batch

    def _build_train_pipeline(self) -> None:
        """Ultralytics would go on with half the batch and tell nobody: that would be another training."""
        if getattr(self, "_oom_retries", 0):
            raise EmotionetError(f"a batch of {self._recipe['batch']} does not fit into memory", code="out_of_memory")
        super()._build_train_pipeline()

    def resume_training(self, ckpt: Any) -> None:
        """Go on from the last epoch that this fold finished, if there is one."""
        if self._recipe["channels_last"]:
            self.ema.ema.to(memory_format=torch.channels_last)
        saved, self._saved = self._saved, None
        if saved is None:
            return
        self.model.load_state_dict(saved["model"])
        self.ema.ema.load_state_dict(saved["ema"])
        self.ema.updates = saved["updates"]
        self.optimizer.load_state_dict(saved["optimizer"])
        self.start_epoch = saved["epoch"] + 1
        self.scaler.load_state_dict(saved["scaler"])
        self.history = [(epoch, dict(values), state) for epoch, values, state in saved["history"]]
        self.saved_states = [SavedState(epoch=epoch, folder=self._folder(epoch)) for epoch in saved["kept"]]
        self._lowest, self._since = saved["lowest"], saved["since"]
        self.events = self._told_of_saved
        if saved["over"] or self._is_enough(saved["epoch"] + 1):
            raise Finished

    def save_model(self) -> bool:
        """A checkpoint of plain tensors and numbers; the state's digest into the history, where the recipe says so."""
        self._report_state()
        values = {
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "ema": self.ema.ema.state_dict(),
            "updates": self.ema.updates,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "history": self.history,
            "kept": [one.epoch for one in self.saved_states],
            "events": self.events,
            "over": bool(self.stop),
            "lowest": self._lowest,
            "since": self._since,
        }
        checkpoint.write(self._task, values)
        if self._is_enough(self.epoch + 1):
            raise Finished
        return False

    def _is_enough(self, epochs: int) -> bool:
        """Whether to end here, as a kill after the checkpoint would; what comes later is as ever."""
        return self._task.stop_after is not None and self._task.stop_after <= epochs < self.epochs

    def _report_state(self) -> None:
        epoch = self.epoch + 1
        last = bool(self.stop) or epoch >= self.epochs
        if not is_reported(self._task.recipe, epoch, last):
            return
        state = self._state()
        if is_saved(self._task.recipe, epoch):
            state.write(self._folder(epoch))
            self.saved_states.append(SavedState(epoch=epoch, folder=self._folder(epoch)))
        self.history[-1] = (*self.history[-1][:2], state.digest())

    def _folder(self, epoch: int) -> Path:
        return self._task.workdir / f"state-{epoch}"

    def _state(self) -> State:
        """All that the next epoch starts from. Its random numbers follow from their seed."""
        return State(
            {
                "model": self.model.state_dict(),
                "average": self.ema.ema.state_dict(),
                "updates": self.ema.updates,
                "optimizer": self.optimizer.state_dict(),
                "scaler": self.scaler.state_dict(),
                "epoch": self.epoch + 1,
                "random": self._seed_of(self.epoch + 1),
                "patience": {"lowest": self._lowest, "since": self._since},
            }
        )

    def _seed_of(self, epoch: int) -> int:
        return (int(self._task.seed) * 1_000_003 + epoch * 101 + (self._task.fold or 0)) % (1 << 32)

    def seed_epoch(self) -> None:
        """Random numbers of an epoch follow from the task and the epoch alone, killed in between or not."""
        self._pace.start()
        seed = self._seed_of(self.epoch)
        closing = int(self._recipe["close_mosaic"])
        if closing and self.epoch >= self.epochs - closing:
            self.train_loader.dataset.close_mosaic(hyp=copy(self.args))
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        self.train_loader.generator.manual_seed(seed)
        self.train_loader.reset()

    def validate(self) -> tuple[dict[str, Any], float]:
        """Every N epochs and at the end, also an early one; the figures are for the history only."""
        every = int(self._recipe["validate_every"])
        self._rest(sum(self.label_loss_items(self.tloss).values()))  # before: a fold's last epoch is validated
        if not self._task.validate:
            return {}, 0.0
        if self.stop or self.epoch + 1 == self.epochs or (self.epoch + 1) % every == 0:
            metrics, _ = super().validate()
            return metrics, 0.0
        return {}, 0.0

    def save_metrics(self, metrics: dict[str, Any]) -> None:
        """Add a row to the history, and report it."""
        keep = {name: f"{float(value):.6f}" for name, value in metrics.items() if not name.startswith("lr/")}
        self.history.append((self.epoch + 1, keep, None))
        self._report({**self._pace.after(self.epoch + 1), **reported_values(metrics)})

    def _rest(self, loss: float) -> None:
        """Stop where the recipe's patience is over. No judged image has a say: it is the training's own loss."""
        patience = int(self._recipe["patience"])
        self._since = 0 if loss < self._lowest else self._since + 1
        self._lowest = min(loss, self._lowest)
        if patience and self._since >= patience and self.epoch + 1 < self.epochs:
            self.stop = True
            self.events.append({"event": "stopped_early", "epoch": self.epoch + 1})

    def _handle_nan_recovery(self, epoch: int) -> bool:
        """A loss that is no number ends the fold: going on from an older state would be another run."""
        if self.tloss is not None and not all(torch.isfinite(value).all() for value in self.tloss.values()):
            raise EmotionetError(f"the loss is not a number in epoch {epoch + 1}", code="diverged", hint="lower lr0.")
        return False

    def final_eval(self) -> None:
        """Nothing: the last weights are judged once, below."""
