"""Homes to back up, and where they are restored."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from registry.assembly import Home, open_home
from registry.catalog.database.copying import dumping
from registry.core import records
from registry.core.ipld.cid import CID
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.log.append import append

Tables = dict[str, list[bytes]]


@contextmanager
def home_in(folder: Path, url: str | None = None) -> Iterator[Home]:
    """The home in a folder, with its database there or at a URL."""
    environment = {"EMOTIONET_HOME": str(folder), **({"EMOTIONET_DATABASE_URL": url} if url else {})}
    home = open_home(read_settings(environment))
    yield home
    home.close()


def said(home: Home, text: str) -> CID:
    """Append an entry; its CID."""
    record = records.Withdrawal(target=b"x" * 32, reason=text, remedy="notice", effective="2026-01-01T00:00:00Z")
    return append(home, home.key, record).entry


def filled(home: Home, folder: Path) -> CID:
    """Register two images, append an entry, anchor nothing; the newest entry."""
    folder.mkdir(parents=True)
    for name in "ab":
        (folder / f"{name}.jpg").write_bytes(f"picture {name}".encode())
    (folder / "labels.csv").write_text("file,label,contributor,subject\na.jpg,feliz,ana,p\nb.jpg,triste,ana,q\n")
    import_source(home, str(folder))
    return said(home, "first")


def tables(url: str) -> Tables:
    """All rows of a database, of no order."""
    with dumping(url) as dump:
        return {name: sorted(dump.lines(name)) for name in dump.names}


def contents(folder: Path, without: Collection[str] = ()) -> dict[str, Any]:
    """Every file below a folder."""
    found = (one for one in sorted(folder.rglob("*")) if one.is_file() and one.name not in without)
    return {str(one.relative_to(folder)): one.read_bytes() for one in found}
