"""One fold, in a process of its own: CIDs in, CIDs out.

The parent starts ``emotionet _fold SPEC`` in a process group of its own, reads JSON lines from its
stdout (progress, then one result) and ends it by TERM, then KILL. The child touches the store and
its own work folder, never the catalog.
"""

from __future__ import annotations

import contextlib
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

from registry.core.errors import EmotionetError, InvalidInput, NotFound, Unavailable, Untrusted

_KINDS: Mapping[str, type[EmotionetError]] = {
    kind.__name__: kind for kind in (EmotionetError, InvalidInput, NotFound, Unavailable, Untrusted)
}
GRACE_SECONDS = 5.0
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


def _failure(document: Mapping[str, Any]) -> EmotionetError:
    kind = _KINDS.get(str(document.get("kind")), EmotionetError)
    return kind(str(document["error"]), code=str(document.get("code", "fold_failed")))


def run_child(
    spec: Path,
    log: Path,
    check: Callable[[], None],
    report: Callable[[Mapping[str, Any]], None],
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run one fold's child process to its end; returns its result document.

    ``check`` is called several times a second and may raise to stop the child; ``report`` gets each
    progress document. The child's stderr goes to ``log``.
    """
    command = [sys.executable, "-m", "registry.cli.main", "_fold", str(spec)]
    with log.open("a", encoding="utf-8") as stderr:
        process = subprocess.Popen(  # noqa: S603  our own interpreter, arguments made here
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(spec.parent), **(environment or {})},  # what a kill leaves lies there
        )
    try:
        result = _follow(process, log, check, report)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)  # it puts its own things away
        return result
    finally:
        _end(process)
        if process.stdout:
            process.stdout.close()


def _follow(
    process: subprocess.Popen[str], log: Path, check: Callable[[], None], report: Callable[[Mapping[str, Any]], None]
) -> dict[str, Any]:
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
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
            tail = log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:].strip().splitlines()
            last = tail[-1] if tail else "it said nothing"
            raise Unavailable(f"the fold's process ended with status {status} before its result: {last}")
        document: dict[str, Any] = json.loads(line)
        if "error" in document:
            raise _failure(document)
        if "result" in document:
            return dict(document["result"])
        report(document)


def child(stdout: IO[str], work: Callable[[Callable[[Mapping[str, Any]], None]], Mapping[str, Any]]) -> int:
    """The child's frame: runs ``work(report)`` and writes its result or its error as the last line."""

    def write(document: Mapping[str, Any]) -> None:
        if not document:  # a sign of life; whoever wants to stop us sends a signal
            return
        stdout.write(json.dumps(document, sort_keys=True) + "\n")
        stdout.flush()

    try:
        write({"result": dict(work(write))})
    except EmotionetError as error:
        write({"error": str(error), "code": error.code, "kind": type(error).__name__})
        return 1
    return 0
