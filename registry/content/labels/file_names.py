"""Which file of a folder a row means: exact bytes first, then names that look the same.

Invariants: an exact name always wins over a similar one. An inexact match is reported (``Match.note``). If two files
fit equally well, the row is rejected with what tells them apart; none is guessed.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from registry.core.errors import InvalidInput

PLACES = ("", "images/")  # where a file is looked for, below the folder of its table
Form = Callable[[str], str]


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _caseless(name: str) -> str:
    return unicodedata.normalize("NFC", _composed(name).casefold())


_FORMS: tuple[tuple[Form, str], ...] = (
    (_composed, "is written with other Unicode signs (NFC, NFD)"),
    (_caseless, "differs in upper and lower case"),
)


@dataclass(frozen=True)
class Match:
    """A file of the folder, and how its name differs from the one that was asked for (None: not at all)."""

    path: str
    note: str | None = None


class Names:
    """The files of one folder by their paths, with slashes."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = list(paths)
        self._sorted = sorted(self._paths)
        self._similar: dict[Form, dict[str, list[str]]] = {}
        self._last: dict[str, list[str]] | None = None
        self._nearby: dict[str, list[str]] | None = None

    def find(self, name: str, base: str = "", anywhere: bool = False) -> Match | None:
        """The file that ``name`` means below ``base``, beside the table or in images/; None if there is none.

        ``anywhere``: also in any folder, if only one holds it. ``InvalidInput`` (``ambiguous_name``) where two files
        fit alike.
        """
        slashed = name.replace("\\", "/")
        for asked in dict.fromkeys((name, name.strip(), slashed, slashed.strip())):
            found = self._below(asked, base)
            if found is not None:
                as_windows = asked not in (name, name.strip())
                return Match(found.path, f"{name} is read with \\ as /") if as_windows and not found.note else found
        return self._anywhere(slashed.strip()) if anywhere else None

    def above(self, name: str, base: str, links: Collection[str]) -> str | None:
        """The one of ``links`` that would have to be gone through to the file that ``name`` asks for."""
        tidy = "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))
        for place in PLACES:
            parts = (base + place + tidy).split("/")
            for end in range(1, len(parts)):
                if "/".join(parts[:end]) in links:
                    return "/".join(parts[:end])
        return None

    def near(self, name: str) -> str | None:
        """The only file that is called so in another folder, or so but for its ending; None if there is none."""
        last = _caseless(name.replace("\\", "/").rpartition("/")[2].strip())
        if self._nearby is None:
            self._nearby = {}
            for path in self._paths:
                own = _caseless(path.rpartition("/")[2])
                for key in {own, own.rpartition(".")[0]} - {""}:
                    self._nearby.setdefault(key, []).append(path)
        for key in (last, last.rpartition(".")[0]):
            fits = self._nearby.get(key, []) if key else []
            if fits:
                return fits[0] if len(fits) == 1 else None
        return None

    def _below(self, name: str, base: str) -> Match | None:
        tidy = "/".join(part for part in name.split("/") if part not in ("", "."))
        wanted = [base + place + tidy for place in PLACES]
        for path in wanted:
            if self._has(path):
                return Match(path)
        for form, how in _FORMS:
            for path in wanted:
                fits = self._of(form).get(form(path), [])
                if len(fits) > 1:
                    raise _ambiguous(name, fits)
                if fits:
                    return Match(fits[0], f"{name} {how} in the folder: {fits[0]}")
        return None

    def _has(self, path: str) -> bool:
        index = bisect_left(self._sorted, path)
        return index < len(self._sorted) and self._sorted[index] == path

    def _of(self, form: Form) -> dict[str, list[str]]:
        if form not in self._similar:
            table: dict[str, list[str]] = {}
            for path in self._paths:
                table.setdefault(form(path), []).append(path)
            self._similar[form] = table
        return self._similar[form]

    def _anywhere(self, name: str) -> Match | None:
        if self._last is None:
            self._last = {}
            for path in self._paths:
                self._last.setdefault(path.rpartition("/")[2], []).append(path)
        fits = [path for path in self._last.get(name.rpartition("/")[2], []) if f"/{path}".endswith(f"/{name}")]
        if len(fits) > 1:
            raise _ambiguous(name, fits)
        return Match(fits[0]) if fits else None


def _ambiguous(name: str, fits: list[str]) -> InvalidInput:
    """Names that look alike are shown by their signs."""
    looks_alike = len({_composed(path) for path in fits}) < len(fits)
    shown = " and ".join(ascii(path) if looks_alike else repr(path) for path in fits[:3])
    return InvalidInput(
        f"{name!r} could be several files: {shown}",
        code="ambiguous_name",
        hint="write the name as the file has it, or rename one of them.",
    )
