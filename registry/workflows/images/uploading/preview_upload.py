"""What an upload would register, before anything is signed: the columns as taken, the first rows, every error.

Invariant: nothing is stored but what is staged already; no error of the upload's content leaves this module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from registry.content.labels.find_labels import ENDINGS
from registry.content.labels.tables.columns import UnknownColumns
from registry.content.labels.tables.label_tables import MAX_FILE, read_table
from registry.core.errors import InvalidInput, NotFound
from registry.core.progress import Progress
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.images.registering.speaker import ANYBODY, Speaker
from registry.workflows.parts import Parts

# Lists of the document that grow with the upload, and how much of each is shown (and so kept in memory).
LISTS = {"rejected": 200, "notes": 50, "unnamed": 5, "undecodable": 5, "with_location": 5, "reserved": 5}
MAX_TABLES = 5  # that are looked at for their header


def preview_upload(
    parts: Parts, path: Path, mapping: Mapping[str, str], progress: Progress, speaker: Speaker = ANYBODY
) -> dict[str, Any]:
    """``document`` (of a dry run, its lists cut to the first few, with ``counts`` of all) or None with ``wrong``:
    ``reason`` and ``hint``; ``header``: the table's columns."""
    header = next(_headers(path), ())
    try:
        document = import_source(parts, str(path), mapping=mapping, dry_run=True, progress=progress, speaker=speaker)
    except (InvalidInput, NotFound) as error:
        return {
            "document": None,
            "wrong": {"reason": without_upload_place(error, path), "hint": error.hint},
            "header": header,
        }
    counts = {name: len(document[name]) for name in LISTS}
    first = {name: document[name][:most] for name, most in LISTS.items()}
    return {"document": {**document, **first, "counts": counts}, "wrong": None, "header": header}


def without_upload_place(error: Exception, path: Path) -> str:
    """An error's sentence without the place on this machine where the upload lies."""
    return str(error).replace(f"{path}/", "").replace(str(path), "the upload")


def _headers(path: Path) -> Iterator[tuple[str, ...]]:
    """The columns of tables beside the images, those of our own names first."""
    if not path.is_dir():
        return
    tables = [one for one in sorted(path.iterdir()) if one.suffix.lower() in ENDINGS and one.is_file()]
    tables.sort(key=lambda one: one.stem.lower() not in ("labels", "metadata"))
    for table in tables[:MAX_TABLES]:
        try:
            with table.open("rb") as stream:
                found = read_table(stream.read(MAX_FILE + 1), table.name)
        except UnknownColumns as error:
            yield error.header
        except InvalidInput:
            continue
        else:
            columns = (*found.columns.values(), *found.left_out)
            yield tuple(dict.fromkeys(columns))
