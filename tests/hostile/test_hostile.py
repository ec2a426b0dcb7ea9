"""Each kind of hostile release gets its answer, from the audit and from the page's verifier, in bounded memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.kinds import KINDS, made, of_rows
from tests.support.forgery import simulated_release
from tests.support.verifier import verified

MOST = 500_000_000  # bytes
ROWS = 30_000
ALL = KINDS | of_rows(ROWS)
FAILS = {  # the check that says what is wrong
    "cycle": "1.blocks",
    "depth 10,000, a card": "6.card",
    "depth 10,000, weights": "6.weights",
    "1 TB of a card in few blocks": "6.card",
    "1 TB of weights in few blocks": "6.weights",
    "1 TB section": "1.file",
    "25,000 roots": "1.complete",
    "10 million predictions stated": "1.tables",
    f"{ROWS:,} predictions": "1.tables",
    "2**63 - 1 images stated": "4.items",
    "names that look alike": "6.weights",
    "classes that look alike": "4.items",
    "entry that names itself": "1.blocks",
    "entry that signs an entry": "2.log",
    "version 2**63 - 1": "2.log",
    "release that supersedes its own": "",  # which harms nobody
}
IN_THE_PAGE = FAILS | {  # which makes no 6.card, and of what is newer than itself says that alone
    "depth 10,000, a card": "",
    "1 TB of a card in few blocks": "",
    "version 2**63 - 1": "",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("hostile")
    with simulated_release(folder / "honest") as release:
        return made(release, folder, ALL)


@pytest.fixture(scope="module")
def audited(files: dict[str, Path]) -> dict[str, Any]:
    """What the audit says of each, in a process of its own."""
    command = [sys.executable, "-m", "tests.hostile.judge", *map(str, files.values())]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    return dict(zip(files, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.fixture(scope="module")
def shown(node: str, files: dict[str, Path]) -> dict[str, Any]:
    """What the page's verifier says of each."""
    return dict(zip(files, verified(node, *files.values()), strict=True))


@pytest.mark.parametrize("kind", ALL)
def test_the_audit_says_what_is_wrong(audited: dict[str, Any], kind: str) -> None:
    wanted, found = FAILS.get(kind, "1.records"), audited[kind]
    assert (wanted in found["failed"]) if wanted else not found["failed"], found
    assert found["answer"].endswith(".")
    assert all(reason and "Traceback" not in reason for reason in found["failed"].values())


@pytest.mark.parametrize("kind", ALL)
def test_the_page_says_what_is_wrong(shown: dict[str, Any], kind: str) -> None:
    wanted, found = IN_THE_PAGE.get(kind, "1.records"), shown[kind]
    failed = {check["id"]: check["reason"] for check in found["checks"] if check["result"] == "does not hold"}
    assert (wanted in failed) if wanted else not failed, failed
    assert not any(reason.startswith("the check broke off") for reason in failed.values()), failed


def test_all_of_them_are_audited_in_500_megabytes(audited: dict[str, Any]) -> None:
    assert max(one["peak"] for one in audited.values()) < MOST
