"""Where the steps of a run are computed: on this machine (``local``) or on a cluster (``ray``).

An engine starts child processes (``registry.jobs.child``) and passes on what they say. CIDs go in and come out; what
they name lies in the store that all of them reach. It knows nothing of the catalog, the queue or of training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

NAMES = ("local", "ray")


@dataclass(frozen=True)
class Needs:
    """What one child takes while it runs. ``memory`` in bytes."""

    memory: int = 0
    threads: int = 1


class Engine(Protocol):
    """Runs children, each to its end."""

    shards: int  # parts into which the work on many images is worth splitting; 1: do it in your own process

    def run(
        self,
        kind: str,
        spec: Mapping[str, Any],
        folder: Path,
        needs: Needs,
        check: Callable[[], None],
        report: Callable[[Mapping[str, Any]], None],
    ) -> dict[str, Any]:
        """The result of ``emotionet _child KIND`` with ``spec``, in ``folder``.

        ``check`` may raise to stop it. ``Unavailable`` if it was lost and may be tried again.
        """
        ...
