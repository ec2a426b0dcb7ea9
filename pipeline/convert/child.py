"""The converting process: ``python -m pipeline.convert.child FILE OUT``; with a folder of weights it checks them alone.

See the package for what it may do.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from registry.confined import bound, guard
from registry.core.errors import EmotionetError

MEMORY, CPU_SECONDS = 6 << 30, 600


def convert(given: Path, out: Path) -> None:
    """Write weights.safetensors and model.json into ``out``."""
    from pipeline.convert import onnx_file, torch_file
    from pipeline.weights import MODEL, WEIGHTS, Origin, save_weights
    from pipeline.yolo.model import build_model  # what loads libraries comes before the guard

    reader = onnx_file if given.suffix == ".onnx" else torch_file
    reader.load_libraries()
    guard(out)
    found = reader.read(given, build_model)
    origin = Origin(
        format=given.suffix.removeprefix("."),
        sha256=hashlib.sha256(given.read_bytes()).hexdigest(),
        licence=found.licence,
        batchnorm=found.batchnorm,
    )
    files, _ = save_weights(found.tensors, found.architecture, found.names, found.imgsz, origin)
    for name in (WEIGHTS, MODEL):
        (out / name).write_bytes(files[name])


def check(given: Path) -> None:
    """``Untrusted`` unless the folder's tensors are those of the architecture and the classes that it states."""
    from pipeline.weights import MODEL, WEIGHTS, load_weights
    from pipeline.yolo.model import load_model

    guard(given)
    tensors, architecture, names, _ = load_weights({name: (given / name).read_bytes() for name in (WEIGHTS, MODEL)})
    load_model(tensors, architecture, names, threads=1)


def main(arguments: list[str]) -> int:
    """Exit 0 with both files written, or 1 and one line why not; 3 where a library is missing."""
    bound(MEMORY, CPU_SECONDS)
    given = Path(arguments[0])
    try:
        if given.is_dir():
            check(given)
        else:
            convert(given, Path(arguments[1]))
    except ModuleNotFoundError as error:
        print(f"{error.name} is not installed: pip install 'emotionet[onnx]'", file=sys.stderr)
        return 3
    except MemoryError:
        print("it needs more memory than the converter may use", file=sys.stderr)
        return 1
    except EmotionetError as error:
        print(f"{error}".splitlines()[0][:400], file=sys.stderr)
        return 1
    except Exception as error:  # a hostile file makes its reader raise whatever it likes
        print(f"{type(error).__name__}: {error}".splitlines()[0][:400], file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(
        status
    )  # what libraries would tidy up is not allowed in the converter, and would hide the reason: its folder goes
