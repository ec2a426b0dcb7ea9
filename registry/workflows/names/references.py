"""The names of things, as documents and lists show them.

Invariants: NAME is what this home's issuer calls a thing now, NAME@2 what it once called so, 0x…/NAME what another
issuer calls it now. A name that is written so here leads back to the thing (``resolve``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from registry.catalog.database.database import Connection
from registry.catalog.queries.signed_records import names
from registry.core.issuers import DID_PREFIX
from registry.workflows.local_issuers import local_issuers
from registry.workflows.parts import Parts


def reference(row: Mapping[str, Any], own: Collection[str]) -> str:
    """How a row of ``registry.catalog.queries.signed_records.names`` is written in this home."""
    whose = "" if {row["issuer"]} == set(own) else f"{row['issuer'].removeprefix(DID_PREFIX)}/"
    return f"{whose}{row['name']}" + ("" if row["current"] else f"@{row['number']}")


def names_of(parts: Parts, db: Connection, targets: Iterable[str | None]) -> dict[str, list[str]]:
    """The names of records by their CID, this home's first; a record without one is left out."""
    own = local_issuers(parts)
    found: dict[str, list[tuple[bool, bool, str]]] = {}
    for row in names.of_targets(db, {target for target in targets if target is not None}):
        if row["issuer"] in own or row["current"]:
            place = (row["issuer"] not in own, not row["current"], reference(row, own))
            found.setdefault(row["target"], []).append(place)
    return {target: list(dict.fromkeys(text for *_, text in sorted(said))) for target, said in found.items()}


def names_of_runs(parts: Parts, db: Connection, plans: Mapping[str, str | None]) -> dict[str, list[str]]:
    """The names of runs by their id, given each one's plan: without one, the name that it was started with."""
    found, waiting = names_of(parts, db, plans.values()), names.names_to_come(db, list(plans))
    named = {run: found.get(plan or "", []) for run, plan in plans.items()}
    return {run: known or ([waiting[run]] if run in waiting else []) for run, known in named.items()}


def with_run_names(parts: Parts, db: Connection, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Documents of runs with ``names``, as ``names_of_runs`` gives them."""
    listed = list(rows)
    found = names_of_runs(parts, db, {row["run"]: row["plan"] for row in listed})
    return [{**row, "names": found[row["run"]]} for row in listed]


def with_names(parts: Parts, db: Connection, rows: Iterable[Mapping[str, Any]], field: str) -> list[dict[str, Any]]:
    """Rows with ``names``: of the record whose CID stands in ``field``, an empty list where it has none."""
    listed = list(rows)
    found = names_of(parts, db, [row[field] for row in listed])
    return [{**row, "names": found.get(row[field], [])} for row in listed]
