"""A client's address behind a proxy: the proxy's word counts only where it is trusted."""

from __future__ import annotations

import asyncio
import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import uvicorn

from registry.api.access.proxies import server_options
from registry.settings import Settings, read_settings


def seen(settings: Settings, connected: str, forwarded: str) -> tuple[str, str]:
    """The address and the scheme that the application sees."""
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)

    config = uvicorn.Config(app, lifespan="off", log_level="warning", **server_options(settings))
    config.load()
    headers = [(b"x-forwarded-for", forwarded.encode()), (b"x-forwarded-proto", b"https")]
    scope = {"type": "http", "client": (connected, 1), "scheme": "http", "headers": headers}
    with ThreadPoolExecutor(1) as elsewhere:  # a browser's tests leave a loop in this thread
        elsewhere.submit(asyncio.run, config.loaded_app(scope, None, None)).result()
    return scopes[0]["client"][0], scopes[0]["scheme"]


@pytest.mark.parametrize("connected", ["127.0.0.1", "192.0.2.1"])
def test_nobody_is_believed_unless_the_settings_say_so(connected: str) -> None:
    assert seen(read_settings({}), connected, "203.0.113.9") == (connected, "http")


def test_a_trusted_proxy_is_believed_about_the_nearest_client_alone() -> None:
    settings = dataclasses.replace(read_settings({}), trusted_proxies=("192.0.2.1",))
    assert seen(settings, "192.0.2.1", "198.51.100.1, 203.0.113.9") == ("203.0.113.9", "https")
    assert seen(settings, "127.0.0.1", "203.0.113.9") == ("127.0.0.1", "http")
