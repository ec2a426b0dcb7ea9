"""What a person or a program reads: documents on stdout, progress on stderr, errors as one sentence."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Output:
    """One command's output: ``--json`` prints documents, ``--quiet`` the ids alone, otherwise text."""

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        self.as_json, self.quiet = as_json, quiet

    def document(self, document: Document, *, identity: str | None, text: Sequence[str]) -> None:
        """Print one document: whole, its id alone, or as the lines of ``text``."""
        if self.as_json:
            print(json.dumps(document, ensure_ascii=False))
        elif self.quiet:
            if identity is not None and document.get(identity) is not None:
                print(document[identity])
        else:
            print(plain("\n".join(text)))

    def lines(self, documents: Iterable[Document], *, identity: str, columns: Sequence[str]) -> None:
        """Print a list: one document a line, ids alone, or a table of ``columns``."""
        rows = list(documents)
        if self.as_json:
            for row in rows:
                print(json.dumps(row, ensure_ascii=False))
        elif self.quiet:
            for row in rows:
                print(row[identity])
        else:
            print(plain(table(columns, [[cell(row.get(column)) for column in columns] for row in rows])))

    def say(self, text: str) -> None:
        """A line for people, on stderr, unless they asked for quiet."""
        if not self.quiet:
            print(plain(text), file=sys.stderr)

    def progress(self) -> Bars:
        """Progress bars on stderr; silent with ``--quiet``."""
        return Bars(shown=not self.quiet)


def plain(text: str) -> str:
    """Text without signs that would steer a terminal: a stranger's record may hold any."""
    return _STEERING.sub("\ufffd", text)


def cell(value: Any) -> str:
    """A value as it stands in a table for people."""
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items()) or "-"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "-"
    return str(value)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, two spaces between."""
    if not rows:
        return "nothing"
    widths = [max(len(str(row[index])) for row in [head, *rows]) for index in range(len(head))]
    lines = [
        "  ".join(str(text).ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in [head, *rows]
    ]
    return "\n".join(lines)


class Bars:
    """Progress bars, one a step; call it as a progress callback."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._bars: dict[str, Any] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        if not self._shown:
            return
        from tqdm import tqdm

        if what not in self._bars:
            self._bars[what] = tqdm(total=total or None, desc=what.ljust(14), leave=True, file=sys.stderr, ncols=88)
        bar = self._bars[what]
        bar.total = total or None  # a fetch learns of more as it goes
        bar.update(done - bar.n)
        if total and done >= total:
            bar.refresh()

    def note(self, what: str, text: str) -> None:
        """Show a short text behind a bar."""
        if what in self._bars:
            self._bars[what].set_postfix_str(text)

    def say(self, text: str) -> None:
        """A line above the bars."""
        if self._shown:
            from tqdm import tqdm

            tqdm.write(text, file=sys.stderr)

    def close(self) -> None:
        """End all bars."""
        for bar in self._bars.values():
            bar.close()
        self._bars.clear()
