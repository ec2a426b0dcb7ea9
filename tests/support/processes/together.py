"""Processes of their own that begin at the same moment, quickly started: what they import is loaded once."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any

SECONDS = 120
START = multiprocessing.get_context("forkserver")
START.set_forkserver_preload(
    [
        "registry.assembly",
        "registry.workflows.log.append",
        "registry.catalog.transactions",
        "tests.provenance.test_ethereum",
    ]
)


def together(*work: tuple[Callable[..., None], tuple[Any, ...]]) -> list[int | None]:
    """Call each with its arguments and a barrier, on which all wait before they begin; their exit codes."""
    gate = START.Barrier(len(work))
    processes = [START.Process(target=function, args=(*given, gate)) for function, given in work]
    for process in processes:
        process.start()
    for process in processes:
        process.join(SECONDS)
    return [process.exitcode for process in processes]
