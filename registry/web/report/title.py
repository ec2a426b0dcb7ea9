"""What a report's title calls the model, its data and who published it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.catalog.queries.signed_records import names
from registry.core.run_view import ReleaseView
from registry.provenance.checks.results import guarded
from registry.web.base.words import Words
from registry.workflows.names.profile import profile_of
from registry.workflows.parts import Parts

SHORT = 20  # characters of an address that are shown whole


def title_of(parts: Parts, t: Words, view: ReleaseView, about: Mapping[str, Any]) -> dict[str, Any]:
    """By the names that the publisher gave."""
    with parts.catalog.read() as db:
        given = names.of_targets(db, [about["release"], about["snapshot"]])
    own = {one["target"]: one["name"] for one in given if one["issuer"] == about["issuer"]}
    model, data, count = own.get(about["release"]), own.get(about["snapshot"]), view.snapshot.count
    return {
        "model": t("page.model", name=model or view.recipe.name, method=view.plan.method.id),
        "data": t("page.named_data", name=data, count=count) if data else t("page.some_data", count=count),
        "publisher": _publisher(parts, about["issuer"]),
    }


def _publisher(parts: Parts, did: str) -> str:
    """What an issuer calls itself, and its address, which is proven, its middle left out."""
    address = did.rpartition(":")[2]
    short = address if len(address) < SHORT else f"{address[:8]}…{address[-6:]}"
    profile = guarded(lambda: profile_of(parts, did), None)
    return f"{profile['name']} ({short})" if profile else short
