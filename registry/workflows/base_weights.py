"""Base weights: from a file of one's own or from the store, checked by the method before anything is queued.

Invariants: a plan names them by the CID of a directory of two files; nothing is downloaded that was not asked for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from registry.content import importer, reader
from registry.core.cid import CID
from registry.core.errors import InvalidInput
from registry.core.method import Method
from registry.core.store import BlockStore
from registry.provenance.exports.card import Base
from registry.workflows.parts import Parts

WEIGHTS_FILES = ("weights.safetensors", "model.json")
MAX_SAID = 200  # letters of what a file says of its origin


def weights_files(store: BlockStore, directory: CID) -> dict[str, bytes]:
    """The files of a weights directory by name. ``InvalidInput`` if one is missing; what lies beside them is not read.

    ``Untrusted`` for blocks that do not hash to their CIDs.
    """
    there = reader.list_directory(store, directory)
    missing = [name for name in WEIGHTS_FILES if name not in there]
    if missing:
        raise InvalidInput(f"{directory} holds no {' and no '.join(missing)}: give a directory of weights")
    return {name: reader.read_whole(store, there[name].cid) for name in WEIGHTS_FILES}


def read_base(parts: Parts, method: Method, given: str, values: Mapping[str, Any]) -> dict[str, bytes]:
    """Checked files of what `--base` names: a path, or the CID of a directory that is held."""
    if os.sep in given or Path(given).exists():
        files = method.read_base(Path(given))
    else:
        files = weights_files(parts.store, CID.parse(given))
    method.check_base(files, values)
    return files


def stated_origin(model: bytes) -> Base | None:
    """What a model.json says under ``origin``: text of at most MAX_SAID letters; None where it has none."""
    try:
        origin = json.loads(model)["origin"]
        said = {name: origin.get(name) for name in ("format", "sha256", "licence")}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return Base(**{name: value[:MAX_SAID] if isinstance(value, str) else None for name, value in said.items()})


def stated_licence(files: Mapping[str, bytes]) -> str | None:
    """The licence that base weights state in their model.json (``origin.licence``), as their own file stated it."""
    origin = stated_origin(files["model.json"])
    return origin.licence if origin else None


def base_of(parts: Parts, directory: CID) -> Base | None:
    """What base weights that are held say of themselves, for the card; the tensors are not read."""
    return stated_origin(
        reader.read_whole(parts.store, reader.list_directory(parts.store, directory)["model.json"].cid)
    )


def keep_base(parts: Parts, method: Method, given: str, values: Mapping[str, Any]) -> CID:
    """``read_base``, and the directory in the store."""
    files = read_base(parts, method, given, values)
    if os.sep not in given and not Path(given).exists():
        return CID.parse(given)
    added = {name: importer.add_bytes(parts.store, data) for name, data in sorted(files.items())}
    root = importer.add_directory(parts.store, {name: (one.cid, one.tsize) for name, one in added.items()}).cid
    parts.store.flush()
    return root
