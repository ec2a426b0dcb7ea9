"""Heavy work in processes of their own, which leave the processor to those who answer quickly.

Invariants: an answer is the same wherever it is computed, and an error of the work is raised here. At most ``AT_ONCE``
computations are under way; who comes then is told to come again. The same question that is asked while it is answered
is answered once; nothing is kept after that, because what the store holds may be damaged without a word. A process that
ends early costs its own answer alone. All end with the process that started them. What is pickled passes between this
program's own processes alone.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from registry.api.problems import HttpProblem
from registry.assembly import Home, open_home
from registry.core.errors import EmotionetError, Unavailable

AT_ONCE = 2
NICE = 10  # of 19: a tenth of a processor's time where somebody else wants it
_slots = threading.BoundedSemaphore(AT_ONCE)
Key = tuple[Any, ...]


@contextmanager
def computation_slot() -> Iterator[None]:
    """One of the slots, shared by all clients, for computations of seconds that need no token. ``HttpProblem`` if none
    is free.
    """
    if not _slots.acquire(timeout=1):
        raise HttpProblem(503, "other audits are under way: try again in a moment", headers={"Retry-After": "10"})
    try:
        yield
    finally:
        _slots.release()


class _Process:
    """One of the others: takes a function with its values, gives what came of it."""

    def __init__(self) -> None:
        command = [sys.executable, "-P", "-m", "registry.api.serving.computing"]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - this program

    def ask(self, question: bytes) -> tuple[bool, Any]:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        try:
            self._child.stdin.write(question)
            self._child.stdin.flush()
            done, value = pickle.load(self._child.stdout)  # noqa: S301 - of this program's own process
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            self.end()
            raise Unavailable("the computation ended early: try again", code="computation_ended") from error
        return bool(done), value

    def lives(self) -> bool:
        return self._child.poll() is None

    def end(self) -> None:
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class Computing:
    """Where heavy work is done: here, until ``use_processes``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._elsewhere = False
        self._idle: list[_Process] = []
        self._under_way: dict[Key, Future[Any]] = {}

    def use_processes(self) -> None:
        """Compute in processes from now on; each is started when it is needed."""
        self._elsewhere = True

    def run(self, home: Home, work: Callable[..., Any], *given: Any) -> Any:
        """``work(home, *given)``: a module's function, whose values and answer can be pickled. Takes no slot."""
        question = pickle.dumps((work, given))
        if not self._elsewhere:
            return work(home, *given)
        with self._lock:
            process = self._idle.pop() if self._idle else None
        if process is None or not process.lives():
            process = _Process()
        done, value = process.ask(question)
        with self._lock:
            self._idle.append(process)
        if not done:
            raise value
        return value

    def once(self, key: Key, answer: Callable[[], Any]) -> Any:
        """``answer()``, asked once by all who ask under a key while it is answered; its error is told to all of them.

        Whoever would take no older answer names in the key what it depends on.
        """
        with self._lock:
            waited_for = self._under_way.get(key)
            mine = Future[Any]() if waited_for is None else waited_for
            self._under_way[key] = mine
        if waited_for is not None:
            return waited_for.result()
        try:
            mine.set_result(answer())
        except BaseException as error:
            mine.set_exception(error)
        finally:
            with self._lock:
                self._under_way.pop(key, None)
        return mine.result()

    def close(self) -> None:
        """End the processes that do nothing now, and be again as at the beginning."""
        with self._lock:
            ending, self._idle, self._elsewhere = self._idle, [], False
        for process in ending:
            process.end()


computing = Computing()


def _answered(home: Home, question: tuple[Callable[..., Any], tuple[Any, ...]]) -> bytes:
    work, given = question
    try:
        return pickle.dumps((True, work(home, *given)))
    except EmotionetError as error:
        error.__cause__ = error.__context__ = None
        return pickle.dumps((False, error))
    except Exception as error:  # a defect: told in the log of who asked
        return pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))


def _child() -> None:
    asked, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed is no answer
    os.nice(NICE)
    home = open_home()
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while True:
            answers.write(_answered(home, pickle.load(asked)))  # noqa: S301 - from the process that started this one
            answers.flush()
    home.close()


if __name__ == "__main__":
    _child()
