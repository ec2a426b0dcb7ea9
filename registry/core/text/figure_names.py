r"""Names of figures: from what a figure is of to its one name, and back.

Grammar::

    NAME  = METRIC | METRIC "(" OF ")"
    OF    = CLASS | GROUP | GROUP ", " CLASS                    of a metric in no way of comparing
          | "class" | ATTRIBUTE { " & " ATTRIBUTE }             of one in GAPS: what is compared
    GROUP = ATTRIBUTE "=" VALUE { " & " ATTRIBUTE "=" VALUE }
    CLASS, ATTRIBUTE, VALUE = bare text, or in double quotes as in JSON: "feliz (muy)"

Bare text holds none of ``( ) = & , < > " \``, no control or invisible sign, and no blank at either end; whatever holds
one is quoted, and nothing else is. So ``recall(a=b)`` is of a group and ``recall("a=b")`` of a class, whatever names
people give: no two figures have one name.

Invariants: ``parse(name_of(parts)) == parts``, and of two different parts the names differ, as long as no attribute has
a name in RESERVED. Attributes stand in the order of their names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from registry.core.errors import InvalidInput

CLASSES = "class"  # what a gap between classes is of
RESERVED = frozenset({CLASSES})  # no attribute's name, in any case of its letters
GAPS = frozenset(
    {"recall_gap", "worst_recall"}
    | {
        f"{kind}_{form}"
        for kind in ("demographic_parity", "equal_opportunity", "equalized_odds")
        for form in ("difference", "ratio")
    }
)
MAX_NAME = 4000  # characters; two attributes and a class of 200 each, every sign escaped
_INVISIBLE = "\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff"
_SIGNS = r"()=&,<>\"\\"
_BARE = re.compile(rf"[^\s{_SIGNS}{_INVISIBLE}](?:[^{_SIGNS}{_INVISIBLE}]*[^\s{_SIGNS}{_INVISIBLE}])?")
_ESCAPED = re.compile(rf"[{_INVISIBLE}]")
_QUOTED = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_METRIC = re.compile(r"[a-z][a-z0-9_]{0,63}")
_BLANKS = re.compile(r"[ \t]*")
HINT = 'put a class, an attribute or a value that holds any of ( ) = & , < > in double quotes: f1("happy (very)").'


Group = tuple[tuple[str, str], ...]  # attributes with their values, by the attributes' names


class FigureName(NamedTuple):
    """What a figure is of: nothing more than all images; ``of`` what is compared (``("class",)`` or attributes);
    ``group`` attributes with their values; ``label`` a class."""

    metric: str
    of: tuple[str, ...] = ()
    group: Group = ()
    label: str | None = None


def check_attribute(name: str) -> str:
    """``name`` as it is. ``InvalidInput`` (``reserved_name``) for one that figures are named by."""
    if name.casefold() in RESERVED:
        raise InvalidInput(
            f"an attribute can't be called {name!r}: figures of classes are named so",
            code="reserved_name",
            hint=f"rename it, attr.{name} to attr.school_{name} for instance.",
        )
    return name


def word(text: str) -> str:
    """A class, an attribute or a value as it stands in a name."""
    return text if _BARE.fullmatch(text) else quoted(text)


def quoted(text: str) -> str:
    """A word in quotes."""
    return _ESCAPED.sub(lambda sign: f"\\u{ord(sign[0]):04x}", json.dumps(text, ensure_ascii=False))


def group_name(group: Mapping[str, str]) -> str:
    """``ATTRIBUTE=VALUE``, several by `` & `` in the order of the attributes' names."""
    return " & ".join(f"{word(name)}={word(value)}" for name, value in sorted(group.items()))


@lru_cache(1 << 12)  # a page asks for those of its few hundred figures again and again
def name_of(parts: FigureName) -> str:
    """The one name of a figure."""
    said = [" & ".join(map(word, parts.of)), group_name(dict(parts.group))]
    said = [*filter(None, said), *([] if parts.label is None else [word(parts.label)])]
    return f"{parts.metric}({', '.join(said)})" if said else parts.metric


def of_class(metric: str, label: str) -> str:
    """The name of a class's figure, or curve."""
    return name_of(FigureName(metric, label=label))


def parse(name: str) -> FigureName:
    """What a name is of; a word may be quoted without need. ``InvalidInput`` (``bad_figure_name``) for no name."""
    found = _METRIC.match(name) if len(name) <= MAX_NAME else None
    if found is None:
        raise _no_name(name)
    scanner = _Scanner(name, found.end())
    parts = _of(found[0], scanner) if scanner.takes("(") else FigureName(found[0])
    if not scanner.ended:
        raise _no_name(name)
    return parts


def _of(metric: str, scanner: _Scanner) -> FigureName:
    """What stands in the brackets, the closing one taken."""
    first = scanner.word()
    if metric in GAPS:
        of = [first]
        while scanner.takes("&"):
            of.append(scanner.word())
        scanner.needs(")")
        return FigureName(metric, tuple(sorted(of)))
    if not scanner.takes("="):
        scanner.needs(")")
        return FigureName(metric, label=first)
    group = {first: scanner.word()}
    while scanner.takes("&"):
        name = scanner.word()
        scanner.needs("=")
        if name in group:
            raise _no_name(scanner.text)
        group[name] = scanner.word()
    label = scanner.word() if scanner.takes(",") else None
    scanner.needs(")")
    return FigureName(metric, group=tuple(sorted(group.items())), label=label)


class _Scanner:
    """Words and signs of a name, one after the other; blanks between them mean nothing."""

    def __init__(self, text: str, at: int) -> None:
        self.text, self.at = text, at

    def _skip(self) -> None:
        blanks = _BLANKS.match(self.text, self.at)
        self.at = blanks.end() if blanks else self.at

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        self._skip()
        return self.at == len(self.text)

    def takes(self, sign: str) -> bool:
        """Whether this sign comes next; it is then taken."""
        self._skip()
        there = self.text.startswith(sign, self.at)
        self.at += len(sign) if there else 0
        return there

    def needs(self, sign: str) -> None:
        """Take this sign; it must be there."""
        if not self.takes(sign):
            raise _no_name(self.text)

    def word(self) -> str:
        """Take a word."""
        self._skip()
        quoted, bare = _QUOTED.match(self.text, self.at), _BARE.match(self.text, self.at)
        found = quoted or bare
        if found is None:
            raise _no_name(self.text)
        self.at = found.end()
        try:
            return str(json.loads(found[0])) if quoted else found[0]
        except ValueError as error:
            raise _no_name(self.text) from error


def _no_name(text: str) -> InvalidInput:
    return InvalidInput(f"{text[:200]!r} is no name of a figure", code="bad_figure_name", hint=HINT)
