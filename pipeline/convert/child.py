"""The converting process: ``python -m pipeline.convert.child FILE OUT``; with a folder of weights it checks them alone.

See the package for what it may do.
"""

from __future__ import annotations

import hashlib
import os
import resource
import sys
from pathlib import Path
from typing import Any

from registry.core.errors import EmotionetError

MEMORY, CPU_SECONDS, FILE_BYTES = 6 << 30, 600, 1 << 30
_FORBIDDEN = frozenset(
    {
        *("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"),
        *("socket.gethostbyname", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"),
        *("os.fork", "os.forkpty", "pty.spawn", "ctypes.dlopen", "os.kill", "os.killpg", "os.chmod", "os.chown"),
        *("os.link", "os.symlink", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.mkdir", "shutil.rmtree"),
    }
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def bound() -> None:
    """Limits that this process can't lift again in what it does."""
    for what, most in (
        (resource.RLIMIT_DATA, MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def guard(out: Path) -> None:
    """From here on nothing is sent, started, or written outside ``out``. An audit hook can't be taken away."""
    home = f"{out.resolve()}/"

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _FORBIDDEN:
            raise PermissionError(f"{event} is not allowed in the converter")
        if event == "open" and not isinstance(arguments[0], int) and arguments[2] & _WRITING:
            path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100  pathlib is no part of what is guarded
            if not path.startswith((home, "/dev/")):
                raise PermissionError("the converter may write only into its own folder")

    sys.addaudithook(hook)


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
    bound()
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
