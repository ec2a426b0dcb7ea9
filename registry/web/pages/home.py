"""What the home page and the search show: how much is here, the newest releases with their verdicts, runs in work."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from registry.catalog.queries import counts
from registry.catalog.queries.labeled_images import image_counts
from registry.catalog.queries.signed_records import releases
from registry.catalog.queries.training_runs import runs
from registry.catalog.schema import derived
from registry.workflows.names.references import names_of
from registry.workflows.parts import Parts
from registry.workflows.releases.verdicts import with_verdicts
from registry.workflows.store.search_catalog import search_catalog
from registry.workflows.withdrawals.withdrawn import withdrawals_by

NEWEST = 5
_PAGES = {"image": "images", "snapshot": "snapshots", "release": "releases", "run": "runs"}
_FILTERS = ("label", "contributor", "licence")


def home_page(parts: Parts) -> dict[str, Any]:
    """``counts`` by noun, ``newest`` releases, runs that are ``in_work``, and whether the registry is ``empty``."""
    with parts.catalog.read() as db:
        listed = image_counts.images(db, "listed")  # kept, where counting a million rows would take a while
        snapshots, published = counts.rows_of(db, derived.snapshots, derived.releases)
        by_status = counts.runs_by_status(db)
        newest, _ = releases.list_releases(db, limit=NEWEST)
        given = names_of(parts, db, [one["cid"] for one in newest])
        working = runs.in_work(db, NEWEST)
    back = withdrawals_by(parts, newest)
    shown = {
        "images": listed,
        "snapshots": snapshots,
        "runs": sum(by_status.values()),
        "releases": published,
    }
    return {
        "counts": shown,
        "newest": [
            {**one, "names": given.get(one["cid"], [])}
            for one in with_verdicts(parts, [{**one, "withdrawn": back.get(one["cid"], [])} for one in newest])
        ],
        "in_work": [{**one, "share": _share(one)} for one in working],
        "empty": not any(shown.values()),
    }


def _share(run: dict[str, Any]) -> int:
    """How much of a run's folds is done, in per cent."""
    done = [1.0 if one["status"] == "completed" else 0.0 for one in run["folds"]]
    return round(100 * sum(done) / len(done)) if done else 0


def address(hit: dict[str, Any]) -> str:
    """The page of what was found."""
    kind, name = hit["kind"], str(hit["id"])
    if kind in _PAGES:
        return f"/{_PAGES[kind]}/{quote(name, safe='')}"
    if kind in _FILTERS:
        return f"/images?{urlencode({kind: name})}"
    if kind == "name" and "of" in hit:  # else it is the record that says the name
        return address({"kind": hit["of"], "id": hit["target"]})
    if kind == "run_of":
        return address({"kind": "run", "id": hit["run"]})
    return f"/lineage/{quote(name, safe='')}"


def search_page(parts: Parts, text: str) -> dict[str, Any]:
    """What a text finds, each hit with its ``address``."""
    found = search_catalog(parts, text)
    return {
        "query": found["query"],
        **{part: [{**one, "address": address(one)} for one in found[part]] for part in ("exact", "words")},
    }
