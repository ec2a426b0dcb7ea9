"""What the pages of registering show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from registry.content.labels.label_row import FIELDS
from registry.workflows.images.uploading.upload import Upload
from registry.workflows.images.uploading.uploads import KEPT_HOURS, MAX_FILE, MAX_FILES, MAX_UPLOAD

MAPPED = tuple(name for name in FIELDS if name != "signature")
REJECTED = 200
TAKEN = ".jpg,.jpeg,.png,.webp,.gif,.bmp,.tif,.tiff,.csv,.tsv,.xlsx,.json,.jsonl,.txt,.yaml,.yml,.car"
_KEPT = ("root", "rows", "registered", "unchanged", "corrected", "images", "contribution")
Document = dict[str, Any]


def start(mine: Sequence[Upload]) -> Document:
    """The fields of ``pages/register.html``."""
    unfinished = [one for one in mine if one.done is None]
    limits = {
        "file": MAX_FILE >> 20,
        "files": MAX_FILES,
        "upload": MAX_UPLOAD >> 30,
        "hours": KEPT_HOURS,
    }
    return {"unfinished": [(one, *one.measure()) for one in unfinished], "limits": limits, "taken": TAKEN}


def mapping(given: Mapping[str, str]) -> dict[str, str]:
    """Field to column, as the preview's form names them (``map.label``)."""
    return {name: value for name in MAPPED if (value := given.get(f"map.{name}", "").strip())}


def at(upload: Upload, mapped: Mapping[str, str]) -> str:
    """The address of an upload's preview, with what was said of its columns."""
    query = urlencode([(f"map.{name}", column) for name, column in sorted(mapped.items())])
    return f"/register/{upload.id}" + (f"?{query}" if query else "")


def preview(found: Mapping[str, Any]) -> Document:
    """The fields of ``pages/register_preview.html`` that follow from a preview."""
    document = found["document"]
    told: Document = {"found": found, "mapped": MAPPED, "taken": {}, "left_out": found["header"]}
    if document is None:
        return told
    labels = document["labels"]
    return told | {
        "taken": labels[0]["columns"] if labels else {},
        "left_out": labels[0]["left_out"] if labels else found["header"],
        "read_as": [line for one in labels for line in one["read_as"]],
    }


def kept(done: Mapping[str, Any]) -> Document:
    """What is remembered of an import: counts and identifiers, and the first rows that were refused."""
    rejected = done["rejected"]
    found = {name: done[name] for name in _KEPT}
    return {**found, "rejected": rejected[:REJECTED], "more_rejected": max(0, len(rejected) - REJECTED)}
