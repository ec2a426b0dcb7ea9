"""Base weights from a user's file: a folder or file of safetensors, an ONNX or a .pt, converted to safetensors.

Invariants: a child process reads every file, with bounded memory, time and file sizes, without our environment, and
with an audit hook that refuses sockets, other programs and files outside its folder. No pickle decides what is called
(``torch_file``). The result is checked like any stranger's safetensors. Weights that are not exactly those of the
architecture that they state are refused, so nothing is left out silently.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pipeline.weights import MAX_FILE, MODEL, WEIGHTS, read_model, read_origin
from registry.core import tensors
from registry.core.errors import EmotionetError, InvalidInput, Unavailable, Untrusted

KINDS = (".onnx", ".pt")
SECONDS = 600
_MISSING = 3  # the child's exit code where a library is not installed


def read_base(path: Path) -> dict[str, bytes]:
    """The files of a weights directory (safetensors and model.json) from what lies at ``path``.

    A folder with both, a safetensors file with model.json beside it, or an ONNX or .pt file, which is
    converted. ``InvalidInput`` for anything else, ``Untrusted`` for a file that is not what it claims; whether the
    tensors are those of the architecture that they state is for ``check`` to say.
    """
    if path.is_dir():
        return _both(path / WEIGHTS, path / MODEL)
    if path.suffix == ".safetensors":
        return _both(path, path.with_name(MODEL))
    if path.suffix not in KINDS:
        raise InvalidInput(
            f"{path} is not a weights file", hint="give a folder, a .safetensors, an .onnx or a .pt file."
        )
    return _converted(path)


def check(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The two files of a weights directory, if they are all that they state. ``Untrusted`` otherwise."""
    missing = [name for name in (WEIGHTS, MODEL) if name not in files]
    if missing:
        raise InvalidInput(f"these weights have no {missing[0]}: base weights are {WEIGHTS} and {MODEL} side by side")
    _stated(dict(files))
    with tempfile.TemporaryDirectory(prefix="emotionet-convert-") as folder:
        for name in (WEIGHTS, MODEL):
            (Path(folder) / name).write_bytes(files[name])
        _run(Path(folder), Path(folder))
    return {name: files[name] for name in (WEIGHTS, MODEL)}


def _both(weights: Path, model: Path) -> dict[str, bytes]:
    return _stated({WEIGHTS: _bytes(weights), MODEL: _bytes(model)})


def _stated(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files, if what they state of themselves is possible."""
    tensors.read(files[WEIGHTS])
    read_model(files[MODEL])
    read_origin(files[MODEL])
    return files


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as handle:
            data = handle.read(MAX_FILE + 1)
    except OSError as error:
        raise InvalidInput(
            f"{path} can't be read ({error.strerror}): base weights are {WEIGHTS} and {MODEL} side by side"
        ) from error
    if len(data) > MAX_FILE:
        raise Untrusted(
            f"{path} is larger than {MAX_FILE >> 20} MiB: weights of this method are smaller", code="too_large"
        )
    return data


def _converted(path: Path) -> dict[str, bytes]:
    data = _bytes(path)
    with tempfile.TemporaryDirectory(prefix="emotionet-convert-") as folder:
        given = Path(folder) / f"given{path.suffix}"
        given.write_bytes(data)
        out = Path(folder) / "out"
        out.mkdir()
        _run(given, out)
        return _both(out / WEIGHTS, out / MODEL)


def _run(given: Path, out: Path) -> None:
    """The child, to its end. ``Unavailable`` where a library is missing, ``Untrusted`` with what it says."""
    done = _child(given, out)
    if not done.returncode:
        return
    said = done.stderr.strip().splitlines()
    reason = said[-1][:500] if said else f"its reader ended with status {done.returncode}"
    if done.returncode == _MISSING:
        raise Unavailable(reason)
    raise Untrusted(f"these base weights can't be used: {reason}", code="hostile_weights")


def _child(given: Path, out: Path) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).resolve().parents[2])
    try:
        return subprocess.run(  # noqa: S603  our own interpreter, arguments made here
            [sys.executable, "-P", "-m", "pipeline.convert.child", str(given), str(out)],
            cwd=out,
            env={"PATH": os.defpath, "PYTHONPATH": root, "HOME": str(out), "TMPDIR": str(out), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        raise Untrusted(f"{given.name} took more than {SECONDS} s to read", code="hostile_weights") from error
    except OSError as error:
        raise EmotionetError(f"the converter can't be started: {error.strerror}") from error
