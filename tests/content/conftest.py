"""A real Kubo for the tests that want one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import require
from tests.support.kubo import Kubo, find, kubo_node


@pytest.fixture(scope="session")
def kubo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubo]:
    """A node with the profile unixfs-v1-2025."""
    program = find()
    require("kubo", program)
    with kubo_node(str(program), tmp_path_factory.mktemp("kubo")) as node:
        yield node


@pytest.fixture(scope="session")
def old_kubo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubo]:
    """A node with the profile unixfs-v0-2015: the way it counts a directory's size is a setting of the node."""
    program = find()
    require("kubo", program)
    with kubo_node(str(program), tmp_path_factory.mktemp("old-kubo"), "unixfs-v0-2015") as node:
        yield node
