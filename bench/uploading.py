"""Sending images over a way with a delay: `python -m bench uploading [ROUNDS]`.

A real server on the loopback, behind a proxy that holds every byte back for half of 50 ms in each direction; images of
1 KB, each its own. One request at a time, and as the client does it, in turn; medians, wall and the client's processor
time. What is compared is the client alone: the server does the same in both.
"""

from __future__ import annotations

import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from registry.assembly import open_home
from registry.catalog import tokens
from registry.client import Item, Registry, labeled, sending, uploading
from registry.client.blocks import Block
from registry.core.ipld.cid import RAW, cid_of
from registry.settings import read_settings

DELAY = 0.05  # seconds there and back
IMAGES, ROWS = 600, 60  # in all, and of one batch: ten batches
CARS = 16 << 10  # bytes of one CAR: four of a batch


def _carry(source: socket.socket, target: socket.socket) -> None:
    """Pass bytes on, each after half of the delay; what follows it is not held up by that."""
    queue: list[tuple[float, bytes]] = []
    there, ended = threading.Condition(), threading.Event()

    def pass_on() -> None:
        while True:
            with there:
                while not queue and not ended.is_set():
                    there.wait()
                if not queue:
                    break
                due, data = queue.pop(0)
            time.sleep(max(0.0, due - time.monotonic()))
            with suppress(OSError):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    threading.Thread(target=pass_on, daemon=True).start()
    with suppress(OSError):
        while data := source.recv(1 << 16):
            with there:
                queue.append((time.monotonic() + DELAY / 2, data))
                there.notify()
    with there:
        ended.set()
        there.notify()


def _accept(listening: socket.socket, port: int) -> None:
    while True:
        with suppress(OSError):
            near, _ = listening.accept()
            far = socket.create_connection(("127.0.0.1", port))
            for pair in ((near, far), (far, near)):
                threading.Thread(target=_carry, args=pair, daemon=True).start()


@contextmanager
def _served(folder: Path) -> Iterator[tuple[str, str]]:
    """The delayed address of a server, and a token for it."""
    environment = {**os.environ, "EMOTIONET_HOME": str(folder / "home")}
    home = open_home(read_settings(environment))
    with home.catalog.write() as db:
        _, token = tokens.create(db, ["images:write"], home.now())
    home.close()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "registry.cli.main", "serve", "--port", str(port), "--no-worker"]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    listening = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(listening, port), daemon=True).start()
    try:
        while True:
            with suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200:
                    break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", token
    finally:
        server.kill()
        server.wait()


def _item() -> Item:
    data = b"\xff\xd8\xff" + secrets.token_bytes(1000) + b"\xff\xd9"
    cid = cid_of(data, RAW)
    blocks: Callable[[], Iterator[Block]] = lambda: iter([(cid, data)])  # noqa: E731  typed
    return Item(labeled(cid, "feliz"), blocks, len(data))


def _once(address: str, token: str, at_once: bool) -> tuple[float, float]:
    """Wall and processor seconds of sending new images."""
    uploading.REQUESTS, uploading.AHEAD = (3, 2) if at_once else (1, 0)
    items = [_item() for _ in range(IMAGES)]
    with Registry(address, token) as registry:
        begun, used = time.perf_counter(), time.process_time()
        sent = registry.register(items)
        assert (sent.registered, sent.images) == (IMAGES, IMAGES)
        return time.perf_counter() - begun, time.process_time() - used


def main(given: list[str]) -> None:
    """Print both ways and their ratio."""
    rounds = int(given[0]) if given else 5
    sending.BATCH_ROWS, uploading.CAR_BYTES = ROWS, CARS
    with tempfile.TemporaryDirectory() as folder, _served(Path(folder)) as (address, token):
        _once(address, token, True)  # unheeded
        taken = [[_once(address, token, way) for way in (False, True)] for _ in range(rounds)]
    one, several = (
        [statistics.median(column) for column in zip(*way, strict=True)] for way in zip(*taken, strict=True)
    )
    print(
        f"{IMAGES} images of 1 KB, {IMAGES // ROWS} batches, {DELAY * 1000:.0f} ms there and back: one request at a "
        f"time {one[0]:.2f} s (processor {one[1]:.2f}), several {several[0]:.2f} s ({several[1]:.2f}), "
        f"{one[0] / several[0]:.2f} times as fast",
        flush=True,
    )
