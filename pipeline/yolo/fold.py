"""One fold: trained to its end, then its images judged by the last weights."""

from __future__ import annotations

import contextlib
import errno
import warnings
from collections.abc import Iterator

import numpy as np
import torch
from ultralytics.utils import SETTINGS

from pipeline.arguments import arguments_of
from pipeline.resize import Letterbox
from pipeline.yolo.base import Base
from pipeline.yolo.model import infer
from pipeline.yolo.precision import computing_in
from pipeline.yolo.trainer import Finished, FoldTrainer, Report
from registry.core.errors import DISK_FULL, EmotionetError, Unavailable, not_written
from registry.core.ports.method import Detection, FoldTask

INTEGRATIONS = ("clearml", "comet", "dvc", "mlflow", "neptune", "raytune", "tensorboard", "wandb", "sync", "hub")
NOT_WRITTEN = (*DISK_FULL, errno.EROFS, errno.EIO)
NO_MEMORY = (
    *("out of memory", "can't allocate memory", "not enough memory", "bad_alloc", "cublas_status_alloc_failed"),
    "could not create a primitive",  # oneDNN's way to say it
)


def silence() -> None:
    """Nothing is reported to anybody."""
    for name in INTEGRATIONS:
        if name in SETTINGS:
            dict.__setitem__(SETTINGS, name, False)  # in this process only: the user's file stays as it is


def run_fold(task: FoldTask, base: Base | None, report: Report) -> FoldTrainer:
    """Train one fold to its end; its weights are then on the processor, whatever they were trained on.

    ``EmotionetError`` (``out_of_memory``, ``diverged``), ``Unavailable`` (``disk_full``, ``lost_gpu``).
    """
    silence()
    arguments, precision = arguments_of(task), str(task.recipe["training"]["precision"])
    on = "cpu" if arguments["device"] == "cpu" else "cuda"
    if on == "cuda" and not torch.cuda.is_available():
        raise Unavailable("EMOTIONET_DEVICE is cuda, but no GPU is available", code="lost_gpu")
    with warnings.catch_warnings(), computing_in(precision, on), _named_failures(task):
        warnings.simplefilter("ignore")  # torch and ultralytics warn of their own deprecations
        trainer = FoldTrainer(task, arguments, base, report)
        trainer.add_callback("on_train_epoch_start", FoldTrainer.seed_epoch)
        trainer.add_callback("on_val_batch_start", lambda _: report({}))  # whoever wants to stop it raises here
        with contextlib.suppress(Finished):
            trainer.train()
    trainer.ema.ema = trainer.ema.ema.cpu()
    return trainer


@contextlib.contextmanager
def _named_failures(task: FoldTask) -> Iterator[None]:
    """What torch and the system say in many ways, in the words that a recipe's second try knows."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        said = str(error).lower()
        if isinstance(error, MemoryError) or any(words in said for words in NO_MEMORY):
            batch = task.recipe["training"]["batch"]
            why = (str(error) or type(error).__name__).splitlines()[0][:120]
            raise EmotionetError(
                f"a batch of {batch} does not fit into memory ({why})", code="out_of_memory"
            ) from error
        if "cuda" in said or "nvidia" in said:
            raise Unavailable(f"the GPU failed: {str(error).splitlines()[0][:200]}", code="lost_gpu") from error
        raise
    except OSError as error:
        if error.errno in NOT_WRITTEN:
            raise not_written(task.workdir, error) from error
        raise


def predict_fold(trainer: FoldTrainer, task: FoldTask, report: Report) -> dict[bytes, tuple[Detection, ...]]:
    """The last (EMA) weights on every validation image."""
    model = trainer.ema.ema.cpu().float().to(memory_format=torch.contiguous_format).eval()
    pixels, judging = np.load(task.array, mmap_mode="r"), task.recipe["evaluation"]
    found = {}
    for sha256 in task.validate:
        report({})
        row = task.rows[sha256]
        place = Letterbox(row.width, row.height, pixels.shape[1])
        found[sha256] = infer(
            [model], pixels[task.index[sha256]], place, float(judging["floor"]), mirrored=bool(judging["mirrored"])
        )
    return found
