"""The training methods that are installed here, by their entry points' names."""

from __future__ import annotations

from importlib import metadata
from typing import cast

from registry.core.errors import NotFound, Unavailable
from registry.core.ports.method import Method

GROUP = "emotionet.methods"


def installed(name: str) -> Method:
    """A training method by its entry point's name. ``NotFound`` if it is not installed, ``Unavailable``
    (``not_installed``) if a package that it needs is not: who audits then can't compare, and nothing is wrong."""
    for found in metadata.entry_points(group=GROUP, name=name):
        try:
            return cast(Method, found.load()())
        except ImportError as error:
            raise Unavailable(
                f"the training method {name!r} can't be loaded here: {error}",
                code="not_installed",
                hint="install what it needs: pip install 'emotionet[train]' for the documented one.",
            ) from error
    raise NotFound(f"the training method {name!r} is not installed here", hint="install the package that brings it.")
