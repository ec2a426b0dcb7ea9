"""Gateways that lie, break off, hang, flood or lead inwards: bounded, named, and never believed."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from registry.content.sources.gateway import GatewayClient, check_gateway
from registry.content.sources.hosts import Patience
from registry.content.stores.memory import MemoryStore
from registry.core.errors import EmotionetError, NotFound, Unavailable, Untrusted, UsageError
from registry.core.ipld.cid import CID, IDENTITY, RAW
from registry.core.ports.store import WITHDRAWN
from tests.conftest import free_port
from tests.content.stores.store_contract import block
from tests.support.processes.gateway import Gateway, serving


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.content.sources.gateway.PAUSES", (0.01, 0.02))


QUICK = Patience(connect=1.0, read=0.5, block=1.5, hedge=0.15)
BLOCKS = [block(f"block {number}" * 100) for number in range(5)]


@pytest.fixture
def blocks() -> MemoryStore:
    store = MemoryStore()
    store.put_many(BLOCKS)
    return store


class World:
    """Started gateways and a client of them."""

    def __init__(self, stack: ExitStack, blocks: MemoryStore) -> None:
        self._stack, self._blocks = stack, blocks

    def gateway(self, how: str = "honest", delay: float = 0.0) -> Gateway:
        return self._stack.enter_context(serving(Gateway(self._blocks, how, delay)))

    def client(self, *gateways: Gateway | str, patience: Patience = QUICK) -> GatewayClient:
        made = GatewayClient([one if isinstance(one, str) else one.url for one in gateways], patience)
        self._stack.callback(made.close)
        return made


@pytest.fixture
def world(blocks: MemoryStore) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(stack, blocks)


def test_an_honest_gateway_gives_blocks(world: World) -> None:
    client = world.client(world.gateway())
    for cid, data in BLOCKS:
        assert client.get(cid) == data
    assert client.has(BLOCKS[0][0])
    assert not client.has(block("nobody has this")[0])


def test_identity_cids_ask_nobody(world: World) -> None:
    gateway = world.gateway()
    assert world.client(gateway).get(CID.v1(RAW, b"hello", IDENTITY)) == b"hello"
    assert not gateway.asked


BAD: dict[str, type[EmotionetError]] = {
    "wrong": Untrusted,
    "more": Untrusted,
    "endless": Untrusted,
    "bomb": Untrusted,
    "absent": NotFound,
    "broken": Unavailable,
    "busy": Unavailable,
    "cut": Unavailable,
    "trickle": Unavailable,
    "hang": Unavailable,
    "reset": Unavailable,
    "inwards": Unavailable,
    "elsewhere": Unavailable,
    "round": Unavailable,
    "nonsense": Unavailable,
}


@pytest.mark.parametrize("how", BAD)
def test_each_way_to_fail_is_an_error_that_names_the_gateway(world: World, how: str) -> None:
    gateway = world.gateway(how)
    with pytest.raises(BAD[how]) as caught:
        world.client(gateway).get(BLOCKS[0][0])
    assert gateway.url in str(caught.value) or "not public" in str(caught.value)


@pytest.mark.parametrize("how", BAD)
def test_one_that_fails_does_no_harm_beside_one_that_works(world: World, how: str) -> None:
    bad, good = world.gateway(how), world.gateway()
    client = world.client(bad, good)
    for cid, data in BLOCKS[:3]:
        assert client.get(cid) == data


@pytest.mark.parametrize("how", ["cut", "broken", "busy", "reset", "hang"])
def test_what_fails_for_a_moment_is_asked_again(world: World, how: str) -> None:
    gateway = world.gateway(how)
    gateway.times = 2
    assert world.client(gateway).get(BLOCKS[0][0]) == BLOCKS[0][1]
    assert gateway.asked[str(BLOCKS[0][0])] == 3


def test_a_redirect_within_the_gateway_is_followed(world: World) -> None:
    assert world.client(world.gateway("moved")).get(BLOCKS[0][0]) == BLOCKS[0][1]


def test_a_slow_gateway_is_hedged_and_then_asked_last(world: World) -> None:
    slow, fast = world.gateway(delay=1.0), world.gateway()
    client = world.client(slow, fast, patience=Patience(read=5.0, block=10.0, hedge=0.05))
    assert client.get(BLOCKS[0][0]) == BLOCKS[0][1]
    assert fast.asked.total() == 1  # asked after 0.05 s
    time.sleep(1.1)  # until the slow one has answered, and its health is known
    for cid, data in BLOCKS[1:]:
        assert client.get(cid) == data
    assert slow.asked.total() == 1


def test_all_that_lie_or_have_nothing(world: World) -> None:
    absent, lying, broken = (world.gateway(how) for how in ("absent", "wrong", "broken"))
    with pytest.raises(NotFound, match="none of the configured gateways has"):
        world.client(absent, world.gateway("absent")).get(BLOCKS[0][0])
    with pytest.raises(NotFound, match="none of") as caught:
        world.client(absent, world.gateway("gone")).get(BLOCKS[0][0])
    assert caught.value.code == WITHDRAWN
    with pytest.raises(NotFound, match=f"{BLOCKS[0][0]}.*withdrawn"):
        world.client(world.gateway("gone")).get(BLOCKS[0][0])
    with pytest.raises(Untrusted, match=lying.url):
        world.client(absent, lying, broken).get(BLOCKS[0][0])
    with pytest.raises(Unavailable, match="500"):
        world.client(absent, broken).get(BLOCKS[0][0])


def test_a_gateway_where_nobody_listens_is_unavailable(world: World) -> None:
    with pytest.raises(Unavailable, match="can't be reached"):
        world.client(f"http://127.0.0.1:{free_port()}").get(BLOCKS[0][0])


def secured(name: str) -> tuple[ssl.SSLContext, trustme.CA]:
    """A server's side of TLS for a host of that name, and who vouches for it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context, authority


