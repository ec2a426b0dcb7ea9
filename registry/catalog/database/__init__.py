"""Connections to SQLite and PostgreSQL: opening, statements made once, bulk writing, migrations at the start."""
