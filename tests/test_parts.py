"""A real part that is missing is said, and fails where it is demanded; nothing reaches beyond the loopback."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT
from tests.support.processes.together import alone

SOLC = ["tests/provenance/test_contract.py", "-k", "compiling or another_setting"]


class Done(NamedTuple):
    """How a pytest ended, and what it said."""

    returncode: int | None
    stdout: str


def _pytest(arguments: list[str], environment: dict[str, str], out: Path) -> None:
    os.environ.update(environment)
    os.chdir(ROOT)
    with out.open("wb") as said:
        os.dup2(said.fileno(), 1)
    sys.exit(int(pytest.main(["-q", "-p", "no:cacheprovider", "--assert=plain", *arguments])))


def run(arguments: list[str], folder: Path, **environment: str) -> Done:
    """A pytest of its own, in a process that has loaded most of what it needs."""
    out = folder / "said"
    ended = alone(_pytest, arguments, {"EMOTIONET_REQUIRE_PARTS": "", **environment}, out)
    return Done(ended, out.read_text(encoding="utf-8"))


def test_a_missing_part_is_said_in_the_last_lines(tmp_path: Path) -> None:
    done = run(SOLC, tmp_path, EMOTIONET_NODE_MODULES="/nowhere")
    assert done.returncode == 0
    said, closing = done.stdout.splitlines()[-2:]
    assert said.startswith("LEFT OUT: 2 tests that need solc; npm install")
    assert "2 skipped" in closing


def test_where_parts_are_demanded_a_missing_one_fails(tmp_path: Path) -> None:
    done = run(SOLC, tmp_path, EMOTIONET_NODE_MODULES="/nowhere", EMOTIONET_REQUIRE_PARTS="1")
    assert done.returncode == 1
    assert "solc is not here" in done.stdout


def test_missing_photographs_are_said_but_never_demanded(tmp_path: Path) -> None:
    probe = ["tests/test_parts.py", "-k", "photographs_can"]
    for demanded in ("", "1"):
        done = run(probe, tmp_path, EMOTIONET_TEST_DATA="/nowhere", EMOTIONET_REQUIRE_PARTS=demanded)
        assert done.returncode == 0
        assert "LEFT OUT: 1 tests on real photographs" in done.stdout


def test_photographs_can_be_read(shared_data: object) -> None:
    assert shared_data


def test_the_loopback_is_all_there_is() -> None:
    for connect in (socket.socket.connect, socket.socket.connect_ex):
        with socket.socket() as probe, pytest.raises(AssertionError, match="wanted to reach"):
            connect(probe, ("192.0.2.1", 80))
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
