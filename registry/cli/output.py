"""What people and programs read: documents on stdout, progress on stderr, errors as one sentence.

Invariant: no character of a record that controls a terminal or reverses the order of text reaches a terminal. Text for
people, and everything that goes to a terminal, is printed without such characters; JSON has them escaped (and stays the
same JSON). Other text that goes into a file or a pipe is exact.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from registry.exports.json_text import FORMAT
from registry.exports.json_text import json_text as json_text

if TYPE_CHECKING:
    from registry.cli.progress import Bars

Document = Mapping[str, Any]
_STEERING = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f{FORMAT}]")


class Output:
    """One command's output: ``--json`` prints documents, ``--quiet`` the ids alone, otherwise text.

    A list on a terminal is cut to its width, unless it is to be ``wide``; elsewhere it is whole.
    """

    def __init__(self, *, as_json: bool, quiet: bool, wide: bool = False) -> None:
        self.as_json, self.quiet, self.wide = as_json, quiet, wide
        self._bars: Bars | None = None

    def document(self, document: Document, *, identity: str | None, text: Sequence[str]) -> None:
        """Print one document: whole, its id alone, or as the lines of ``text``."""
        self.close()
        if self.as_json:
            print(json_text(document))
        elif self.quiet:
            if identity is not None and document.get(identity) is not None:
                show(str(document[identity]))
        else:
            print(plain("\n".join(text)))

    def lines(
        self, documents: Iterable[Document], *, identity: str, columns: Sequence[str], drop: Sequence[str] = ()
    ) -> None:
        """Print a list: one document a line, ids alone, or a table of ``columns``.

        ``drop``: which columns a narrow terminal does without, the first first.
        """
        rows = list(documents)
        self.close()
        if self.as_json:
            for row in rows:
                print(json_text(row))
        elif self.quiet:
            for row in rows:
                show(str(row[identity]))
        else:
            self._table(columns, [[cell(row.get(column)) for column in columns] for row in rows], drop)

    def _table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], drop: Sequence[str]) -> None:
        if not rows or self.wide or not sys.stdout.isatty():
            print(plain(table(columns, rows)))
            return
        from registry.cli.fit import fit, lines_of

        cells = [[one_line(plain(text)) for text in row] for row in rows]
        shown, left_out = fit(columns, cells, shutil.get_terminal_size().columns, drop)
        print(lines_of(shown))
        if left_out:
            self.say(f"left out for want of room: {', '.join(left_out)}; --wide shows all")

    def say(self, text: str) -> None:
        """A line for people, on stderr, unless they asked for quiet."""
        if not self.quiet:
            print(plain(text), file=sys.stderr)

    def progress(self) -> Bars:
        """Progress bars on stderr; silent with ``--quiet``."""
        from registry.cli.progress import Bars

        self.close()
        self._bars = Bars(shown=not self.quiet)
        return self._bars

    def busy(self, text: str) -> None:
        """Show a line on a terminal during work that has no countable progress; the next output removes it."""
        bars = self.progress()
        if bars.on_terminal:
            bars.word(text)

    def close(self) -> None:
        """End the bars that are shown: what comes next stands below them."""
        if self._bars is not None:
            self._bars.close()
            self._bars = None


def warn(sentence: str, hint: str | None = None) -> None:
    """Print a warning on stderr, also with ``--quiet``, in the form of an error."""
    for line in (f"emotionet: warning: {sentence}", *((f"hint: {hint}",) if hint else ())):
        print(plain(" ".join(line.split("\n"))), file=sys.stderr)


def plain(text: str) -> str:
    """Text without characters that control a terminal: a stranger's record may hold any."""
    return _STEERING.sub("\ufffd", text)


def show(text: str, end: str = "\n") -> None:
    """Print text: exactly, unless it goes to a terminal."""
    print(plain(text) if sys.stdout.isatty() else text, end=end)


def cell(value: Any) -> str:
    """A value as text in a table for people."""
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items()) or "-"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "-"
    return str(value)


def one_line(text: str) -> str:
    """Text without line breaks and tabs: a stranger's text could otherwise forge lines below it."""
    return " ".join(text.split("\n")).replace("\t", " ")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, two spaces between; each row is a line."""
    if not rows:
        return "nothing"
    from registry.cli.fit import lines_of

    return lines_of([one_line(str(text)) for text in row] for row in [head, *rows])
