"""Work that takes longer than a page may: done in threads of this process, watched by the page that began it.

Invariants: work under one key is under way once; how many tasks work at a time, and how many ended ones are
remembered, is bounded. A task ends with its process, which does not wait for it: what it does must leave nothing half
done.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from typing import Any

from litestar import Response

from registry.api.pages.base.common import html, redirect
from registry.api.pages.base.session import AnyRequest
from registry.api.problems import HttpProblem

AT_ONCE = 2
REMEMBERED = 200  # tasks that ended
WAITING = 20  # tasks that have not ended, at most
PATIENCE = 4.0  # seconds that a page waits for what is mostly quick


class Task:
    """``about``: what the page that watches it needs."""

    def __init__(self, key: str, about: Any, future: Future[Any]) -> None:
        self.key, self.about, self._future = key, about, future

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._future.done()

    def ended_within(self, seconds: float) -> bool:
        """Whether the task ends within ``seconds``; waits no longer."""
        try:
            self._future.exception(seconds)
        except NotYet:
            return False
        return True

    def result(self) -> Any:
        """What came of it; its error is raised. Only of one that is ``done``."""
        return self._future.result(0)

    def error(self) -> BaseException | None:
        """Why it failed; None where it did not. Only of one that is ``done``."""
        return self._future.exception(0)


def ended_task(request: AnyRequest, key: str, address: str, template: str) -> Task | Response[Any]:
    """The task with this key, which has ended; else what to answer: a page of ``template`` whose ``state`` is unknown
    or working, or for a form the way to that page, ``address``/``key``."""
    task: Task | None = request.app.state.tasks.get(key)
    if task is None or task.about is None:
        return html(request, template, status=404, state="unknown")
    if task.done:
        return task
    if request.method == "POST":
        return redirect(request, f"{address}/{key}")
    return html(request, template, state="working")


class Tasks:
    """The tasks of one application."""

    def __init__(self) -> None:
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._tasks: OrderedDict[str, Task] = OrderedDict()

    def begin(self, work: Callable[[], Any], *, key: str | None = None, about: Any = None) -> Task:
        """Do this, unless the same key is under way. ``HttpProblem`` 503 where too much is."""
        key = key or secrets.token_urlsafe(9)
        with self._lock:
            known = self._tasks.get(key)
            if known is not None and not known.done:
                return known
            if sum(not one.done for one in self._tasks.values()) >= WAITING:
                raise HttpProblem(503, "too much is under way: try again in a moment", headers={"Retry-After": "30"})
            future: Future[Any] = Future()
            task = Task(key, about, future)
            self._tasks[key] = task
            self._tasks.move_to_end(key)
            self._forget()
        threading.Thread(target=self._work, args=(work, future), name=f"task {key}", daemon=True).start()
        return task

    def _work(self, work: Callable[[], Any], future: Future[Any]) -> None:
        with self._slots:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

    def get(self, key: str) -> Task | None:
        """A task by its key; None for one that ended long ago, or never was."""
        with self._lock:
            return self._tasks.get(key)

    def _forget(self) -> None:
        ended = [key for key, task in self._tasks.items() if task.done]
        for key in ended[: max(0, len(ended) - REMEMBERED)]:
            del self._tasks[key]
