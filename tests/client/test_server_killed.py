"""A real server that is killed under the client, and comes back at the same address, again and again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from registry.assembly import open_home
from registry.catalog.schema import derived
from registry.settings import read_settings
from tests.api.conftest import make_token, picture

KILLS, IMAGES = 3, 48
SMALL = (
    "from registry.client import connection, sending, uploading;"
    "sending.BATCH_ROWS, uploading.CAR_BYTES = 3, 600;"
    "wait = connection.Patience; connection.Patience = lambda: wait(first=0.1, longest=0.5);"
    "from registry.cli.main import entry; entry()"
)


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 120
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def serve(port: int, home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "registry.cli.main", "serve", "--port", str(port), "--no-worker"]
    environment = {**os.environ, "EMOTIONET_HOME": str(home)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.slow
def test_under_a_server_that_is_killed_again_and_again_every_row_is_registered_once(tmp_path: Path) -> None:
    opened = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path / "home")}))
    token = make_token(opened)["Authorization"].removeprefix("Bearer ")
    opened.close()
    source = tmp_path / "faces"
    source.mkdir()
    for number in range(IMAGES):
        (source / f"{number}.jpg").write_bytes(picture(number))
    (source / "labels.csv").write_text("file,label\n" + "".join(f"{number}.jpg,feliz\n" for number in range(IMAGES)))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = serve(port, tmp_path / "home")
    own = tmp_path / "sender"
    command = [sys.executable, "-c", SMALL, "import", str(source), "--server", f"http://127.0.0.1:{port}", "--json"]
    environment = {**os.environ, "EMOTIONET_HOME": str(own), "EMOTIONET_TOKEN": token}
    client = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def done() -> int:
        """Batches in the journal."""
        return sum(path.read_bytes().count(b"\n") for path in (own / "sent").glob("*.jsonl"))

    def more_than(before: int) -> Callable[[], bool]:
        return lambda: done() > before or client.poll() is not None

    try:
        for _ in range(KILLS):
            until(lambda: answers(port))
            until(more_than(done()))
            assert client.poll() is None, "it ended before the server was killed"
            server.send_signal(signal.SIGKILL)
            server.wait()
            server = serve(port, tmp_path / "home")
        out, err = client.communicate(timeout=200)
    finally:
        client.kill()
        server.kill()
        server.wait()
    assert client.returncode == 0, err
    assert f"waiting for http://127.0.0.1:{port}" in err
    told = json.loads(out)
    assert (told["registered"], told["rejected"], told["sent"]["images"]) == (IMAGES, [], IMAGES)
    opened = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path / "home")}))
    with opened.catalog.read() as db:
        rows = db.execute(sa.select(derived.contribution_rows.c.sha256, derived.contribution_rows.c.replaces)).all()
    opened.close()
    assert (len(rows), len({row.sha256 for row in rows}), {row.replaces for row in rows}) == (IMAGES, IMAGES, {None})
    assert not list((own / "sent").glob("*.jsonl"))
