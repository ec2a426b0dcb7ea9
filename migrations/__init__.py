"""The catalog's schema history: one that passes on SQLite and on PostgreSQL."""
