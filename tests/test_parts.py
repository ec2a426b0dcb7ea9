"""A real part that is missing is said, and fails where it is demanded; nothing reaches beyond the loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SOLC = ["tests/provenance/test_contract.py", "-k", "compiling or another_setting"]


def run(arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """A pytest of its own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    given = {**os.environ, "EMOTIONET_REQUIRE_PARTS": "", **environment}
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=120, check=False)


def test_a_missing_part_is_said_in_the_last_lines() -> None:
    done = run(SOLC, EMOTIONET_NODE_MODULES="/nowhere")
    assert done.returncode == 0
    said, closing = done.stdout.splitlines()[-2:]
    assert said.startswith("LEFT OUT: 2 tests that need solc; npm install")
    assert "2 skipped" in closing


def test_where_parts_are_demanded_a_missing_one_fails() -> None:
    done = run(SOLC, EMOTIONET_NODE_MODULES="/nowhere", EMOTIONET_REQUIRE_PARTS="1")
    assert done.returncode == 1
    assert "solc is not here" in done.stdout


def test_missing_photographs_are_said_but_never_demanded() -> None:
    probe = ["tests/test_parts.py", "-k", "photographs_can"]
    for demanded in ("", "1"):
        done = run(probe, EMOTIONET_TEST_DATA="/nowhere", EMOTIONET_REQUIRE_PARTS=demanded)
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
