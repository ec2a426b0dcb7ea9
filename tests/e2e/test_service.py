"""What docker-compose starts, as plain processes: API and worker on a real PostgreSQL and a real chain, over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from registry.content.labels.labeled_folder import import_folder
from registry.content.stores.memory import MemoryStore
from registry.core.ipld import car
from registry.core.ipld.dag import walk_closure
from registry.demo import drawn_faces
from tests.conftest import free_port

SECONDS = 240


@contextlib.contextmanager
def process(environment: dict[str, str], log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """`emotionet ARGUMENTS` until the end of the block, ended as an operator ends it."""
    with log.open("wb") as output:
        command = [sys.executable, "-m", "registry.cli.main", *arguments]
        started = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            yield started
        finally:
            started.terminate()
            try:
                started.wait(30)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def run(environment: dict[str, str], *arguments: str) -> Any:
    """One command's document."""
    command = [sys.executable, "-m", "registry.cli.main", *arguments, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def until(client: httpx.Client, path: str, good: Any) -> Any:
    """Ask until the answer is good."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            answer = client.get(path)
            if answer.status_code == 200 and good(answer.json()):
                return answer.json()
        time.sleep(0.3)
    raise AssertionError(f"{path} was not as wanted within {SECONDS} s")


@pytest.fixture
def environment(postgres_database: str, anvil: str, tmp_path: Path) -> dict[str, str]:
    """A home on PostgreSQL and a chain, its key paid for and its contract deployed."""
    found = {name: value for name, value in os.environ.items() if not name.startswith("EMOTIONET_")}
    found["EMOTIONET_HOME"] = str(tmp_path / "home")
    (tmp_path / "url").write_text(postgres_database)
    found["EMOTIONET_DATABASE_URL_FILE"] = str(tmp_path / "url")
    found["EMOTIONET_CHAIN_RPC"] = anvil
    address = run(found, "keys", "show")["address"]
    paid = {"jsonrpc": "2.0", "id": 1, "method": "anvil_setBalance", "params": [address, hex(10**20)]}
    httpx.post(anvil, json=paid).raise_for_status()
    found["EMOTIONET_CHAIN_CONTRACT"] = run(found, "anchor", "deploy")["contract"]
    return found


def small_faces(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, list[dict[str, Any]]]:
    """A few drawn faces as a CAR, and the rows that register them."""
    monkeypatch.setattr(drawn_faces, "PERSONS", 10)
    drawn_faces.draw_faces(folder)
    store = MemoryStore()
    found = import_folder(folder, store, "unixfs-v1-2025")
    with (folder / "faces.car").open("wb") as stream:
        car.write([found.root], walk_closure(store.get, [found.root]), stream)
    labels: dict[Any, set[str]] = {}  # two of one person's contradict each other, and are refused
    for row in found.rows:
        labels.setdefault(row.cid, set()).add(row.row.label)
    rows = [
        {
            "cid": str(row.cid),
            "label": row.row.label,
            "contributor": row.row.contributor,
            "subject": row.row.subject,
            "boxes": [[value / 100 for value in box] for box in row.row.boxes],
        }
        for row in found.rows
        if row.row.file and row.row.file.startswith("face_") and len(labels[row.cid]) == 1
    ]
    return (folder / "faces.car").read_bytes(), rows


@pytest.mark.slow
def test_the_four_uses_over_http(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = run(environment, "token", "create")["token"]
    port = free_port()
    serve = ("serve", "--port", str(port), "--no-worker")
    base = f"http://127.0.0.1:{port}"
    with (
        process(environment, tmp_path / "serve.log", *serve),
        process(environment, tmp_path / "worker.log", "worker"),
        httpx.Client(base_url=base, timeout=60, headers={"Authorization": f"Bearer {token}"}) as client,
    ):
        until(client, "/readyz", lambda _: True)
        data, rows = small_faces(tmp_path / "faces", monkeypatch)
        sent = client.post("/api/v1/blocks", content=data, headers={"Content-Type": "application/vnd.ipld.car"})
        assert sent.status_code in (200, 201), sent.text
        answer = client.post("/api/v1/images?rows=all", json=rows).json()
        assert {one["status"] for one in answer["results"]} == {"registered"}, answer
        snapshot = client.post("/api/v1/snapshots", json={}).json()["snapshot"]
        wanted = {
            "snapshot": snapshot,
            "recipe": "quick",
            "folds": 2,
            "epochs": 1,
            "imgsz": 32,
            "claims": ["macro_f1 >= 0.99"],
        }
        started = client.post("/api/v1/runs", json=wanted)
        assert started.status_code == 202, started.text
        run_id = started.json()["run"]
        ended = until(client, f"/api/v1/runs/{run_id}", lambda one: one["status"] in ("completed", "failed"))
        assert ended["status"] == "completed", ended
        released = client.post("/api/v1/releases", json={"run": run_id}).json()
        release = released["release"]
        weights = client.get(f"/api/v1/models/{release}/weights", headers={"Range": "bytes=0-7"})
        assert (weights.status_code, len(weights.content)) == (206, 8)
        run(environment, "anchor", "submit", released["entry"])
        audit = client.post("/api/v1/audits", json={"target": release}).json()
        assert audit["holds"], [one for one in audit["checks"] if one["result"] == "does not hold"]
        beyond = {one["id"] for one in audit["checks"] if one["result"] == "not checked"}
        # the chain is real: level 3 is not among them
        assert beyond == {
            "2.labels",
            "3.witnesses",
            "2.query",
            "5.pixels",
            "5.dropped",
            "5.rights",
            "7.predictions",
            "8.training",
        }
        assert client.get(f"/api/v1/lineage/{release}").json()["nodes"]
        report = client.get(f"/api/v1/releases/{release}/report", params={"lang": "es"})
        assert (report.status_code, report.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "default-src 'none'" in report.headers["content-security-policy"]
        assert "Informe de una publicación de Emotionet" in report.text
    for log in ("serve.log", "worker.log"):
        text = (tmp_path / log).read_text()
        assert "Traceback" not in text, text
        assert token not in text
