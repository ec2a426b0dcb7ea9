"""What the home page shows: how much is here, the newest releases, runs in work."""

from __future__ import annotations

from typing import Any

from registry.catalog.queries import counts, releases, runs
from registry.workflows.parts import Parts

NEWEST = 5


def home_page(parts: Parts) -> dict[str, Any]:
    """``counts`` by noun, ``releases`` (newest first), ``runs`` that are queued or running."""
    with parts.catalog.read() as db:
        known, by_status = counts.known(db), counts.runs_by_status(db)
        newest, _ = releases.list_releases(db, limit=NEWEST)
        recent, _ = runs.list_runs(db, limit=50)
    return {
        "counts": {
            "images": known["images"],
            "snapshots": known["snapshots"],
            "runs": sum(by_status.values()),
            "releases": known["releases"],
        },
        "newest": newest,
        "in_work": [one for one in recent if one["status"] in ("queued", "running")][:NEWEST],
    }
