"""A step of a run in its own process: CIDs in, CIDs out.

The parent starts ``emotionet _child KIND SPEC`` in a new process group and reads JSON lines from its stdout (progress,
then one result). It ends the group with SIGTERM, then SIGKILL. The child uses the store and its own work folder, never
the catalog, and ends when its parent does. Only one child at a time works in a folder: if two workers both believe that
they hold a job, the child with the newer token stays and the other is ended (``folder_lock``).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from registry.core.errors import Conflict, EmotionetError, InvalidInput, NotFound, Unavailable, Untrusted, not_written
from registry.jobs.capacity import oom_kills
from registry.jobs.folder_lock import locked_folder

Report = Callable[[Mapping[str, Any]], None]
_KINDS: Mapping[str, type[EmotionetError]] = {
    kind.__name__: kind for kind in (Conflict, EmotionetError, InvalidInput, NotFound, Unavailable, Untrusted)
}
GRACE_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
# glibc keeps what torch gives back and takes again with each batch (a tenth faster), in pages of 2 MiB where the kernel
# gives them on advice (a twentieth): the same bits. Measured by bench/training.py.
MALLOC = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "-1",
    "MALLOC_TOP_PAD_": "67108864",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
ERROR = "emotionet: error: "  # what a command's error begins with; its hint may follow
LOG_TAIL = 4000  # characters of the child's stderr that a failure quotes at most


def _lines(stream: IO[str], lines: queue.SimpleQueue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    """End the child's whole process group: TERM, then KILL."""
    for sign, wait in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(wait)
            return


def failure(document: Mapping[str, Any]) -> EmotionetError:
    """The error that a child's last line tells of."""
    kind = _KINDS.get(str(document.get("kind")), EmotionetError)
    hint = document.get("hint")
    return kind(
        str(document["error"]), code=str(document.get("code", "fold_failed")), hint=None if hint is None else str(hint)
    )


def run_child(
    kind: str,
    spec: Mapping[str, Any],
    folder: Path,
    check: Callable[[], None],
    report: Report,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run one child process to its end in ``folder``, made if need be; returns its result document.

    ``check`` is called several times a second and may raise to stop the child; ``report`` gets each
    progress document. The child's stderr goes to ``log.txt``.
    """
    log = folder / "log.txt"
    process = _start(kind, spec, folder, log, environment or {})
    try:
        result = _follow(process, log, check, report)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)  # it puts its own things away
        return result
    finally:
        _end(process)
        if process.stdout:
            process.stdout.close()


def _start(
    kind: str, spec: Mapping[str, Any], folder: Path, log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[str]:
    given = folder / f"spec-{int(spec.get('token', 0))}.json"  # two holders of a job never write one file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        given.write_text(json.dumps(dict(spec)), encoding="utf-8")
        stderr = log.open("a", encoding="utf-8")
    except OSError as error:
        raise not_written(folder, error) from error
    # -P: the current folder, somebody's data as a rule, is no place to take modules from
    command = [sys.executable, "-P", "-m", "registry.cli.main", "_child", kind, str(given)]
    with stderr:
        return subprocess.Popen(  # noqa: S603  our own interpreter, arguments made here
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
            # what a kill leaves behind lies in the folder
            env={**os.environ, **MALLOC, "EMOTIONET_TRACEBACK": "1", "TMPDIR": str(folder), **environment},
        )


def _follow(process: subprocess.Popen[str], log: Path, check: Callable[[], None], report: Report) -> dict[str, Any]:
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    killed_before = oom_kills()
    assert process.stdout is not None
    threading.Thread(target=_lines, args=(process.stdout, lines), daemon=True).start()
    while True:
        check()
        try:
            line = lines.get(timeout=0.25)
        except queue.Empty:
            continue
        if line is None:
            status = process.wait()
            if status == -signal.SIGKILL and oom_kills() > killed_before:
                raise EmotionetError("the system ended its process because memory ran out", code="out_of_memory")
            raise Unavailable(f"its process ended with status {status} before it gave a result: {_end_of_log(log)}")
        document: dict[str, Any] = json.loads(line)
        if "error" in document:
            raise failure(document)
        if "result" in document:
            return dict(document["result"])
        report(document)


def _end_of_log(log: Path) -> str:
    """The error that a child's log ends with, or else its last line."""
    tail = log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:].strip().splitlines()
    told = [line.removeprefix(ERROR) for line in tail[-2:] if line.startswith(ERROR)]
    return told[-1] if told else tail[-1] if tail else "it said nothing"


def child(stdout: IO[str], folder: Path, work: Callable[[Report], Mapping[str, Any]], token: int = 0) -> int:
    """The child's frame: holds the folder, runs ``work(report)``, writes its result or error as the last line.

    ``token``: the job's ``fence``, 0 for what belongs to no job.
    """

    def write(document: Mapping[str, Any]) -> None:
        if not document:  # a sign of life; whoever wants to stop us sends a signal
            return
        stdout.write(json.dumps(document, sort_keys=True) + "\n")
        stdout.flush()

    try:
        with locked_folder(folder, token):
            write({"result": dict(work(write))})
    except EmotionetError as error:
        write(error_document(error))
        return 1
    return 0


def error_document(error: EmotionetError) -> dict[str, str | None]:
    """An error as a line that ``failure`` understands."""
    return {"error": str(error), "code": error.code, "hint": error.hint, "kind": type(error).__name__}


def end_with_parent() -> None:
    """Ask Linux to kill this process when its parent dies: nobody would read what it says."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
