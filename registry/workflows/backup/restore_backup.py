"""Restore a backup into a home that holds nothing.

1. The whole file is verified. 2. All parts are made in a folder inside the home (``staging``). 3. A database elsewhere
is filled, in one transaction. 4. The parts are moved to their places. Killed between, the same command goes on; nothing
else opens the home until it is done.

Invariants: nothing is written over, and nothing is there in part. A restored log is marked (``log.restored``): nothing
is signed in it before somebody, or a store that survived, says that it ends there.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from registry.catalog.database import copying
from registry.catalog.database.database import Catalog
from registry.catalog.database.engines import sqlite_file
from registry.core.errors import Conflict, EmotionetError, not_read
from registry.core.issuers import did_of
from registry.core.progress import Progress, silent
from registry.settings import Settings
from registry.workflows.backup import archive
from registry.workflows.backup.archive import Archive, damaged, json_bytes
from registry.workflows.backup.blocks_in import put_blocks, stage_blocks
from registry.workflows.backup.staging import Staging, staged
from registry.workflows.log.restored import MARK, ends, remove_mark, store_agrees
from registry.workflows.parts import Parts

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def restore_backup(parts: Parts, path: Path, progress: Progress = silent) -> dict[str, Any]:
    """What the backup says, and ``confirmed``: whether its logs go on without more ado; ``problem``: what knows of
    newer entries, or None.

    Errors as of ``archive.Archive``; ``Conflict`` (``not_empty``, ``folder_busy``); ``Unavailable``.
    """
    settings = parts.settings
    try:
        stream = path.open("rb")
    except OSError as error:
        raise not_read(path, error) from error
    with stream:
        found = Archive(stream, progress)
        copying.check_revision(found.manifest["schema"])
        with staged(settings.home) as staging:
            _fill(parts, found, staging, progress)
    return {**found.manifest, "files": len(found.names("")), "home": str(settings.home), **_standing(parts)}


def _fill(parts: Parts, found: Archive, staging: Staging, progress: Progress) -> None:
    settings = parts.settings
    elsewhere = _database_in(settings) is None
    if staging.begin(found.digest):
        if elsewhere:
            _with_catalog(settings.database_url, lambda catalog: copying.is_loaded(catalog, found.digest))
        _stage_files(found, staging)
        if not elsewhere:
            _stage_database(found, staging, settings)
        if not settings.blocks_are_shared:
            stage_blocks(found, staging.folder / settings.blocks.name, progress)
        staging.ready(found.digest)
    if elsewhere and not staging.is_loaded():
        _with_catalog(settings.database_url, lambda catalog: _load(found, catalog))
        staging.loaded()
    staging.move(MARK)
    if elsewhere:
        _with_catalog(settings.database_url, copying.finish)
    staging.end()
    if settings.blocks_are_shared:
        put_blocks(found, parts.store, progress)


def _database_in(settings: Settings) -> str | None:
    """The database's name in the home; None for one that lies elsewhere."""
    path = sqlite_file(settings.database_url)
    return path.name if path is not None and path.absolute().parent == settings.home else None


def _stage_files(found: Archive, staging: Staging) -> None:
    addresses, logs = found.manifest["signs_as"], found.manifest["logs"]
    for address in addresses:
        if not _ADDRESS.fullmatch(address):
            raise damaged("it names a log that is none")
        (staging.folder / "log" / address).mkdir(parents=True, exist_ok=True, mode=0o700)
    names = found.names(archive.HOME)
    for name in names:
        staging.write(name.removeprefix(archive.HOME), b"".join(found.pieces(name)))
    held = {did_of(one) for one in [*addresses, *(Path(name).stem for name in names)] if _ADDRESS.fullmatch(one)}
    issuers = held | {one["issuer"] for one in logs}
    mark = {"time": found.manifest["time"], "backup": found.digest, "logs": sorted(issuers)}
    staging.write(MARK, json_bytes(mark))


def _stage_database(found: Archive, staging: Staging, settings: Settings) -> None:
    name = _database_in(settings)
    url = f"sqlite:///{staging.folder / str(name)}"

    def fill(catalog: Catalog) -> None:
        _load(found, catalog)
        copying.finish(catalog)

    _with_catalog(url, fill)


def _load(found: Archive, catalog: Catalog) -> None:
    names = [name.removeprefix(archive.DATABASE).removesuffix(".jsonl") for name in found.names(archive.DATABASE)]

    def lines(name: str) -> Any:
        return found.lines(f"{archive.DATABASE}{name}.jsonl")

    copying.load(catalog, found.manifest["schema"], names, lines, found.digest)


def _with_catalog(url: str, work: Any) -> None:
    catalog = Catalog(url)
    try:
        work(catalog)
    finally:
        catalog.close()


def _standing(parts: Parts) -> dict[str, Any]:
    """Whether the restored logs may go on at once; what knows of newer entries is told, and nothing is decided."""
    try:
        ends(parts)
    except Conflict as error:
        return {"confirmed": False, "problem": f"{error}: {error.hint}" if error.hint else str(error)}
    except EmotionetError as error:  # a store or a chain that is away: asked again when somebody confirms
        return {"confirmed": False, "problem": f"not everybody could be asked: {error}"}
    if store_agrees(parts):
        remove_mark(parts.settings.home)
        return {"confirmed": True, "problem": None}
    return {"confirmed": False, "problem": None}
