"""The forms in which a snapshot can be downloaded, and how large it may be for each."""

from __future__ import annotations

from registry.exports.formats import FOLDERS

ROWS = {"jsonl": "application/jsonl", "csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
FORMS = (*ROWS, *FOLDERS)
MOST_ROWS = 20_000
MOST_IMAGES, MOST_BYTES = 5_000, 512 << 20  # that are packed


def forms_for(count: int) -> tuple[str, ...]:
    """The forms in which a snapshot of so many images can be downloaded, as far as its count tells."""
    return (*(ROWS if count <= MOST_ROWS else ()), *(FOLDERS if count <= MOST_IMAGES else ()))
