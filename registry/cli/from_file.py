"""A FILE.car in place of a release's CID: read into a temporary home, so that this home does not change.

Invariants: every block is verified, and a damaged file is refused as a whole. The temporary home has no key and signs
nothing. For a release that is named by its CID, blocks are read from this home. What this home knows of a release, an
audit that it keeps or a fork of its issuer's log, is known of it in the file too: it goes by the release's CID.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from registry.assembly import Home
from registry.core.errors import InvalidInput, NotFound, Unavailable, Untrusted, UsageError, not_read
from registry.core.ipld.cid import CID
from registry.core.text.cleaning import counted
from registry.core.text.names import is_reference
from registry.workflows.store.typed_source import check_regular, names_content

if TYPE_CHECKING:
    from registry.content.stores.embedded import EmbeddedStore
    from registry.core.ports.anchor import Anchors
    from registry.provenance.keys.keys import Key


class FileHome(Home):
    """A temporary home that holds the files' blocks, and reads from ``behind`` the blocks that they lack."""

    def __init__(self, folder: Path, behind: Home) -> None:
        super().__init__(behind.settings.scratch(folder))
        self.behind = behind

    @cached_property
    def embedded(self) -> EmbeddedStore:
        """The files' blocks, then this home's."""
        from registry.content.stores.embedded import EmbeddedStore

        behind = self.behind

        class Both(EmbeddedStore):
            """Reads from this home what no file brought; writes nothing to it."""

            def get(self, cid: CID) -> bytes:
                """The verified bytes."""
                try:
                    return super().get(cid)
                except NotFound:
                    if behind.settings.holds_nothing_yet:
                        raise
                    return behind.store.get(cid)

        return Both(self.settings.blocks)

    @property
    def key(self) -> Key:
        """There is none: a file is read, nothing is signed."""
        raise UsageError("this can't be done from a file", hint="import it first: `emotionet import FILE.car`.")

    @property
    def anchors(self) -> Anchors:
        """The chain, if one is set up; no journal knows what a file says."""
        if not self.settings.proves_to_others:
            raise Unavailable("no chain is set up here", hint="set EMOTIONET_CHAIN_RPC and EMOTIONET_CHAIN_CONTRACT.")
        return self.behind.anchors

    @cached_property
    def places(self) -> tuple[Anchors, ...]:
        """The chain alone: what a file says was stamped for somebody else."""
        return (self.behind.anchors,) if self.settings.proves_to_others else ()


def is_file(text: str) -> bool:
    """Whether an argument means a file and not content. What is written as a name means a file only where one lies
    here, and never a folder."""
    if names_content(text):
        return False
    if is_reference(text):
        return Path(text).is_file()
    return Path(text).exists() or text.lower().endswith(".car") or "/" in text


@contextmanager
def opened_with(texts: list[str], *, any_record: bool = False) -> Iterator[tuple[Home, list[CID]]]:
    """A home that holds every release of ``texts`` (CIDs, names, or FILE.car), and their records' CIDs.

    ``any_record``: what a file's first root names, whatever that is.
    """
    from registry.cli.commands.common import home
    from registry.workflows.names.resolve import resolve

    kinds = () if any_record else ("release",)
    with home() as own:
        if not any(map(is_file, texts)):
            yield own, [resolve(own, text, *kinds) for text in texts]
            return
        with tempfile.TemporaryDirectory(prefix="emotionet-file-") as folder:
            scratch = FileHome(Path(folder), own)
            try:
                found = [
                    _read(scratch, Path(text), any_record) if is_file(text) else resolve(own, text, *kinds)
                    for text in texts
                ]
                _tell(scratch, found)
                yield scratch, found
            finally:
                scratch.close()


def _read(scratch: FileHome, path: Path, any_record: bool) -> CID:
    """Read a file into the scratch home; returns what it is about."""
    from registry.content.car_import import import_partial
    from registry.workflows.log.index_logs import index_logs, signed_in
    from registry.workflows.store.find_records import record_of

    check_regular(path)
    try:
        with path.open("rb") as stream:
            kept = import_partial(scratch.store, stream)
        signed = signed_in(path)
    except OSError as error:
        raise not_read(path, error) from error
    except (InvalidInput, Untrusted) as error:
        hint = error.hint or "give a release that `emotionet export RELEASE` wrote."
        raise type(error)(f"{path}: {error}", code=error.code, hint=hint) from error
    if kept.cut:
        raise Untrusted(f"{path} can't be read to its end: {kept.cut}", hint="get it again.")
    if kept.damaged:
        raise Untrusted(
            f"{path} is damaged: {_count(len(kept.damaged))}",
            hint=f"`emotionet audit {path}` shows which checks still hold.",
        )
    problems = index_logs(scratch, signed)
    roots = [record_of(scratch, root) for root in kept.roots]
    if any_record and roots:
        return roots[0]
    return _release(scratch, path, roots, problems)


def _release(scratch: FileHome, path: Path, roots: list[CID], problems: list[str]) -> CID:
    from registry.catalog.queries.signed_records import releases
    from registry.workflows.newer import refuse_newer

    with scratch.catalog.read() as db:
        known = {CID.parse(row["cid"]) for row in releases.list_releases(db)[0]}
    found = [root for root in dict.fromkeys(roots) if root in known]
    if not found:
        refuse_newer(scratch, roots)
        raise InvalidInput(
            f"{path} holds no signed release" + (f": {problems[0]}" if problems else ""),
            hint=f"`emotionet audit {path}` tells what it holds.",
        )
    if len(found) > 1:
        raise InvalidInput(
            f"{path} holds {len(found)} releases: {', '.join(map(str, found))}",
            hint=f"import it, then name one: `emotionet import {path}`.",
        )
    return found[0]


def _tell(scratch: FileHome, cids: list[CID]) -> None:
    """Let the scratch home know what this home knows of these records."""
    from registry.catalog.queries import kept_audits, log_forks
    from registry.catalog.queries.signed_records import entries, releases

    if scratch.behind.settings.holds_nothing_yet:
        return
    with scratch.catalog.read() as db:
        rows = [row for cid in cids if (row := releases.find(db, entries.record_of(db, cid))) is not None]
    with scratch.behind.catalog.read() as db:
        audits = kept_audits.newest_reports(db, {row["cid"] for row in rows})
        forks = log_forks.of(db, {row["issuer"] for row in rows})
    with scratch.catalog.write() as db:
        for audit in audits.values():
            kept_audits.put(db, audit)
        for pair in (pair for pairs in forks.values() for pair in pairs):
            log_forks.note(db, **{"now" if name == "seen" else name: value for name, value in pair.items()})


def _count(damaged: int) -> str:
    return counted(damaged, "block does not hash to its CID", "blocks do not hash to their CIDs")
