"""Write a backup of a home while its service runs.

Invariants: the file appears whole, flushed, and readable by its owner alone, or not at all; one that exists is not
written over. All that was acknowledged before it began is in it. What notes where a log ends is read before the
database's state is fixed, and blocks after it: so nothing in a backup is newer than its database, whatever is appended
meanwhile, and no block is missing that the database names. Keys did not change between. Nothing of the home is changed
or upgraded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import registry
from registry.catalog.database.copying import Dump, dumping
from registry.catalog.database.engines import is_there
from registry.core.errors import Conflict, NotFound, Unavailable
from registry.core.ipld import car
from registry.core.ipld.cid import CID
from registry.core.progress import Progress, silent
from registry.files import sync_file, sync_folder, whole_file
from registry.provenance.keys.keys import PASSPHRASE_FILE
from registry.settings import Settings, read_settings
from registry.workflows.backup import archive, home_files
from registry.workflows.parts import Parts

_TRIES = 5  # to find keys that do not change
_HEADS = "SELECT issuer, seq, entry FROM log_heads WHERE seq >= 0 ORDER BY issuer"


def make_backup(parts: Parts, path: Path, *, blocks: bool | None = None, progress: Progress = silent) -> dict[str, Any]:
    """What is in it; ``blocks``: whether the blocks are, None: where they lie in this home.

    ``Conflict`` (``exists``); ``NotFound`` in a home that holds nothing; ``Unavailable`` where it can't be written.
    """
    settings = parts.settings
    if not is_there(settings.database_url):
        raise NotFound(f"there is nothing to back up in {settings.home}", hint="name the home with EMOTIONET_HOME.")
    if path.exists():
        raise Conflict(f"{path} exists", code="exists", hint="give another name.")
    wanted = not settings.blocks_are_shared if blocks is None else blocks
    with whole_file(path) as stream:
        os.fchmod(stream.fileno(), 0o600)
        with _one_state(parts) as (dump, files, heads):
            about = {"program": registry.__version__, "time": parts.now(), "schema": dump.revision}
            out = archive.Writer(stream, about)
            for name, data in files.items():
                out.add(archive.HOME + name, data)
            rows = _write_rows(out, dump, progress)
            logs = [{"issuer": row[0], "seq": row[1], "entry": row[2]} for row in dump.rows(_HEADS)]
        report = {
            "logs": logs,
            "signs_as": home_files.logs(settings.home),
            "rows": rows,
            "settings": settings_without_secrets(settings),
            "opens_key": any(name.endswith(f"/{PASSPHRASE_FILE}") for name in files),
            "blocks": None,
        }
        if wanted:
            report["blocks"] = _write_blocks(out, parts, heads, progress)
        out.finish(report)
        sync_file(stream)
    sync_folder(path.absolute().parent)
    return {"path": str(path), "size": path.stat().st_size, **about, **report, "files": len(out.files)}


def settings_without_secrets(settings: Settings) -> dict[str, str]:
    """Every setting that was made and may be shown; of the others only that they were made."""
    unset = read_settings({"EMOTIONET_HOME": str(settings.home)})
    made = [one for one in fields(settings) if getattr(settings, one.name) != getattr(unset, one.name)]
    return {one.name: str(getattr(settings, one.name)) if one.repr else "set, not in the backup" for one in made}


@contextmanager
def _one_state(parts: Parts) -> Iterator[tuple[Dump, home_files.Files, list[list[Any]]]]:
    """The database's state, the home's files that go with it, and the store's notes of logs' ends."""
    home = parts.settings.home
    for _ in range(_TRIES):
        keys, noted = home_files.keys_of(home), home_files.log_of(home)
        heads = _noted_by_store(parts)
        with dumping(parts.settings.database_url) as dump:
            if home_files.keys_of(home) == keys:
                yield dump, {**keys, **noted}, heads
                return
    raise Unavailable("the keys of this home change all the time", hint="run it again when `keys rotate` is done.")


def _noted_by_store(parts: Parts) -> list[list[Any]]:
    if parts.settings.holds_nothing_yet:
        return []
    found = []
    with dumping(parts.settings.database_url) as dump:
        issuers = [str(row[0]) for row in dump.rows(_HEADS)]
    for issuer in issuers:
        head = parts.store.log_head(issuer)
        if head is not None:
            found.append([issuer, head[0], str(head[1])])
    return found


def _write_rows(out: archive.Writer, dump: Dump, progress: Progress) -> int:
    rows = 0
    for done, name in enumerate(dump.names, 1):
        with out.file(f"{archive.DATABASE}{name}.jsonl") as table:
            for line in dump.lines(name):
                table.write(line)
                rows += 1
        rows -= 1  # the names of the columns
        progress("tables", done, len(dump.names))
    return rows


def _write_blocks(out: archive.Writer, parts: Parts, heads: list[list[Any]], progress: Progress) -> dict[str, Any]:
    """Every block that verifies, and what is pinned; ``damaged`` counts those that do not."""
    counts = {"blocks": 0, "bytes": 0, "damaged": 0}
    pins: list[str] = []
    if not parts.settings.holds_nothing_yet:
        pins = sorted(map(str, parts.store.pins()))
    with out.file(archive.BLOCKS) as stream:
        for piece in car.pieces((), _blocks(parts, counts, progress)):
            stream.write(piece)
    out.add(archive.PINS, archive.json_bytes({"pins": pins, "heads": heads}))
    return {**counts, "pins": len(pins)}


def _blocks(parts: Parts, counts: dict[str, int], progress: Progress) -> Iterator[tuple[CID, bytes]]:
    if parts.settings.holds_nothing_yet:
        return
    for cid in parts.store.cids():
        try:
            data = parts.store.get(cid)
        except NotFound:  # taken back meanwhile, or damaged
            counts["damaged"] += parts.store.has(cid)
            continue
        counts["blocks"] += 1
        counts["bytes"] += len(data)
        if counts["blocks"] % 1000 == 0:
            progress("blocks", counts["blocks"], 0)
        yield cid, data
