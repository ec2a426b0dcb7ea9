"""A killed import, run again, ends as if it had never been killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from registry.assembly import open_home
from registry.catalog.queries.labeled_images import images
from registry.settings import read_settings
from tests.support.logs import log_of

FILES = 400
LABELS = ("triste", "sorprendido", "feliz", "enojado")


def command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "registry.cli.main", "import", str(folder), "--json"]


def finished(folder: Path, home: Path) -> dict[str, Any]:
    environment = {**os.environ, "EMOTIONET_HOME": str(home)}
    done = subprocess.run(command(folder), env=environment, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def state(home: Path) -> dict[str, Any]:
    """What the catalog and the log say, pseudonyms and the key aside, which are random in every home."""
    opened = open_home(read_settings({"EMOTIONET_HOME": str(home)}))
    try:
        with opened.catalog.read() as db:
            page, _ = images.list_images(db, limit=1000)
            log = log_of(db, opened.key.did)
        for image in page:
            for speaker in image["speakers"]:
                assert speaker.pop("issuer") == opened.key.did
        assert list(opened.store.verify()) == []  # type: ignore[attr-defined]
        return {
            "images": [{name: value for name, value in image.items() if name != "subject"} for image in page],
            "log": [(row["seq"], row["record_type"]) for row in log],
            "roots": sorted(map(str, opened.store.pins())),
        }
    finally:
        opened.close()


def test_killed_at_any_time_it_ends_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    lines = ["file,label,contributor,subject"]
    for number in range(FILES):
        (folder / f"{number}.jpg").write_bytes(os.urandom(20_000))
        lines.append(f"{number}.jpg,{LABELS[number % 4]},anna,person {number // 3}")
    (folder / "labels.csv").write_text("\n".join(lines))
    first = finished(folder, tmp_path / "whole")
    environment = {**os.environ, "EMOTIONET_HOME": str(tmp_path / "killed")}
    for delay in (0.3, 0.6, 0.9, 1.1, 1.3, 1.5, 1.7, 2.0):
        process = subprocess.Popen(
            command(folder),
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    last = finished(folder, tmp_path / "killed")
    assert last["root"] == first["root"]
    assert last["registered"] + last["unchanged"] == FILES
    assert state(tmp_path / "killed") == state(tmp_path / "whole")
