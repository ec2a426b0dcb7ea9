"""Processes of their own, quickly started: what they import is loaded once, in the process that they are forked from.

Python has one such process for all, and only what it is told to load before its first fork is loaded: so every module
of tests whose functions such a process calls stands here.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any

SECONDS = 120
START = multiprocessing.get_context("forkserver")
START.set_forkserver_preload(
    [
        "tests.catalog.test_database",
        "tests.content.stores.test_crash",
        "tests.e2e.test_two_homes",
        "tests.e2e.test_two_processes",
        "tests.jobs.test_queue",
        "tests.provenance.test_journal",
        "tests.provenance.test_two_senders",
        "tests.workflows.backup.test_killed_backup",
        "tests.workflows.follow.test_killed_following",
        "tests.workflows.store.test_killed_rebuild",
        "tests.workflows.test_steps_of_snapshots",
    ]
)


def alone(function: Callable[..., None], *given: Any) -> int | None:
    """Call it in a process of its own; the exit code."""
    process = START.Process(target=function, args=given)
    process.start()
    process.join(SECONDS)
    return process.exitcode


def together(*work: tuple[Callable[..., None], tuple[Any, ...]]) -> list[int | None]:
    """Call each with its arguments and a barrier, on which all wait before they begin; their exit codes."""
    gate = START.Barrier(len(work))
    processes = [START.Process(target=function, args=(*given, gate)) for function, given in work]
    for process in processes:
        process.start()
    for process in processes:
        process.join(SECONDS)
    return [process.exitcode for process in processes]
