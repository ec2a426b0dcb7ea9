"""Children of this process, side by side as far as memory goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from registry.jobs.capacity import MemoryBudget
from registry.jobs.child import run_child
from registry.jobs.engines import Needs


class LocalEngine:
    """This machine."""

    shards = 1

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget

    def run(
        self,
        kind: str,
        spec: Mapping[str, Any],
        folder: Path,
        needs: Needs,
        check: Callable[[], None],
        report: Callable[[Mapping[str, Any]], None],
    ) -> dict[str, Any]:
        """Run it here, as soon as there is room for it."""
        with self._budget.take(needs.memory, check):
            return run_child(kind, spec, folder, check, report)
