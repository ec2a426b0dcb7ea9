"""One fold with ultralytics, of which this is the only importer.

Invariants: no network call, no plot, no pickle; images come from one shared array in memory (see
docs/adr/0005); the number of threads and every random number follow from the task; the last weights
(EMA) are what is published, never the best on the judged fold; each epoch ends with a checkpoint of plain
tensors, so that a killed fold goes on and ends with the same bits on the same kind of processor.
"""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Callable, Mapping
from copy import copy
from pathlib import Path
from pickle import UnpicklingError  # the error alone
from typing import Any

from pipeline.workspace import quiet, task_digest, yolo_boxes

quiet()  # ultralytics reads its environment when it is imported

import numpy as np
import torch
from ultralytics.data.dataset import YOLODataset
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils import ROOT, SETTINGS, YAML, nms

from pipeline.arguments import MAX_DETECTIONS, NMS_IOU, arguments_of
from pipeline.resize import Letterbox
from pipeline.weights import ARCHITECTURES
from registry.core.errors import EmotionetError, Untrusted
from registry.core.method import Detection, FoldTask

Report = Callable[[Mapping[str, Any]], None]
INTEGRATIONS = ("clearml", "comet", "dvc", "mlflow", "neptune", "raytune", "tensorboard", "wandb", "sync", "hub")


def silence() -> None:
    """Nothing is reported to anybody."""
    for name in INTEGRATIONS:
        if name in SETTINGS:
            dict.__setitem__(SETTINGS, name, False)  # in this process only: the user's file stays as it is


class ArrayDataset(YOLODataset):  # type: ignore[misc]
    """Images by row of one array; labels from the task. ``img_path`` is the list of sha256s."""

    def __init__(self, fold_task: FoldTask, pixels: np.ndarray[Any, Any], **arguments: Any) -> None:
        self._task, self._pixels = fold_task, pixels
        super().__init__(**arguments)

    def get_img_files(self, img_path: list[str]) -> list[str]:
        """Names only; no file is opened."""
        return [f"{name}.png" for name in img_path]

    def check_cache_ram(self, *_: Any, **__: Any) -> bool:
        """All images are in memory already."""
        return True

    def cache_images(self) -> None:
        """Nothing to do."""

    def get_labels(self) -> list[dict[str, Any]]:
        """One label a box, normalised to the square."""
        return [self._label(bytes.fromhex(name.removesuffix(".png")), name) for name in self.im_files]

    def _label(self, sha256: bytes, name: str) -> dict[str, Any]:
        boxes, size = yolo_boxes(self._task, sha256), self._pixels.shape[1]
        return {
            "im_file": name,
            "shape": (size, size),
            "cls": np.full((len(boxes), 1), self._task.labels[sha256], np.float32),
            "bboxes": boxes,
            "segments": [],
            "keypoints": None,
            "normalized": True,
            "bbox_format": "xywh",
        }

    def load_image(
        self, i: int, rect_mode: bool = True, resize_short: bool = False
    ) -> tuple[np.ndarray[Any, Any], tuple[int, int], tuple[int, int]]:
        """A copy of a row, BGR as OpenCV has it."""
        sha256 = bytes.fromhex(self.im_files[i].removesuffix(".png"))
        image = np.ascontiguousarray(self._pixels[self._task.index[sha256]][..., ::-1])
        return image, image.shape[:2], image.shape[:2]


def build_model(architecture: str, classes: tuple[str, ...]) -> DetectionModel:
    """An untrained model of a local architecture."""
    if architecture not in ARCHITECTURES:
        raise Untrusted(f"{architecture!r} is no architecture of this method", code="hostile_weights")
    # The packaged file by its full path: a name alone is first looked for in the current folder, and run.
    layers = YAML.load(ROOT / "cfg" / "models" / "v8" / "yolov8.yaml")
    model = DetectionModel({**layers, "scale": architecture[-1]}, nc=len(classes), ch=3, verbose=False)
    model.names = dict(enumerate(classes))
    return model


