"""What a fold needs to train: the pixels that all folds share, labels in YOLO's form, and a quiet ultralytics.

Invariants: the pixels are written whole or not at all, and compared with the digests that preprocessing recorded before
each use. No image files are written (docs/adr/0005). Ultralytics finds its settings and fonts in a folder of this
process, so it makes no request and leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import util
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.resize import Letterbox, pixels_digest, resize
from registry.core.errors import InvalidInput, Unavailable, Untrusted, not_written
from registry.core.ports.method import FoldTask, Prepared, Progress
from registry.core.text.cleaning import sha256_text
from registry.files import single_writer_file
from registry.imaging.decode import Undecodable, decode

Read = Callable[[bytes], bytes]
CHUNK = 256  # images that are waited for together when pixels are made
QUIET = {
    "YOLO_OFFLINE": "true",
    "YOLO_AUTOINSTALL": "false",
    "YOLO_VERBOSE": "false",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # what deterministic algorithms need on a GPU
}


def quiet() -> None:
    """Before ultralytics is imported: offline, installing nothing, with a configuration folder of this process."""
    if "ultralytics" in sys.modules:
        return
    os.environ.update(QUIET)
    home = Path(tempfile.mkdtemp(prefix="emotionet-yolo-"))
    # not atexit, which a process of multiprocessing leaves out when it ends
    Finalize(None, shutil.rmtree, (home,), {"ignore_errors": True}, exitpriority=1)
    os.environ["YOLO_CONFIG_DIR"] = str(home)
    folder = home / "Ultralytics"
    folder.mkdir()
    found = util.find_spec("matplotlib")
    if found is None or found.origin is None:
        raise Unavailable("matplotlib is not installed, which ultralytics needs", hint="run make install.")
    font = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    for name in ("Arial.ttf", "Arial.Unicode.ttf"):  # otherwise it looks for them on the network
        (folder / name).symlink_to(font)


def task_digest(task: FoldTask) -> str:
    """What a checkpoint belongs to: everything that decides a fold's tensors, as ``sha256:<hex>``."""
    base = {name: hashlib.sha256(data).hexdigest() for name, data in (task.base or {}).items()}
    train = [[one.hex(), task.labels[one], (task.rows[one].pixels or b"").hex()] for one in task.train]
    boxes = [[list(box) for box in task.rows[one].boxes] for one in task.train]
    parts = [task.fold, task.seed, dict(task.recipe["training"]), list(task.classes), train, boxes, base]
    return sha256_text(hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).digest())


def yolo_boxes(task: FoldTask, sha256: bytes) -> NDArray[np.float32]:
    """(n, 4) centre x, y, width, height in 0..1 of the square."""
    row = task.rows[sha256]
    place = Letterbox(row.width, row.height, int(task.recipe["preprocess"]["size"]))
    return np.array([place.inward(box) for box in row.boxes], np.float32).reshape(-1, 4)


def prepare_array(
    prepared: Sequence[Prepared], read: Read, rules: Mapping[str, Any], array: Path, progress: Progress
) -> dict[bytes, int]:
    """One .npy (n, size, size, 3) of the kept pixels, made again or found whole; sha256 to row.

    ``Untrusted`` (``pixels_differ``) where an image gives other pixels than were recorded.
    """
    rows = sorted((row for row in prepared if row.reason is None), key=lambda row: row.sha256)
    if not rows:
        raise InvalidInput(
            "cleaning kept no image",
            hint="`emotionet runs dropped` lists the reasons; correct the images or the recipe.",
        )
    if not _is_whole(rows, int(rules["size"]), array):
        _make_array(rows, read, rules, array, progress)
    return {row.sha256: number for number, row in enumerate(rows)}


def _is_whole(rows: Sequence[Prepared], size: int, array: Path) -> bool:
    """Whether the file is there and every row has its recorded digest."""
    try:
        pixels = np.load(array, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    if pixels.shape != (len(rows), size, size, 3) or pixels.dtype != np.uint8:
        return False
    return all(pixels_digest(pixels[number]) == row.pixels for number, row in enumerate(rows))


def _make_array(
    rows: Sequence[Prepared], read: Read, rules: Mapping[str, Any], array: Path, progress: Progress
) -> None:
    size = int(rules["size"])
    try:
        with single_writer_file(
            array, durable=False
        ) as stream:  # what a crash leaves of it is compared before it is used
            head = {"descr": "|u1", "fortran_order": False, "shape": (len(rows), size, size, 3)}
            np.lib.format.write_array_header_1_0(stream, head)
            stream.flush()
            begin = stream.tell()
            _reserve(stream.fileno(), begin + len(rows) * size * size * 3)
            _fill(stream.fileno(), begin, rows, read, rules, progress)
    except OSError as error:
        needed = len(rows) * size * size * 3 >> 20
        raise not_written(f"{array}, {needed} MiB of pixels,", error) from error


def _reserve(file: int, size: int) -> None:
    """Room on the disk for all of a file, so that a full one is known before the work."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.truncate(file, size)


def _fill(
    file: int, begin: int, rows: Sequence[Prepared], read: Read, rules: Mapping[str, Any], progress: Progress
) -> None:
    """Several rows at a time, one thread a processor: decoding and resizing let go of Python's lock.

    Written, not mapped: a mapped page of a new file is filled with zeros first, which took as long as the resizing.
    """
    lock = threading.Lock()

    def one(number: int) -> None:
        with lock:  # a reader is given no more threads than it was written for
            data = read(rows[number].sha256)
        left = _pixels(rows[number], data, rules).data.cast("B")
        place = begin + number * len(left)
        while left:  # the kernel may take less than it is given
            took = os.pwrite(file, left, place)
            left, place = left[took:], place + took

    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads, thread_name_prefix="pixels") as pool:
        for start in range(0, len(rows), CHUNK):
            numbers = range(start, min(start + CHUNK, len(rows)))
            for number, _ in zip(numbers, pool.map(one, numbers), strict=True):
                progress("pixels", number + 1, len(rows))


def _pixels(row: Prepared, data: bytes, rules: Mapping[str, Any]) -> NDArray[np.uint8]:
    try:
        pixels = resize(decode(data, int(rules["max_pixels"])), int(rules["size"]))
    except Undecodable as error:
        raise Untrusted(
            f"image {row.sha256.hex()} could be read before, but is now {error}", code="pixels_differ"
        ) from error
    if pixels_digest(pixels) != row.pixels:
        raise Untrusted(
            f"image {row.sha256.hex()} decodes to different pixels here than during preprocessing", code="pixels_differ"
        )
    return pixels
