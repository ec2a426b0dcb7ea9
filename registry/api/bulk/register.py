"""Registers the rows of one request.

Invariants: nothing is registered before the whole body came and was read; with an Idempotency-Key, the key is kept
before the first row is registered, and the answer is kept in the transaction of the last.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import IO, cast

from registry.api.bulk.answers import Answers, document, ndjson
from registry.api.bulk.measured import Sender, measured
from registry.api.bulk.rows import read_rows
from registry.catalog.database.database import Connection
from registry.catalog.idempotency import Keyed
from registry.catalog.index.staged import Staged
from registry.workflows.images.registering.register_images import register_staged
from registry.workflows.images.registering.row_groups import STEP, stage
from registry.workflows.references.refer_staged import refer_rows

_SPOOL = 1 << 20  # bytes of an answer that are kept in memory
_PIECE = 1 << 16
_turns = threading.BoundedSemaphore(4)  # the database lets one write at a time: more would only keep readers waiting


@dataclass(frozen=True)
class Wanted:
    """What is asked: how the rows are written, whether every row is answered, in which form, and under which key."""

    kind: str
    everything: bool
    lines: bool  # as NDJSON
    token: str
    key: str | None


def register_body(sender: Sender, body: IO[bytes], digest: Callable[[], str], wanted: Wanted) -> tuple[IO[bytes], bool]:
    """The answer, as a file that is read once, and whether rows wait for their images. ``digest`` is of the body, once
    it was read."""
    catalog = sender.parts.catalog
    with ExitStack() as stack:
        answers = Answers(stack.enter_context(Staged(catalog, STEP)), everything=wanted.everything)
        staged = stack.enter_context(Staged(catalog, STEP))
        if sender.parts.source is not None:
            sender = replace(sender, waiting=stack.enter_context(Staged(catalog, STEP)))
        stage(staged, measured(sender, read_rows(body, wanted.kind), answers))
        keyed = _keyed(wanted, digest()) if wanted.key is not None else None
        if keyed is not None:
            with catalog.write(serial=False) as db:
                keyed.begin(db, sender.parts.now())
            with catalog.read() as db:
                if (counts := keyed.counts(db)) is not None:
                    return _written(wanted, counts, keyed.lines(db))

        def finish(db: Connection) -> None:
            if keyed is not None:
                keyed.finish(db, answers.counts(), answers.lines())

        with _turns:
            if sender.waiting is not None:
                refer_rows(sender.parts, sender.issuer, sender.waiting, answers)
            register_staged(sender.parts, sender.parts.key, staged, report=answers.report, keyed=keyed, finish=finish)
        if keyed is None:
            return _written(wanted, answers.counts(), answers.lines())
        with catalog.read() as db:  # where another process did the same at once, the answer is one
            return _written(wanted, keyed.counts(db) or {}, keyed.lines(db))


def _keyed(wanted: Wanted, body: str) -> Keyed:
    asked = f"POST /images\0{wanted.kind}\0{wanted.everything}\0{body}"
    return Keyed(wanted.token, wanted.key or "", hashlib.sha256(asked.encode()).hexdigest())


def _written(wanted: Wanted, counts: dict[str, int], lines: Iterable[bytes]) -> tuple[IO[bytes], bool]:
    answer = cast(IO[bytes], tempfile.SpooledTemporaryFile(max_size=_SPOOL))  # noqa: SIM115  # ``pieces`` closes it
    for piece in (ndjson if wanted.lines else document)(counts, lines):
        answer.write(piece)
    answer.seek(0)
    return answer, bool(counts.get("referenced"))


def pieces(answer: IO[bytes]) -> Iterator[bytes]:
    """The answer's bytes; the file is closed at its end."""
    with answer:
        while piece := answer.read(_PIECE):
            yield piece
