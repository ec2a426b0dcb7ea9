"""Every step of the schema's history, up and down, on both databases, with rows in every table that there is.

Nothing here names a revision or a table: a new migration is covered without being mentioned. Rows are made by looking
at the database's own columns, keys and conditions. One exception: idempotency keys, which are good for a day, may be
forgotten by a step.

Invariants that each step keeps: a row that was there before it stays, as far as both schemas have its columns; and what
comes back after up, down, up is what the first up had made. A step down may empty a table that a rebuild refills,
and drops the tables and columns that the step up had added.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

import migrations
from registry.catalog.database.database import HEAD, Catalog
from registry.catalog.schema.columns import metadata
from registry.catalog.schema.derived import REBUILDABLE

pytestmark = pytest.mark.usefixtures("real_migrations")
HISTORY = ScriptDirectory(str(Path(migrations.__file__).parent))
STEPS = [script.revision for script in HISTORY.walk_revisions("base", "heads")][::-1]
STATED = re.compile(r'^(revision|down_revision)(?:\s*:[^=\n]+)? = (?:"([^"\n]+)"|None)$', re.MULTILINE)
FORGOTTEN = {"idempotency"}
REFILLED = {table.name for table in REBUILDABLE} | FORGOTTEN
Rows = dict[str, list[dict[str, Any]]]


def tables(catalog: Catalog) -> list[sa.Table]:
    """As the database has them now, those that others refer to first."""
    if isinstance(catalog, Stepwise) and catalog.seen is not None:
        return catalog.seen
    found = sa.MetaData()
    found.reflect(catalog.engine)
    seen = [table for table in found.sorted_tables if table.name != "alembic_version"]
    if isinstance(catalog, Stepwise):
        catalog.seen = seen
    return seen


class Stepwise(Catalog):
    """Its tables are looked at once after each step: that takes longer than the step."""

    seen: list[sa.Table] | None = None

    def _migrate(self, direction: str, revision: str) -> None:
        self.seen = None
        super()._migrate(direction, revision)


def value(table: sa.Table, column: sa.Column[Any], number: int) -> Any:
    """The same for the same place; of a column that refers to another, what stands there."""
    for key in column.foreign_keys:
        return value(key.column.table, key.column, number)
    if column.nullable and number % 2:
        return None
    allowed = conditions(table).get(column.name)
    if allowed:
        return allowed[number % len(allowed)]
    kind = column.type
    if isinstance(kind, sa.Boolean):
        return number % 2 == 0
    if isinstance(kind, (sa.Integer, sa.Numeric, sa.Float)):
        return number + 1
    if isinstance(kind, sa.LargeBinary):
        return b"%s %d" % (column.name.encode(), number)
    return [column.name] if isinstance(kind, sa.JSON) else f"{column.name} of {table.name} {number:020d}"


def conditions(table: sa.Table) -> dict[str, list[str]]:
    """By column, the texts that a condition of the table allows."""
    found: dict[str, list[str]] = {}
    for one in table.constraints:
        if isinstance(one, sa.CheckConstraint):
            said = str(one.sqltext)
            for column in table.columns:
                if re.search(rf"\b{column.name}\b", said):
                    found[column.name] = re.findall(r"'([^']*)'", said)
    return found


def add_rows(catalog: Catalog, number: int, only: Collection[str] | None = None) -> None:
    """One more row in every table, or in these."""
    with catalog.write() as db:
        for table in tables(catalog):
            if only is not None and table.name not in only:
                continue
            db.execute(sa.insert(table).values({one.name: value(table, one, number) for one in table.columns}))


def rows(catalog: Catalog) -> Rows:
    """All rows of all tables that the newest schema has, too."""
    with catalog.read() as db:
        return {
            table.name: sorted((dict(row) for row in db.execute(sa.select(table)).mappings()), key=repr)
            for table in tables(catalog)
            if table.name in metadata.tables
        }


def kept(before: Rows, after: Rows, emptied: Collection[str] = ()) -> tuple[Rows, Rows]:
    """The rows of both, as far as both have a table and its columns, but for tables that a step down has emptied."""
    one: Rows = {}
    other: Rows = {}
    for name in (before.keys() & after.keys()).difference(emptied):
        columns = (before[name] or [{}])[0].keys() & (after[name] or before[name] or [{}])[0].keys()
        for mine, given in ((one, before), (other, after)):
            mine[name] = sorted(({column: row[column] for column in sorted(columns)} for row in given[name]), key=repr)
    return one, other


def same(one: Rows, other: Rows) -> list[str]:
    """The tables that differ."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def test_every_step_keeps_every_row_both_ways(catalog_url: str) -> None:
    catalog = Stepwise(catalog_url)
    before = "base"
    for number, step in enumerate(STEPS):
        old = rows(catalog)
        assert all(old.values()), step
        catalog.upgrade(step)
        new = rows(catalog)
        forgotten = {name for name, held in new.items() if not held} & FORGOTTEN
        assert same(*kept(old, new, forgotten)) == [], f"{step} up"
        catalog.downgrade(before)
        found = rows(catalog)
        emptied = {name for name, held in found.items() if not held} & REFILLED
        assert same(*kept(old, found, emptied)) == [], f"{step} down"
        catalog.upgrade(step)
        again = rows(catalog)
        assert same(*kept(new, again, emptied)) == [], f"{step} up, down, up"
        add_rows(catalog, number)
        before = step
    assert set(rows(catalog)) == set(metadata.tables)
    for step in (*STEPS[-2::-1], "base"):  # also with rows that only the newer schema can have made
        full = rows(catalog)
        assert all(full.values()), step
        catalog.downgrade(step)
        found = rows(catalog)
        emptied = {name for name, held in found.items() if not held} & REFILLED
        assert same(*kept({name: full[name] for name in found if name in full}, found, emptied)) == [], f"to {step}"
        add_rows(catalog, 0, emptied)
    assert tables(catalog) == []
    catalog.upgrade()
    assert set(rows(catalog)) == set(metadata.tables)
    catalog.close()


