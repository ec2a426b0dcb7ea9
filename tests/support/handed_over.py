"""A home whose log is handed over to a new key, as `keys rotate` does it."""

from __future__ import annotations

from typing import Any

from registry.assembly import Home, open_home
from registry.provenance.keys import replacing
from registry.settings import read_settings
from registry.workflows.keys.change_keys import change_keys


def reopened() -> Home:
    """The home of the environment, once more."""
    return open_home(read_settings())


def rotate(home: Home, **wanted: Any) -> Home:
    """``wanted`` goes into ``change_keys``; the home opened again."""
    new = replacing.next_key(home.settings.home, home.settings.passphrase)
    change_keys(home, home.key, new, **wanted)
    replacing.take_over(home.settings.home, new.address)
    return reopened()
