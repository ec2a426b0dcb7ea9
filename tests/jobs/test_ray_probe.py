"""A cluster that can't be reached is told of in seconds, whatever stands at the address."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from registry.assembly import Home
from registry.core.errors import Unavailable
from registry.jobs.engines import ray_probe as reaching
from registry.jobs.engines.ray_probe import check_reachable
from registry.settings import read_settings
from tests.conftest import free_port


@contextmanager
def answering(said: bytes | None) -> Iterator[str]:
    """Something that listens, and greets with ``said`` (None: says nothing, and does not hang up)."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def serve() -> None:
            with server.accept()[0] as connection:
                if said is not None:
                    connection.sendall(said)
                else:
                    over.wait(20)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        over.set()
        thread.join()


SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


def test_what_greets_as_grpc_is_let_through() -> None:
    for form in ("{}", "ray://{}"):
        with answering(SETTINGS) as address:
            check_reachable(form.format(address))
    check_reachable("auto")


@pytest.mark.parametrize("said", [None, b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"220 mail"])
def test_what_is_no_ray_is_told_of(said: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "SECONDS", 0.5)
    with answering(said) as address, pytest.raises(Unavailable, match="can't be reached") as caught:
        check_reachable(address)
    assert caught.value.code == "no_ray"


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1", "127.0.0.1:99999999", "127.0.0.1:x"])
def test_what_is_no_address_is_told_of(address: str) -> None:
    with pytest.raises(Unavailable, match="can't be reached"):
        check_reachable(address)


def test_the_engine_says_so_before_ray_waits(monkeypatch: pytest.MonkeyPatch, home: object) -> None:
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("EMOTIONET_RAY_ADDRESS", address)
    with pytest.raises(Unavailable, match=address):
        check_reachable(address)
    opened = Home(read_settings())
    assert opened.settings.on_cluster("ray")
    with pytest.raises(Unavailable, match="can't be reached"):
        opened.engine("ray")