def test_a_step_that_loses_a_row_is_noticed() -> None:
    """What the test above compares with: a row, a value or a whole table that is gone."""
    held: Rows = {"runs": [{"id": "a", "status": "x"}, {"id": "b", "status": "y"}], "jobs": [{"id": 1}]}
    for lost in (
        {**held, "runs": held["runs"][:1]},
        {**held, "runs": [{"id": "a", "status": "x"}, {"id": "b", "status": "x"}]},
        {**held, "jobs": []},
    ):
        assert same(*kept(held, lost)) != []
    assert same(*kept(held, {"runs": [{"id": one["id"], "more": 1} for one in held["runs"]]})) == []


def wrong_order(scripts: dict[str, str]) -> list[str]:
    """What is wrong with a history, given as its files' names and texts. Alembic itself keeps one of two files that
    state the same revision, and only warns: the other's step would never be made."""
    found: list[str] = []
    before: str | None = None
    for name in sorted(scripts):
        stated = [(key, value or None) for key, value in STATED.findall(scripts[name])]
        said = dict(stated)
        if len(stated) != 2 or len(said) != 2:
            found.append(f"{name} states not one revision and one before it")
        elif not name.startswith(f"{said['revision']}_"):
            found.append(f"{name} does not begin with its revision {said['revision']}")
        elif said["down_revision"] != before:
            found.append(f"{name} follows {said['down_revision']}, not {before}")
        before = said.get("revision")
    return found


def test_revisions_are_one_line_and_files_are_named_by_them() -> None:
    files = Path(HISTORY.versions).glob("*.py")
    scripts = {path.name: path.read_text(encoding="utf-8") for path in files if path.name != "__init__.py"}
    assert wrong_order(scripts) == []
    revisions = [name.split("_", 1)[0] for name in sorted(scripts)]
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)] == STEPS
    assert revisions[-1] == HEAD


@pytest.mark.parametrize(
    ("name", "revision", "before"),
    [
        ("0002_other.py", "0002", "0001"),  # two files with one revision
        ("0003_other.py", "0002", "0001"),
        ("0003_other.py", "0003", "0001"),  # two that follow the same: two heads
        ("0004_other.py", "0003", "0002"),
    ],
)
def test_a_history_that_is_no_line_is_noticed(name: str, revision: str, before: str) -> None:
    scripts = {
        "0001_first.py": 'revision = "0001"\ndown_revision = None\n',
        "0002_second.py": 'revision: str = "0002"\ndown_revision: str | None = "0001"\n',
    }
    assert wrong_order(scripts) == []
    assert wrong_order({**scripts, name: f'revision = "{revision}"\ndown_revision = "{before}"\n'}) != []