@pytest.mark.parametrize("good", [True, False])
def test_https_asks_the_address_that_was_checked_and_wants_the_hosts_own_certificate(
    blocks: MemoryStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, good: bool
) -> None:
    context, authority = secured("gateway.example" if good else "other.example")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    looked_up: list[str] = []

    def address(host: str, port: int) -> str:
        looked_up.append(host)
        return "127.0.0.1"

    monkeypatch.setattr("registry.content.sources.hosts.certifi.where", lambda: str(tmp_path / "ca.pem"))
    monkeypatch.setattr("registry.content.sources.hosts._public_address", address)
    with serving(Gateway(blocks), context) as gateway:
        client = GatewayClient([f"https://gateway.example:{gateway.url.rpartition(':')[2]}"], QUICK)
        if good:
            assert [client.get(cid) for cid, _ in BLOCKS] == [data for _, data in BLOCKS]
            assert looked_up == ["gateway.example"]  # once
        else:
            with pytest.raises(Unavailable, match="SSLError"):
                client.get(BLOCKS[0][0])
            assert not gateway.asked
        client.close()


def test_a_host_with_an_inner_address_is_not_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("10.0.0.7", "127.0.0.1", "169.254.169.254", "::1", "fe80::1%eth0", "192.168.1.1", "0.0.0.0"):
        entry = [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", (address, 443))]
        monkeypatch.setattr("registry.content.sources.hosts.socket.getaddrinfo", lambda *_, entry=entry, **__: entry)
        with pytest.raises(Unavailable, match="not public"):
            world.client("https://gateway.example").get(BLOCKS[0][0])


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "gateway.example",
        "http://gateway.example",
        "ftp://a",
        "https://",
        "https://u:p@a",
        "https://a?x=1",
        "http://10.0.0.1",
    ],
)
def test_what_is_no_gateway_is_wrong_usage(bad: str) -> None:
    with pytest.raises(UsageError, match="is not the address of a gateway"):
        check_gateway(bad)


def test_a_client_without_any_gateway_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="no gateway is configured"):
        GatewayClient([])
