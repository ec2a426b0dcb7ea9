"""Steps of a run that would each start a process, done in this one: for tests of what a run leaves, not of processes.

A child takes most of a second to start, and a release has three. What it computes is the same: it gets the same text
and its parts are opened anew (``test_children.py`` holds both against each other). Whoever tests how children are
started, stopped or killed uses real ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from registry.assembly import open_home
from registry.jobs.engines import local
from registry.workflows.audit import rerun
from registry.workflows.audit.rerun_child import WORK
from registry.workflows.training.steps import IN_CHILD


def _run(
    kind: str,
    spec: Mapping[str, Any],
    folder: Path,
    check: Callable[[], None],
    report: Callable[[Mapping[str, Any]], None],
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    assert not environment
    folder.mkdir(parents=True, exist_ok=True)

    def tell(document: Mapping[str, Any]) -> None:
        check()
        if document:
            report(json.loads(json.dumps(document)))

    check()
    home = open_home()
    try:
        return dict(json.loads(json.dumps(IN_CHILD[kind](home, json.loads(json.dumps(dict(spec))), folder, tell))))
    finally:
        home.close()


def in_this_process(patch: pytest.MonkeyPatch) -> None:
    """From here on children of the local engine are calls."""
    patch.setattr(local, "run_child", _run)


def _rerun(
    kind: str,
    spec: Mapping[str, Any],
    folder: Path,
    check: Callable[[], None],
    report: Callable[[Mapping[str, Any]], None],
) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)

    def tell(document: Mapping[str, Any]) -> None:
        check()
        if document:
            report(json.loads(json.dumps(document)))

    return dict(json.loads(json.dumps(WORK[kind](json.loads(json.dumps(dict(spec))), folder, tell))))


def rerun_in_this_process(patch: pytest.MonkeyPatch) -> None:
    """From here on the children of audits are calls."""
    patch.setattr(rerun, "run_child", _rerun)
