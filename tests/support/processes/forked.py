"""Modules run as programs in processes of their own that find torch and ultralytics loaded: loading takes four seconds.

One process loads them, with nothing of a test in its environment, and is forked for every program; it computes nothing
itself, so that a fork finds no thread and no random state of another. What a program says comes back as of a
``subprocess.run``. At least one test of each kind starts a new interpreter instead, and holds its result against these.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[3]
LOADED = (
    "pipeline.yolo.fold",
    "pipeline.yolo.trainer",
    "pandas",
    "torch._dynamo",
    "torch._inductor.config",
    "torchvision",
    "onnx",
)


def new_interpreter(
    module: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """``python -m module arguments`` in a folder, as a process that loads everything itself."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


class Server:
    """The process that is forked. Ends with this one, or when nobody holds its stdin."""

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="emotionet-forked-")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.processes.forked"],
            cwd=self._home.name,
            env={**os.environ, "HOME": self._home.name, "TMPDIR": self._home.name, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self._end)

    def _end(self) -> None:
        self._process.communicate()
        self._home.cleanup()

    def run(
        self, module: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """The same in a fork; it is killed after ``timeout`` seconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory(prefix="emotionet-said-") as place:
            out, err = Path(place, "out"), Path(place, "err")
            asked = {
                "module": module,
                "arguments": list(arguments),
                "folder": str(folder),
                "environment": dict(environment),
                "timeout": int(timeout),
                "out": str(out),
                "err": str(err),
            }
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            status = int(self._process.stdout.readline())
            return subprocess.CompletedProcess([module, *arguments], status, out.read_text(), err.read_text())


@cache
def server() -> Server:
    """The one of this process."""
    return Server()


def _become(asked: Mapping[str, Any]) -> NoReturn:
    """Be the program: in the fork."""
    import signal
    import traceback

    status = 1
    try:
        for number, name in ((1, "out"), (2, "err")):
            opened = os.open(asked[name], os.O_WRONLY | os.O_CREAT, 0o600)
            os.dup2(opened, number)
            os.close(opened)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.clear()
        os.environ.update(asked["environment"])
        tempfile.tempdir = None
        os.chdir(asked["folder"])
        signal.alarm(asked["timeout"])
        sys.argv = [asked["module"], *asked["arguments"]]
        importlib.import_module(asked["module"]).main()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def serve() -> None:
    """Load everything, then fork for each line of stdin, and say on stdout how it ended."""
    import warnings

    told = os.dup(1)
    os.dup2(2, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in LOADED:
            importlib.import_module(name)
    gc.freeze()  # ultralytics looks for cycles several times a training: in none of the modules
    for line in sys.stdin:
        asked = json.loads(line)
        process = os.fork()
        if not process:
            _become(asked)
        _, status = os.waitpid(process, 0)
        os.write(told, f"{os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    serve()