def load_model(
    tensors: Mapping[str, torch.Tensor], architecture: str, classes: tuple[str, ...], threads: int
) -> DetectionModel:
    """A model with published tensors, strictly; ``Untrusted`` if they are not those of the architecture.

    The number of threads changes bits, so this sets it for the process.
    """
    torch.set_num_threads(threads)
    model = build_model(architecture, classes)
    wanted = model.state_dict()
    if {name: (t.shape, t.dtype) for name, t in wanted.items()} != {n: (t.shape, t.dtype) for n, t in tensors.items()}:
        raise Untrusted(
            f"these tensors are not those of {architecture} with {len(classes)} classes", code="hostile_weights"
        )
    model.load_state_dict(dict(tensors), strict=True)
    return model.eval()


def infer(model: DetectionModel, pixels: np.ndarray[Any, Any], place: Letterbox, floor: float) -> tuple[Detection, ...]:
    """Detections of one (size, size, 3) RGB image by falling score; one image at a time, so that bits agree."""
    batch = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]).float() / 255
    with torch.inference_mode():
        found = nms.non_max_suppression(
            model(batch),
            conf_thres=floor,
            iou_thres=NMS_IOU,
            multi_label=True,
            max_det=MAX_DETECTIONS,
            nc=len(model.names),
            max_time_img=600.0,  # a busy machine must not cut the list short
        )[0]
    rows = [
        (int(kind), round(float(score) * 1_000_000), *place.outward(x0, y0, x1, y1))
        for x0, y0, x1, y1, score, kind in found.double().tolist()
    ]
    return tuple(sorted(rows, key=lambda row: (-row[1], *row)))


