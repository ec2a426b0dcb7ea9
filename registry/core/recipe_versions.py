"""Which versions of a method's recipes are read, and what an old one's values mean today (docs/adr/0011).

A recipe's record holds every value as resolved and the version of its method's keys. A method states what each older
version lacks (``Lacked``); a key that came later then has the value that it stood for before it existed. What the
registry itself reads of a recipe (folds, evaluation, seed, final) changes with the version of the record type instead.

Invariants: pure; no value that a record holds is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from registry.core.errors import InvalidInput, NewerVersion

Lacked = Mapping[str, Any]  # what one version has not: key to value, or section to its keys and values


def newest(lacked: Sequence[Lacked]) -> int:
    """The version that is written, where ``lacked`` tells of each one before."""
    return 1 + len(lacked)


def read_values(method: str, version: int, values: Mapping[str, Any], lacked: Sequence[Lacked]) -> dict[str, Any]:
    """The values of a recipe of ``version`` with all that came later. ``NewerVersion`` for a version that did itself;
    ``InvalidInput`` (``bad_recipe``) for no version, or a key that its version has not."""
    if version > newest(lacked):
        raise NewerVersion(f"the recipes of {method}", version)
    if version < 1:
        raise InvalidInput(f"{version} is not a version of a recipe", code="bad_recipe")
    found = dict(values)
    for more in lacked[version - 1 :]:
        found = _with(found, more, "")
    return found


def _with(values: Mapping[str, Any], more: Lacked, where: str) -> dict[str, Any]:
    found = dict(values)
    for name, meant in more.items():
        held = found.get(name)
        if isinstance(meant, Mapping) and isinstance(held, Mapping):
            found[name] = _with(held, meant, f"{where}{name}.")
        elif name in found:
            raise InvalidInput(f"a recipe of this version has no {where}{name}", code="bad_recipe")
        else:
            found[name] = meant
    return found
