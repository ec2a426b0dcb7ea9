"""Python imports this when it starts, in every process whose PYTHONPATH names this folder: modules are not there.

EMOTIONET_TEST_MISSING names them, apart by commas: what an installation without extras would not have.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

MISSING = frozenset(os.environ.get("EMOTIONET_TEST_MISSING", "").split(","))
_real = PathFinder.find_spec


def _find(name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
    return None if name.partition(".")[0] in MISSING else _real(name, path, target)


PathFinder.find_spec = staticmethod(_find)  # type: ignore[method-assign, assignment]
