"""A run watched on a terminal: this process shows its events as they come and works its jobs meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from registry.cli.output import Output, plain
from registry.cli.texts.events import epoch_text, fold_name, step_text, trouble_text
from registry.core.errors import Cancelled

if TYPE_CHECKING:
    from registry.assembly import Home
    from registry.cli.progress import Bars


def work_until_ended(opened: Home, run: str, output: Output) -> None:
    """Work a run's jobs in this process, with progress bars, until none is left. An error that ends the work is raised.

    Ctrl-C stops the run where it is: ``Cancelled``, with the command that resumes it.
    """
    from registry.workflows.runs.control_run import leave

    try:
        _work(opened, run, output)
    except KeyboardInterrupt as error:
        leave(opened, run)
        raise Cancelled(
            f"run {run} was stopped; its finished work is kept",
            code="stopped",
            hint=f"`emotionet runs resume {run}` continues it.",
        ) from error


def _work(opened: Home, run: str, output: Output) -> None:
    from concurrent.futures import ThreadPoolExecutor

    bars = output.progress()
    worker = opened.worker()
    thread = ThreadPoolExecutor(1, thread_name_prefix="worker")
    working = thread.submit(worker.work, run)
    try:
        for event in events(opened, run, lambda: not working.done()):
            draw_event(bars, event)
        working.result()
    except BaseException:
        worker.stopping.set()  # the jobs go back to the queue: `runs resume` takes them up
        raise
    finally:
        thread.shutdown()
        bars.close()


def events(opened: Home, run: str, alive: Any) -> Iterator[dict[str, Any]]:
    """A run's events as they come, while ``alive()``."""
    after, last_round = 0, False
    while True:
        with opened.catalog.read() as db:
            found = opened.queue.events(db, run, after, 500)
        for event in found:
            after = event["seq"]
            yield event
        if last_round and not found:
            return
        last_round = not alive()
        if not found:
            time.sleep(0.2)


def draw_event(bars: Bars, event: dict[str, Any]) -> None:
    """Move the bar that an event is about, or print the event's line."""
    data = event["data"]
    if event["kind"] == "progress":
        bars(plain(data["what"]), data["done"], data["total"])
    elif event["kind"] == "fold" and "epoch" in data:
        bars(fold_name(data["fold"]), data["epoch"], data["epochs"], plain(epoch_text(data)))
    elif (text := trouble_text(event)) is not None:
        bars.say(plain(text))
    elif event["kind"] == "step":
        bars.word(step_text(data))
