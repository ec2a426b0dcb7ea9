"""The training methods that are installed here, by their entry points' names, and the options that they have."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from typing import Any, cast

from registry.core.errors import NotFound, Unavailable, UsageError
from registry.core.ports.method import Method, MethodCard

GROUP = "emotionet.methods"


def check_options(about: MethodCard, given: Mapping[str, Any]) -> None:
    """``UsageError`` (``bad_option``) unless these are options that a method has, within their bounds."""
    known = {one.name: one for one in about.options}
    for name, value in given.items():
        if name not in known:
            raise UsageError(
                f"{about.name} has no option {name[:60]!r}", code="bad_option", hint=f"it has {', '.join(known)}."
            )
        low, high = known[name].low, known[name].high
        if type(value) is not int or not low <= value <= high:
            raise UsageError(
                f"{name} must be a whole number from {low} to {high}, not {value!r}",
                code="bad_option",
                hint="give another one, or leave it out.",
            )


def names() -> tuple[str, ...]:
    """The methods that are installed, by name."""
    return tuple(sorted(_provided().names))


def is_named(name: str) -> bool:
    """Whether a package that is installed here provides this method; what that needs in turn is not looked at."""
    return name in _provided().names


def installed(name: str) -> Method:
    """A training method by its entry point's name. ``NotFound`` if it is not installed, ``Unavailable``
    (``not_installed``) if a package that it needs is not: who audits then can't compare, and nothing is wrong."""
    for found in _provided().select(name=name):
        try:
            return cast(Method, found.load()())
        except ImportError as error:
            raise Unavailable(
                f"the training method {name!r} can't be loaded here: {error}",
                code="not_installed",
                hint="install what it needs: pip install 'emotionet[train]' for the documented one.",
            ) from error
    raise NotFound(f"the training method {name!r} is not installed", hint="install the package that provides it.")


def _provided() -> metadata.EntryPoints:
    return _of_path(tuple(sys.path))


@lru_cache(maxsize=4)
def _of_path(_: tuple[str, ...]) -> metadata.EntryPoints:
    """What the packages on a path provide: every package's files are read for it, so once a process."""
    return metadata.entry_points(group=GROUP)
