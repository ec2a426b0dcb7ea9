"""Rows to stdout, or to a file, all or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from registry.cli.output import show
from registry.core.errors import UsageError
from registry.exports import rows as formats
from registry.files import whole_file


def write_rows(rows: Iterable[formats.Row], form: str, out: Path | None) -> None:
    """Write rows in ``form`` to ``out``, or to stdout where none is given."""
    if out is not None:
        with whole_file(out) as stream:
            formats.write(rows, form, stream)
    elif form in formats.TEXTS:
        show(formats.TEXTS[form](rows), end="")
    else:
        raise UsageError(f"{form} is a binary format, written only to a file", hint="name a file with -o.")
