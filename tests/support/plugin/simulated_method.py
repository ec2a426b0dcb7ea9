"""A training method that trains nothing, and misbehaves on demand: for tests of everything around training.

Installed by putting this folder on PYTHONPATH, as a stranger's method would be. Its recipe says how
it behaves: ``delay`` milliseconds an epoch, ``chain`` makes every epoch's state follow from the one before, and
survive a kill as a real one's does, ``fail`` raises (a second time too, or is well, as ``again`` says),
``die`` ends the process (once a fold), ``ill`` names what fails in a fold's first epoch, ``times`` how often.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from registry.core.errors import EmotionetError, InvalidInput, Unavailable, Untrusted
from registry.core.ports.method import (
    Cost,
    FoldOutcome,
    FoldTask,
    Losses,
    MethodCard,
    Option,
    Prepared,
    SavedState,
    Tolerance,
)
from registry.core.recipe_versions import read_values
from registry.core.tensors import NUMBERS, STATE, checkpoint_digest, tensors_digest

DEFAULTS: dict[str, Any] = {
    "folds": {"k": 3, "repeats": 1},
    "training": {"epochs": 2, "delay": 0, "fail": False, "again": None, "die": False, "ill": None, "times": 1},
    "state": {"every": 1, "keep": 0},
    "evaluation": {
        "threshold": "0.25",
        "threshold_rule": "fixed",
        "floor": "0.01",
        "rounds": 1000,
        "min_group": 3,
        "confidence": "0.95",
    },
    "seed": 7,
    "final": "fold:0",
}


ONNX_BEGINS = b"\x08\x08simulated "
Found = tuple[tuple[int, int, int, int, int, int], ...]
LACKED: tuple[Any, ...] = ()  # what each older version of its recipes has not, with what that meant


class Simulated:
    id = "simulated"
    version = "1"
    recipe_version = 1

    def about(self) -> MethodCard:
        return MethodCard(
            name="Simulated",
            licence="AGPL-3.0-only",
            library="ultralytics",
            task="object-detection",
            losses=Losses(training=("train/box_loss",), validation=("val/box_loss",)),
            packages=("simulated_method",),
            recipe="simulated",
            options=tuple(
                Option(name=name, low=low, high=10_000, help="as it is called")
                for name, low in {"folds": 2, "repeats": 1, "epochs": 1, "seed": 0}.items()
            ),
            format="safetensors",
            files=("weights.safetensors", "model.json"),
            base_kinds=("a folder",),
            carried=("chain.json",),
            tolerance=Tolerance(
                score=1000, box=100, exported_score=100, losses=((1, 10_000), (None, 100_000)), changed=10
            ),
        )

    def recipes(self) -> tuple[str, ...]:
        return ("simulated",)

    def recipe(self, name_or_file: str, overrides: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        values = json.loads(json.dumps(DEFAULTS))
        if name_or_file.startswith("{"):
            given = json.loads(name_or_file)
            values["evaluation"].update(given.pop("evaluation", {}))
            values["state"].update(given.pop("state", {}))
            values["training"].update(given)
        elif name_or_file != "simulated":
            raise InvalidInput(f"no recipe {name_or_file}: use simulated")
        values["folds"]["k"] = overrides.get("folds", values["folds"]["k"])
        values["folds"]["repeats"] = overrides.get("repeats", 1)
        values["training"]["epochs"] = overrides.get("epochs", values["training"]["epochs"])
        values["seed"] = overrides.get("seed", values["seed"])
        return "simulated", values

    def read_recipe(self, version: int, values: Any) -> dict[str, Any]:
        found = read_values(self.id, version, values, LACKED)
        if set(found) != set(DEFAULTS):
            raise InvalidInput("these are not values of this method")
        return found

    def tools(self, recipe: Any) -> dict[str, bytes]:
        return {}

    def measure(self, items: Any, read: Any, recipe: Any, progress: Any) -> Any:
        for done, item in enumerate(items, 1):
            yield {"sha256": item.sha256, "digest": hashlib.sha256(b"pixels" + read(item.sha256)).digest()}
            progress("clean", done, len(items))

    def preprocess(self, items: Any, rows: Any, recipe: Any) -> tuple[Prepared, ...]:
        persons: dict[str, bytes] = {}
        for item in items:
            if item.subject is not None:
                persons[item.subject] = min(item.sha256, persons.get(item.subject, item.sha256))
        digests = {row["sha256"]: row["digest"] for row in rows}
        return tuple(
            self._row(item, digests[item.sha256], persons.get(item.subject, item.sha256))
            for item in sorted(items, key=lambda one: one.sha256)
        )

    def _row(self, item: Any, digest: bytes, group: bytes) -> Prepared:
        kept = digest != hashlib.sha256(b"pixels").digest()
        return Prepared(
            sha256=item.sha256,
            width=100 if kept else 0,
            height=100 if kept else 0,
            pixels=digest if kept else None,
            boxes=item.boxes or ((0, 0, 10000, 10000),) if kept and item.label is not None else (),
            box_source=self._source(item) if kept else "",
            group=group,
            reason=None if kept else "undecodable",
            measured=None if kept else "0 bytes",
        )

    def _source(self, item: Any) -> str:
        return "nothing" if item.label is None else "supplied" if item.boxes else "full_frame"

    def materialize(self, prepared: Any, read: Any, recipe: Any, array: Path, progress: Any) -> dict[bytes, int]:
        for row in prepared:
            if hashlib.sha256(b"pixels" + read(row.sha256)).digest() != row.pixels:
                raise Untrusted("pixels differ")
        np.save(array, np.zeros((len(prepared), 2, 2, 3), np.uint8))
        return {row.sha256: index for index, row in enumerate(sorted(prepared, key=lambda row: row.sha256))}

    def train_fold(self, task: FoldTask, report: Any) -> FoldOutcome:
        wanted = task.recipe["training"]
        marker = task.workdir / "died"
        done, state, events = self._resumed(task)
        for epoch in range(done + 1, self._last(task) + 1):
            time.sleep((wanted["delay"] + int(os.environ.get("SIMULATED_SLOW", "0"))) / 1000)
            if wanted.get("chain"):
                state = hashlib.sha256(state + b"".join(task.train) + epoch.to_bytes(4, "big")).digest()
                self._save_state(task, epoch, state)
            report({"epoch": epoch, "epochs": wanted["epochs"], "loss": f"{1 / epoch:.6f}"})
            if wanted["fail"]:
                raise InvalidInput("this method was told to fail", code="told_to_fail")
            self._be_ill(task)
            if wanted["die"] and not marker.exists():
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        tensors = {"layer": np.arange(4, dtype=np.float32) + (task.fold or 0), "seen": self._seen(task)}
        tensors["known"] = np.array([[*sha[:8], self._byte(task.labels[sha])] for sha in task.validate], np.uint8)
        over = self._last(task) == wanted["epochs"]
        weights = save(tensors | ({"chain": np.frombuffer(state, np.float32).copy()} if state else {}))
        model = json.dumps({"architecture": "simulated", "names": list(task.classes)}, sort_keys=True).encode()
        return FoldOutcome(
            weights={"weights.safetensors": weights, "model.json": model},
            tensors=tensors_digest(weights),
            arguments={"epochs": wanted["epochs"], "seed": task.seed},
            hardware={"processor": "simulated"},
            events=events,
            history=tuple(
                (epoch, {"train/box_loss": f"{1 / epoch:.6f}", "val/box_loss": f"{1.5 / epoch:.6f}"}, state)
                for epoch, state in self._states(task)
            ),
            checkpoints=tuple(
                SavedState(epoch=epoch, folder=task.workdir / f"state-{epoch}")
                for epoch, _ in self._states(task)
                if self._asked(task.recipe, "keep", epoch)
            ),
            predictions={
                sha256: self._found(sha256, task.labels[sha256], len(task.classes), wanted.get("more", 0))
                for sha256 in task.validate
                if over
            },
        )

    def _last(self, task: FoldTask) -> int:
        epochs = int(task.recipe["training"]["epochs"])
        return epochs if task.stop_after is None else min(epochs, task.stop_after)

    def _byte(self, label: int | None) -> int:
        return 255 if label is None else label

    def _resumed(self, task: FoldTask) -> tuple[int, bytes, tuple[dict[str, Any], ...]]:
        """The epochs that are done, the state after them, and what there is to tell of it."""
        path = task.workdir / "chain.json"
        if not path.exists():
            return 0, b"", ()
        saved = json.loads(path.read_bytes())
        return saved["epoch"], bytes.fromhex(saved["state"]), ({"event": "resumed", "epoch": saved["epoch"]},)

    def _save_state(self, task: FoldTask, epoch: int, state: bytes) -> None:
        beside = task.workdir / "chain.json.new"
        beside.write_text(json.dumps({"epoch": epoch, "state": state.hex()}))
        beside.replace(task.workdir / "chain.json")

    def _seen(self, task: FoldTask) -> Any:
        """Other tensors for whoever was trained on other images, or began from other weights."""
        base = b"" if task.base is None else task.base["weights.safetensors"]
        return np.frombuffer(hashlib.sha256(b"".join(task.train) + base).digest(), np.float32).copy()

    def _asked(self, recipe: Any, what: str, epoch: int) -> bool:
        number = recipe["state"][what]
        return bool(number) and epoch % number == 0

    def _states(self, task: FoldTask) -> Any:
        """Each epoch with the digest of a state that follows from the task and the epoch, where it is asked for; what
        is to be kept is written."""
        for epoch in range(1, self._last(task) + 1):
            tensors = save({"layer": np.arange(4, dtype=np.float32) * epoch, "seen": self._seen(task)})
            files = {STATE: tensors, NUMBERS: json.dumps({"epoch": epoch, "fold": task.fold}).encode()}
            keep = self._asked(task.recipe, "keep", epoch)
            if keep:
                (task.workdir / f"state-{epoch}").mkdir(exist_ok=True)
                for name, data in files.items():
                    (task.workdir / f"state-{epoch}" / name).write_bytes(data)
            yield epoch, checkpoint_digest(files) if keep or self._asked(task.recipe, "every", epoch) else None

    def _be_ill(self, task: FoldTask) -> None:
        wanted = task.recipe["training"]
        count = task.workdir / "times"
        before = count.stat().st_size if count.exists() else 0
        if wanted["ill"] is None or before >= wanted["times"]:
            return
        with count.open("ab") as marks:  # a mark each time: killed between, it is whole all the same
            marks.write(b".")
        kind = EmotionetError if wanted["ill"] in ("out_of_memory", "diverged") else Unavailable
        raise kind(f"the simulated {wanted['ill']}", code=wanted["ill"])

    def _found(self, sha256: bytes, truth: int | None, classes: int, more: int = 0) -> Found:
        """Right for about nine of ten images, sure of itself as the image's digest says; ``more`` detections beside, of
        which it is less sure."""
        if truth is None:
            return () if sha256[1] > 25 else ((0, 300_000 + sha256[2] * 2_000, 0, 0, 10000, 10000),)
        said = truth if sha256[1] > 25 else (truth + 1) % classes
        low = sorted((10_000 + byte * 1_000 for byte in sha256[3 : 3 + more]), reverse=True)
        beside = (((said + n) % classes, score, 0, 0, 9000, 9000) for n, score in enumerate(low, 1))
        return ((said, 300_000 + sha256[2] * 2_000, 0, 0, 10000, 10000), *beside)

    def check_training(
        self,
        recipe: Any,
        *,
        version: int,
        seed: int,
        arguments: Any,
        events: Any,
        epochs: Any,
        states: Any,
        checkpoints: Any,
    ) -> None:
        wanted = {"epochs": recipe["training"]["epochs"], "seed": seed}
        if arguments != wanted or list(epochs) != list(range(1, wanted["epochs"] + 1)):
            raise InvalidInput("it was trained otherwise than the recipe says")
        kept = [epoch for epoch in epochs if self._asked(recipe, "keep", epoch)]
        told = [epoch for epoch in epochs if epoch in kept or self._asked(recipe, "every", epoch)]
        if (list(states), list(checkpoints)) != (told, kept):
            raise InvalidInput("its states are not those that the recipe asks for")

    def second_try(self, recipe: Any, code: str) -> Any:
        again = recipe["training"]["again"]
        if again is None or code not in ("told_to_fail", "out_of_memory", "diverged"):
            return None
        return {**recipe, "training": {**recipe["training"], "fail": again == "fails", "ill": None}}

    def estimate(self, recipe: Any, images: int, classes: int) -> int:
        return int(recipe["training"]["epochs"])

    def cost(self, recipe: Any, images: int) -> Cost:
        epochs = int(recipe["training"]["epochs"])
        return Cost(memory=1 << 20, threads=1, epochs=epochs, pixels=images * 12, checkpoint=0)

    def check_model(self, recipe: Any, model: Any) -> None:
        if model.get("architecture") != "simulated":
            raise InvalidInput("it is of another architecture")

    def usage(self, recipe: Any, threshold: str) -> str:
        return ""

    def read_base(self, path: Path) -> dict[str, bytes]:
        return {name: (path / name).read_bytes() for name in ("weights.safetensors", "model.json")}

    def check_base(self, files: Any, recipe: Any) -> None:
        if b"hostile" in files["weights.safetensors"]:
            raise Untrusted("these weights say so themselves", code="hostile_weights")

    def export(self, weights: Any) -> dict[str, bytes]:
        return {"model.onnx": ONNX_BEGINS + weights["weights.safetensors"]}

    def run_export(self, files: Any, images: Any, recipe: Any, classes: Any) -> Any:
        if not files["model.onnx"].startswith(ONNX_BEGINS):
            raise Untrusted("this file was exported by nobody", code="hostile_weights")
        return self.predict(
            [{"weights.safetensors": files["model.onnx"].removeprefix(ONNX_BEGINS)}], images, recipe, classes
        )

    def same_bits(self, hardware: Any, events: Any, environment: Any) -> bool:
        """A test's environment makes this machine another one."""
        return bool(hardware == {"processor": os.environ.get("SIMULATED_PROCESSOR", "simulated")})

    def predict(self, weights: Any, images: Any, recipe: Any, classes: Any) -> Any:
        """What a fold said of the images that it judged its weights remember; of others something is said."""
        known = load(weights[0]["weights.safetensors"]).get("known", ()) if len(weights) == 1 else ()
        labels = {bytes(row[:8]): int(row[8]) for row in known}
        for data in images:
            sha256 = hashlib.sha256(data).digest()
            if sha256[:8] in labels:
                label = labels[sha256[:8]]
                truth, more = None if label == 255 else label, recipe["training"].get("more", 0)
                yield self._found(sha256, truth, len(classes), more)
                continue
            yield ((data[0] % len(classes), 900_000 // len(weights), 0, 0, 10000, 10000),)

    def environment(self) -> dict[str, str]:
        return {"simulated": "1"}
