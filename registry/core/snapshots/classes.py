"""Classes in their order, and the labels that mean them.

Invariants: a label as it was given means one class, or none; labels are compared by ``normal``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from registry.core.errors import InvalidInput
from registry.core.text.cleaning import clean

BACKGROUND = -1  # instead of a class's index: the picture shows nothing of any class
NOTHING = "nothing"  # how a file of classes says that: ``fondo = nothing``
CLASS_SETS: dict[str, str] = {
    "emociones": "triste, sad, 0\nsorprendido, surprised, 1\nfeliz, happy, 2\nenojado, angry, 3\n",
}


@lru_cache(maxsize=4096)
def normal(label: str) -> str:
    """A label as it is compared: NFC, trimmed, casefolded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", label).strip().casefold())


class Classes(NamedTuple):
    """Class names in their order, and what labels mean them: normal label -> index of the class, or ``BACKGROUND``."""

    names: tuple[str, ...]
    aliases: dict[str, int]

    def index_of(self, label: str) -> int | None:
        """The index of the class that a label as given means, ``BACKGROUND``, or None if it means neither."""
        return self.aliases.get(normal(label))

    def class_of(self, label: str | None) -> str | None:
        """The name of the class that a label as given means; None if it means none."""
        index = None if label is None else self.index_of(label)
        return None if index is None else self.name_of(index)

    def labels_of(self, wanted: str, given: Iterable[str]) -> list[str]:
        """Of ``given`` labels those that are ``wanted`` itself, or mean it where it is the name of a class."""
        index = self.index_of(wanted)
        is_class = index is not None and index != BACKGROUND and normal(self.names[index]) == normal(wanted)
        return [label for label in given if label == wanted or (is_class and self.index_of(label) == index)]

    def name_of(self, index: int) -> str | None:
        """A class's name; None of ``BACKGROUND``, as an item's label is."""
        return None if index == BACKGROUND else self.names[index]


def classes_of(names: Sequence[str], aliases: Mapping[str, int]) -> Classes:
    """Classes as a ``Snapshot`` record states them. ``InvalidInput`` ``bad_classes`` if they contradict themselves."""
    if not names or len(set(names)) != len(names):
        raise InvalidInput(
            "classes must be different names, at least one",
            code="bad_classes",
            hint="write a line a class; `label = nothing` names pictures without an object, beside the classes.",
        )
    if any(not BACKGROUND <= index < len(names) for index in aliases.values()):
        raise InvalidInput("every alias must mean one of the classes, or none (-1)", code="bad_classes")
    if any(aliases.get(normal(name)) != index for index, name in enumerate(names)):
        raise InvalidInput("every class must be an alias of itself", code="bad_classes")
    return Classes(tuple(names), dict(aliases))


def load_classes(name_or_text: str) -> Classes:
    """A set in ``CLASS_SETS`` by its name, or the text of a file: a line ``name[, alias...]`` a class, in order.

    A line ``label[, label...] = nothing`` is no class: pictures with these labels show nothing of any class. Empty
    lines and lines that begin with ``#`` are left out. ``InvalidInput`` ``bad_classes`` if a label would
    mean two classes, if there are none, or if it is one word that names no set.
    """
    text = CLASS_SETS.get(name_or_text, name_or_text)
    if "\n" not in text and "," not in text:
        known = ", ".join(sorted(CLASS_SETS))
        raise InvalidInput(
            f"{text[:200]!r} is no file and no set of classes",
            code="bad_classes",
            hint=f"name a file, or one of: {known}.",
        )
    names: list[str] = []
    aliases: dict[str, int] = {}
    for line in text.removeprefix("\ufeff").splitlines():
        if not line.strip() or line.strip().startswith("#"):
            continue
        labels, equals, meaning = line.rpartition("=")
        background = bool(equals) and normal(meaning) == NOTHING
        words = [_class_word(word) for word in (labels if background else line).split(",")]
        if not background:
            names.append(words[0])
        index = BACKGROUND if background else len(names) - 1
        for word in words:
            if aliases.setdefault(normal(word), index) != index:
                raise InvalidInput(
                    f"{word!r} in the classes means two of them",
                    code="bad_classes",
                    hint="write a line a class, its name first and then other labels that mean it, each label once.",
                )
    return classes_of(names, aliases)


def _class_word(word: str) -> str:
    try:
        return clean("label", word)
    except InvalidInput as error:
        raise InvalidInput(
            f"{word!r} in the classes is not a label: {error}", code="bad_classes", hint=error.hint
        ) from error
