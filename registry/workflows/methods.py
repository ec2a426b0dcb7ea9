"""The training methods that are installed here, by their entry points' names."""

from __future__ import annotations

from importlib import metadata
from typing import cast

from registry.core.errors import NotFound
from registry.core.method import Method

GROUP = "emotionet.methods"


def installed(name: str) -> Method:
    """A training method by its entry point's name. ``NotFound`` if it is not installed."""
    for found in metadata.entry_points(group=GROUP, name=name):
        return cast(Method, found.load()())
    raise NotFound(f"the training method {name!r} is not installed here", hint="install the package that brings it.")
