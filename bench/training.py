"""`python -m bench training`: folds trained by Emotionet beside a plain loop of `YOLO.train` over the same folds.

Both sides do the same optimizer steps at the same batch, image size, nbs and optimizer (the recipe emotionet-2023 with
fewer epochs): the baseline one fold after the other from image files, validating each epoch and best.pt once more, as
ultralytics does by itself; ours side by side from one array, validating every tenth epoch. Order: plain, fp32, bf16,
plain, so that the machine's moods fall on all. Read the ratios, and where they come from.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.drawn import draw
from pipeline.recipes.read_recipe import load_recipe

FULL = 100  # epochs of emotionet-2023
Document = dict[str, Any]


def call(*arguments: str) -> Document:
    """The last line of one of our processes, as a document."""
    done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def recipe_file(place: Path, precision: str, epochs: int, size: int) -> str:
    """emotionet-2023 with fewer epochs, in one precision."""
    name, values = load_recipe("emotionet-2023", {"epochs": epochs, "imgsz": size})
    values["training"]["precision"] = precision
    sections = {key: value for key, value in values.items() if isinstance(value, dict)}
    plain = {"name": name, **{key: value for key, value in values.items() if key not in sections}}
    lines = [f"{key} = {json.dumps(value)}" for key, value in plain.items()]
    for section, content in sections.items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in content.items())]
    (path := place / f"{precision}.toml").write_text("\n".join(lines))
    return str(path)


def has_bf16() -> bool:
    """Whether this processor computes in bfloat16."""
    flags = Path("/proc/cpuinfo").read_text(errors="replace")
    return "amx_bf16" in flags or "avx512_bf16" in flags


def mean(rows: list[Document], name: str) -> float:
    """Of the folds' seconds."""
    return float(np.mean([row[name] for row in rows]))


def steady(plain: Document, own: Document, epochs: int, folds: int) -> float:
    """The ratio that the parts give for FULL epochs: one validation in ten of ours, one in one of the baseline."""
    rows, ours = plain["folds"], own["folds"]
    a_fold = mean(rows, "before") + mean(rows, "final")
    a_fold += FULL / epochs * (mean(rows, "training") + mean(rows, "validation"))
    mine = (
        mean(ours, "before") + mean(ours, "final") + FULL * mean(ours, "epoch") + FULL / 10 * mean(ours, "validation")
    )
    return a_fold * folds / mine


def tell_plain(plain: Document, images: int, epochs: int) -> None:
    """The baseline's line, and where its time goes."""
    rows, folds = plain["folds"], len(plain["folds"])
    print(
        f"{'plain loop of YOLO.train':28} {plain['seconds'] / folds:7.1f} s a fold  "
        f"{images * epochs * folds / plain['seconds']:6.2f} images/s  peak {plain['memory'] / 1e9:4.1f} GB  "
        f"cpu {plain['cpu']:6.1f} s"
    )
    whole = mean(rows, "seconds")
    shares = ", ".join(
        f"{name} {mean(rows, name) / whole:.1%}" for name in ("training", "validation", "before", "final")
    )
    print(f"{'':28} of which {shares}", flush=True)


def tell_own(name: str, own: Document, plain: Document, images: int, epochs: int) -> None:
    """One of our lines: the ratio as measured, its factors, and what isn't training."""
    rows, folds = own["folds"], len(own["folds"])
    theirs = plain["seconds"] * folds / len(plain["folds"])
    rest = mean(rows, "before") + mean(rows, "final")
    long = FULL * mean(rows, "epoch") + FULL / 10 * mean(rows, "validation")
    by_validation = mean(plain["folds"], "seconds") / mean(plain["folds"], "training")
    print(
        f"{f'{name}, {folds} side by side':28} {own['seconds'] / folds:7.1f} s a fold  "
        f"{images * epochs * folds / own['seconds']:6.2f} images/s  peak {own['memory'] / 1e9:4.1f} GB a fold  "
        f"cpu {own['cpu']:6.1f} s  ratio {theirs / own['seconds']:5.2f} "
        f"(of processor seconds {plain['cpu'] * folds / len(plain['folds']) / own['cpu']:.2f})"
    )
    step = mean(plain["folds"], "training") / epochs / mean(rows, "epoch")
    print(
        f"{'':28} of which training's own steps {step:.2f} x {folds} side by side, validation, plots and the like "
        f"{by_validation:.2f}; for {FULL} epochs {steady(plain, own, epochs, folds):.2f}\n"
        f"{'':28} not training: {rest:.1f} s a fold, {rest / mean(rows, 'seconds'):.1%} of {epochs} epochs, "
        f"{rest / (rest + long):.2%} of {FULL}; one validation {mean(rows, 'validation'):.2f} s",
        flush=True,
    )


def main(given: list[str] | None = None) -> None:
    """All of it."""
    parser = argparse.ArgumentParser(prog="bench training", description=__doc__)
    parser.add_argument("--epochs", type=int, default=10, help="at least 4, so that some are neither first nor last")
    parser.add_argument("--persons", type=int, default=10, help="four images each; a fifth is judged")
    parser.add_argument("--size", type=int, default=640)
    parser.add_argument("--folds", type=int, default=2, help="of five")
    parser.add_argument("--fp32-only", action="store_true")
    wanted = parser.parse_args(given)
    folds = [str(fold) for fold in range(wanted.folds)]
    precisions = ["fp32", *(["bf16"] if has_bf16() and not wanted.fp32_only else [])]
    with tempfile.TemporaryDirectory(prefix="emotionet-bench-") as name:
        place = Path(name)
        draw(place / "faces", wanted.persons, 350)
        recipes = [recipe_file(place, one, wanted.epochs, wanted.size) for one in precisions]
        ready = call("bench.own_folds", "prepare", name, *recipes)
        images = ready["laid_out"]["train"]
        print(
            f"{images} images to train on, {ready['laid_out']['judged']} judged, {wanted.epochs} epochs, batch 16, "
            f"{wanted.size} px, {os.cpu_count()} processors; cleaning, plan and draw {ready['seconds']:.2f} s a run",
            flush=True,
        )
        spec = str(place / "files" / "spec.json")
        half = max(1, len(folds) // 2)
        plain = call("bench.plain_yolo", spec, *folds[:half])
        own = {
            one: call("bench.own_folds", "train", name, run, *folds)
            for one, run in zip(precisions, ready["runs"], strict=True)
        }
        if folds[half:]:
            later = call("bench.plain_yolo", spec, *folds[half:])
            plain = {
                **{key: plain[key] + later[key] for key in ("seconds", "cpu", "folds")},
                "memory": max(plain["memory"], later["memory"]),
            }
        tell_plain(plain, images, wanted.epochs)
        for one, document in own.items():
            tell_own(one, document, plain, images, wanted.epochs)


if __name__ == "__main__":
    main()
