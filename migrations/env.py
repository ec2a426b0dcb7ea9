"""Alembic's way in. It is given a connection by ``registry.catalog.database.database`` and opens none itself.

Invariant: all steps run in the caller's one transaction, so a migration happens whole or not at all
(DDL is transactional on both databases; Alembic assumes otherwise of SQLite, hence the option).
"""

from __future__ import annotations

from alembic import context

from registry.catalog.schema import partial_indexes as partial_indexes
from registry.catalog.schema.operational import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("registry.catalog.database.database.Catalog.upgrade runs migrations: it gives the connection")
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
