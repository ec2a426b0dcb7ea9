"""One registry: what scripts call.

Every method may raise ``InvalidInput``, ``NotFound`` or ``Conflict`` as the server says, and ``Unavailable`` once its
patience has ended; what is fetched and does not verify is ``Untrusted``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from registry.client.answers import Audit, Image, Page, Release, Run, Snapshot, Withdrawn
from registry.client.blocks import Blocks
from registry.client.connection import Connection, OnRetry, Patience, document
from registry.client.journal import Journal
from registry.client.sending import Sender, Sent
from registry.client.uploading import Item
from registry.content.labels import LabelRow
from registry.content.labels.tables.label_tables import MAX_FILE, read_table
from registry.content.sources.fetch import Limits, Through, fetch
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs import reader
from registry.core.errors import InvalidInput, not_read
from registry.core.ipld.cid import CID
from registry.core.progress import Progress, silent

T = TypeVar("T")
V1 = "/api/v1"
PAGE = 500
MAX_FETCH = 512 << 20  # bytes that ``fetch`` holds in memory
_ENDED = frozenset({"completed", "failed", "cancelled"})


class Registry:
    """A registry at ``server``, an https address (or this machine's); ``token`` where something is to be written."""

    def __init__(
        self,
        server: str,
        token: str | None = None,
        *,
        patience: Patience | None = None,
        plain_http: bool = False,
        on_retry: OnRetry = lambda reason, seconds: None,
    ) -> None:
        self.connection = Connection(server, token, patience=patience, plain_http=plain_http, on_retry=on_retry)
        self.blocks = Blocks(self.connection)

    def close(self) -> None:
        """Let go of connections."""
        self.connection.close()

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _get(self, kind: type[T], path: str, **params: Any) -> T:
        return self.connection.ask("GET", f"{V1}{path}", document(kind), params=params)

    def _post(self, kind: type[T], path: str, body: dict[str, Any], *, repeat: bool = True) -> T:
        given = {name: value for name, value in body.items() if value is not None}
        headers = {"Content-Type": "application/json"}
        content = msgspec.json.encode(given)
        return self.connection.ask(
            "POST", f"{V1}{path}", document(kind), content=content, headers=headers, repeat=repeat
        )

    def _pages(self, kind: type[T], path: str, **params: Any) -> Iterator[T]:
        cursor: str | None = None
        while True:
            page = self._get(Page[kind], path, cursor=cursor, limit=PAGE, **params)  # type: ignore[valid-type]
            yield from page.items
            if page.next is None or page.next == cursor:
                return
            cursor = page.next

    # --- images ---------------------------------------------------------------------------------

    def register(
        self, items: Iterable[Item | LabelRow], journal: Journal | None = None, progress: Progress = silent
    ) -> Sent:
        """Register rows; images that come with them and are not there are sent first (``file_item``).

        With a ``journal`` in a file, a killed script that is run again with the same items goes on where it was.
        """
        sender = Sender(self.connection, journal or Journal(), progress)
        return sender.send(item if isinstance(item, Item) else Item(item) for item in items)

    def register_table(self, path: Path, journal: Journal | None = None, progress: Progress = silent) -> Sent:
        """Register a table (as labels.csv) whose rows name CIDs. ``InvalidInput`` names the first row that is wrong."""
        try:
            with path.open("rb") as stream:
                table = read_table(stream.read(MAX_FILE + 1), str(path), None)
        except OSError as error:
            raise not_read(path, error) from error
        wrong = [*(f"row {one.row}: {one.reason}" for one in table.rejected)]
        wrong += [f"row {one.row} names a file, not a CID" for one in table.rows if one.cid is None]
        if wrong:
            raise InvalidInput(f"{path}: {wrong[0]}", code="bad_rows", hint="correct the table.")
        return self.register(table.rows, journal, progress)

    def image(self, identity: str) -> Image:
        """One image, by CID or sha256, with the history of its labels."""
        return self._get(Image, f"/images/{identity}")

    def images(self, **filters: Any) -> Iterator[Image]:
        """All images that meet ``filters`` (label, contributor, subject, licence, status, ...)."""
        return self._pages(Image, "/images", **filters)

    def relabel(self, identity: str, label: str, contributor: str | None = None) -> None:
        """Give an image another label; the old one stays in its history."""
        self._post(dict[str, Any], f"/images/{identity}/labels", {"label": label, "contributor": contributor})

    def withdraw(self, identity: str, reason: str, remedy: str = "notice") -> Withdrawn:
        """Withdraw an image."""
        body = {"reason": reason, "remedy": remedy}
        return self._post(Withdrawn, f"/images/{identity}/withdrawal", body, repeat=False)

    # --- snapshots, runs, releases --------------------------------------------------------------

    def create_snapshot(self, **wanted: Any) -> Snapshot:
        """Freeze what the catalog says now (``classes``, ``query``, ``supersedes``, ``name``); the same is the same."""
        return self._post(Snapshot, "/snapshots", wanted)

    def snapshot(self, cid: str) -> Snapshot:
        """A snapshot by its CID or name."""
        return self._get(Snapshot, f"/snapshots/{cid}")

    def snapshot_items(self, cid: str) -> Iterator[dict[str, Any]]:
        """A snapshot's images by rising sha256."""
        return self._pages(dict[str, Any], f"/snapshots/{cid}/items")

    def snapshot_difference(self, before: str, after: str) -> Iterator[dict[str, Any]]:
        """What two snapshots do not have in common."""
        return self._pages(dict[str, Any], f"/snapshots/{before}/diff/{after}")

    def start_run(self, snapshot: str, **wanted: Any) -> Run:
        """Queue a training. Not repeated where its answer was lost: look at ``runs`` first."""
        return self._post(Run, "/runs", {"snapshot": snapshot, **wanted}, repeat=False)

    def run(self, run: str) -> Run:
        """Where a run stands."""
        return self._get(Run, f"/runs/{run}")

    def runs(self) -> Iterator[Run]:
        """All runs, newest first."""
        return self._pages(Run, "/runs")

    def wait_for_run(self, run: str, seconds: float = 5.0, progress: Progress = silent) -> Run:
        """Ask every ``seconds`` until a run has ended."""
        while True:
            found = self.run(run)
            progress("folds", sum(fold["status"] == "completed" for fold in found.folds), len(found.folds))
            if found.status in _ENDED:
                return found
            time.sleep(seconds)

    def cancel_run(self, run: str) -> Run:
        """Cancel a run; its finished steps stay."""
        return self._post(Run, f"/runs/{run}/cancel", {}, repeat=False)

    def resume_run(self, run: str) -> Run:
        """Queue a run's remaining steps."""
        return self._post(Run, f"/runs/{run}/resume", {})

    def publish_release(self, run: str, name: str | None = None) -> Release:
        """Publish a completed run; again gives the same release."""
        return self._post(Release, "/releases", {"run": run, "name": name})

    def release(self, cid: str) -> Release:
        """A release by its CID or name."""
        return self._get(Release, f"/releases/{cid}")

    def releases(self) -> Iterator[dict[str, Any]]:
        """All releases, as the list shows them."""
        return self._pages(dict[str, Any], "/releases")

    def audit(self, target: str, level: int | None = None, issuer: str | None = None) -> Audit:
        """What the server finds when it audits a release. Its word: who doubts it runs ``emotionet audit``."""
        return self._post(Audit, "/audits", {"target": target, "level": level, "issuer": issuer})

    # --- content --------------------------------------------------------------------------------

    def fetch(self, cid: CID | str, path: str = "", most: int = MAX_FETCH) -> bytes:
        """A file's bytes, every block hashed. ``InvalidInput`` for a directory, or more than ``most`` bytes."""
        store, root = MemoryStore(), CID.parse(str(cid))
        root = reader.resolve(Through(self.blocks, store), root, path)
        fetch(self.blocks, store, root, Limits(bytes=most + (most >> 3), blocks=1 << 20, links=1 << 20))
        return reader.read_whole(store, root, most)

    def fetch_block(self, cid: CID | str) -> bytes:
        """One block, hashed: a record as it was signed, for example."""
        return self.blocks.get(CID.parse(str(cid)))

    def missing(self, cids: Sequence[CID]) -> set[CID]:
        """Which of these roots the server lacks, as far as it tells this token."""
        return self.blocks.missing(cids)