class FoldTrainer(DetectionTrainer):  # type: ignore[misc]
    """Ultralytics' own loop and loss on our data, with our checkpoints and our random numbers."""

    def __init__(self, task: FoldTask, arguments: dict[str, Any], base: dict[str, torch.Tensor] | None, report: Report):
        self._task, self._report, self._base = task, report, base
        self._recipe = task.recipe["training"]
        self._pixels = np.load(task.array, mmap_mode="r")
        self.history: list[tuple[int, dict[str, str]]] = []
        self.events: list[dict[str, Any]] = []
        super().__init__(overrides=arguments)
        torch.set_num_threads(int(self._recipe["threads"]))  # ultralytics sets its own; it changes bits

    @property
    def checkpoint(self) -> Path:
        """Where this fold goes on after a kill."""
        return self._task.workdir / "checkpoint.pt"

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
            own = model.state_dict()
            fitting = {n: t for n, t in self._base.items() if n in own and own[n].shape == t.shape}
            model.load_state_dict(fitting, strict=False)
            self.events.append({"event": "base_weights", "transferred": len(fitting), "of": len(own)})
        return model.to(memory_format=torch.channels_last) if self._recipe["channels_last"] else model

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Stop here if somebody asked for it."""
        self._report({})
        batch = super().preprocess_batch(batch)
        if self._recipe["channels_last"]:
            batch["img"] = batch["img"].contiguous(memory_format=torch.channels_last)
        return batch

    def resume_training(self, ckpt: Any) -> None:
        """Go on from the last epoch that this fold finished, if there is one."""
        if not self.checkpoint.exists():
            return
        try:
            saved = torch.load(self.checkpoint, weights_only=True, map_location="cpu")
            if saved["task"] != task_digest(self._task):
                raise ValueError("another task's")
        except (OSError, EOFError, RuntimeError, LookupError, ValueError, UnpicklingError) as error:
            self.events.append({"event": "restarted", "reason": f"checkpoint not usable: {type(error).__name__}"})
            return
        self.model.load_state_dict(saved["model"])
        self.ema.ema.load_state_dict(saved["ema"])
        self.ema.updates = saved["updates"]
        self.optimizer.load_state_dict(saved["optimizer"])
        self.start_epoch = saved["epoch"] + 1
        self.history = [(epoch, dict(values)) for epoch, values in saved["history"]]
        self.events = [*saved["events"], {"event": "resumed", "epoch": self.start_epoch}]

    def save_model(self) -> bool:
        """A checkpoint of plain tensors and numbers: temp, flush, rename."""
        temporary = self.checkpoint.with_suffix(".tmp")
        with temporary.open("wb") as handle:
            torch.save(
                {
                    "task": task_digest(self._task),
                    "epoch": self.epoch,
                    "model": self.model.state_dict(),
                    "ema": self.ema.ema.state_dict(),
                    "updates": self.ema.updates,
                    "optimizer": self.optimizer.state_dict(),
                    "history": self.history,
                    "events": self.events,
                },
                handle,
            )
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(self.checkpoint)
        return False

    def seed_epoch(self) -> None:
        """Random numbers of an epoch follow from the task and the epoch alone, killed in between or not."""
        seed = (int(self._task.seed) * 1_000_003 + self.epoch * 101 + (self._task.fold or 0)) % (1 << 32)
        closing = int(self._recipe["close_mosaic"])
        if closing and self.epoch >= self.epochs - closing:
            self.train_loader.dataset.close_mosaic(hyp=copy(self.args))
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        self.train_loader.generator.manual_seed(seed)
        self.train_loader.reset()

    def validate(self) -> tuple[dict[str, Any], float]:
        """Every N epochs and at the end; the figures are for the history only."""
        every = int(self._recipe["validate_every"])
        if not self._task.validate:
            return {}, 0.0
        if self.epoch + 1 == self.epochs or (self.epoch + 1) % every == 0:
            metrics, _ = super().validate()
            return metrics, 0.0
        return {}, 0.0

    def save_metrics(self, metrics: dict[str, Any]) -> None:
        """One row of the history; and a word to whoever watches."""
        keep = {name: f"{float(value):.6f}" for name, value in metrics.items() if not name.startswith("lr/")}
        self.history.append((self.epoch + 1, keep))
        loss = sum(float(value) for name, value in metrics.items() if name.startswith("train/"))
        self._report({"epoch": self.epoch + 1, "epochs": self.epochs, "loss": f"{loss:.4f}"})

    def _handle_nan_recovery(self, epoch: int) -> bool:
        """A loss that is no number ends the fold: going on from an older state would be another run."""
        if self.tloss is not None and not all(torch.isfinite(value).all() for value in self.tloss.values()):
            raise EmotionetError(f"the loss is no number in epoch {epoch + 1}: lower lr0", code="diverged")
        return False

    def final_eval(self) -> None:
        """Nothing: the last weights are judged once, below."""


def run_fold(task: FoldTask, base: dict[str, torch.Tensor] | None, report: Report) -> FoldTrainer:
    """Train one fold to its end."""
    silence()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch and ultralytics warn of their own deprecations
        trainer = FoldTrainer(task, arguments_of(task), base, report)
        trainer.add_callback("on_train_epoch_start", FoldTrainer.seed_epoch)
        trainer.add_callback("on_val_batch_start", lambda _: report({}))  # whoever wants to stop it raises here
        trainer.train()
    return trainer


def predict_fold(trainer: FoldTrainer, task: FoldTask, report: Report) -> dict[bytes, tuple[Detection, ...]]:
    """The last (EMA) weights on every validation image."""
    model = trainer.ema.ema.float().to(memory_format=torch.contiguous_format).eval()
    pixels, floor = np.load(task.array, mmap_mode="r"), float(task.recipe["evaluation"]["floor"])
    found = {}
    for sha256 in task.validate:
        report({})
        row = task.rows[sha256]
        place = Letterbox(row.width, row.height, pixels.shape[1])
        found[sha256] = infer(model, pixels[task.index[sha256]], place, floor)
    return found
