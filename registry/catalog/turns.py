"""Between two steps of whoever writes much, all who want to write a little have their turn.

Neither database sees to that by itself. SQLite's writers ask again ten times a second, and miss the moment between two
steps. PostgreSQL's stand in a queue; but a request is several transactions, and each would wait for a step of its own.

Invariant: only the length of a rest depends on what is seen here, and it is bounded; so whoever hangs stops nobody.
"""

from __future__ import annotations

import time

import sqlalchemy as sa

from registry.catalog.database.asking import asked
from registry.catalog.database.database import Catalog, Connection

QUIET = 0.2  # seconds for which nobody has wanted to write: a request's next transaction begins within them
LONGEST = 1.0  # seconds of a rest, whoever wants to write: what is large is to go on, too
_LOOK = 0.02
_OTHERS = sa.text(
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND (wait_event_type = 'Lock' OR backend_xid IS NOT NULL))"
)


def others_write(catalog: Catalog, db: Connection) -> bool:
    """Whether others want to write, or do. ``db``: a connection of whoever asks, in whose own transaction on SQLite the
    answer is about others only where ``Connected`` began it."""
    if catalog.folder is not None:
        return asked(catalog.folder)
    return bool(db.scalar(_OTHERS))


def give_way(catalog: Catalog) -> None:
    """Rest until nobody wants to write any more; without a transaction of one's own."""
    begin = quiet = time.monotonic()
    while (now := time.monotonic()) < min(quiet + QUIET, begin + LONGEST):
        with catalog.read() as db:
            if others_write(catalog, db):
                quiet = now
        time.sleep(_LOOK)
