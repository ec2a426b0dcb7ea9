"""The address of the search: what a CID, a digest, a name or a word finds."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from registry.api.answers.others import Found
from registry.api.common import Document, Home, problems
from registry.workflows.store.search_catalog import LONGEST, search_catalog

Searched = Annotated[
    str,
    QueryParameter(
        max_length=LONGEST, description="a CID, a sha256 in hex, a run's id, the beginning of one, a name, or a word"
    ),
]


@get("/search", responses=problems(), sync_to_thread=True, answer=Found)
def search(home: Home, q: Searched = "") -> Document:
    """What a text names exactly (`exact`; an image with the snapshots and releases that hold it), and the labels,
    contributors, licences, names and recipes with this word in them (`words`)."""
    return search_catalog(home, q)


HANDLERS = (search,)
