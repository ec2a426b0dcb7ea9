"""The drill in docs/backup.md, as it is written there; and stores of other versions."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from registry.content.stores.embedded import EmbeddedStore
from registry.core.errors import NewerVersion
from registry.core.ipld.cid import RAW, cid_of
from tests.conftest import ROOT
from tests.support.forgery import PLUGIN, simulated_release


def test_the_drill_is_done_as_it_is_written(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "backup.md").read_text(encoding="utf-8")
    (drill,) = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    with simulated_release(tmp_path) as released:
        release = str(released.entry)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "EMOTIONET_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(PLUGIN),
        "RELEASE": release,
    }
    shell = ["bash", "-e", "-c", drill]
    done = subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "goes on after entry" in done.stdout, done.stderr
    assert "every block hashes to its CID" in done.stdout
    assert release in done.stdout


def test_a_store_of_a_newer_version_is_refused_in_a_sentence_and_an_older_one_read(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    cid = cid_of(b"held", RAW)
    store.put(cid, b"held")
    store.flush()
    store.close()

    def written_by(version: int) -> None:
        with sqlite3.connect(tmp_path / "index.sqlite") as db:
            db.execute(f"PRAGMA user_version = {version}")

    written_by(0)
    store = EmbeddedStore(tmp_path)
    assert store.get(cid) == b"held"
    store.close()
    written_by(2)
    with pytest.raises(NewerVersion, match="version 2 of the block store is newer than this program"):
        EmbeddedStore(tmp_path)
