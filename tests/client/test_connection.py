"""Patience, journals, and answers that are none."""

from __future__ import annotations

import time
from email.utils import formatdate
from pathlib import Path

import pytest

from registry.client import Journal, Patience, Registry, connection
from registry.client.connection import check_server, retry_after
from registry.core.errors import Conflict, InvalidInput, NotFound, Unavailable, Untrusted, UsageError
from registry.core.ipld.cid import CID
from tests.api.conftest import make_car
from tests.support.processes.crooked import standing_before


def test_a_servers_wish_when_to_come_again_is_met_and_bounded() -> None:
    assert retry_after("7", 60) == 7
    assert retry_after("100000", 60) == 60
    assert 8 < (retry_after(formatdate(time.time() + 10, usegmt=True), 60) or 0) <= 10
    assert retry_after(formatdate(time.time() - 10, usegmt=True), 60) == 0
    assert retry_after("soon", 60) is None
    assert retry_after(None, 60) is None


@pytest.mark.parametrize(
    "bad", ["registry.example", "ftp://a.example", "https://u:p@a.example", "https://a.example?x=1"]
)
def test_what_is_no_address_of_a_registry_is_wrong_usage(bad: str) -> None:
    with pytest.raises(UsageError):
        check_server(bad, token=False)


def test_a_token_needs_https_but_within_this_machine_or_a_trusted_network() -> None:
    with pytest.raises(UsageError, match="everyone on the way"):
        check_server("http://a.example", token=True)
    assert check_server("http://a.example/", token=False) == "http://a.example"
    assert check_server("http://a.example", token=True, plain_http=True)
    assert check_server("http://127.0.0.1:8000", token=True)
    assert check_server("https://a.example/sub/", token=True) == "https://a.example/sub"


def test_patience_ends_with_the_last_reason(server: str, token: str) -> None:
    said: list[tuple[str, float]] = []
    patience = Patience(first=0.01, longest=0.02, give_up=0.3)
    with standing_before(server, ["busy"] * 500) as proxy, Registry(proxy.url, token, patience=patience) as registry:
        registry.connection._on_retry = lambda reason, seconds: said.append((reason, seconds))
        with pytest.raises(Unavailable, match="busy"):
            registry.run("latest")
    assert len(said) > 2
    with (
        Registry("http://127.0.0.1:9", patience=patience) as registry,
        pytest.raises(Unavailable, match="did not answer"),
    ):
        registry.run("latest")


def test_what_may_have_been_done_is_not_asked_for_twice(server: str, token: str, tmp_path: Path) -> None:
    with standing_before(server, ["cut_answer"]) as proxy, Registry(proxy.url, token) as registry:
        with pytest.raises(Unavailable):
            registry.start_run("bafkqaaa")
        assert len(proxy.seen) == 1
        with pytest.raises((InvalidInput, NotFound)):
            registry.start_run("bafkqaaa")


def test_what_is_fetched_is_hashed(server: str, token: str) -> None:
    with standing_before(server) as proxy, Registry(proxy.url, token) as registry:
        roots, body = make_car([b"\xff\xd8\xff\xe0" + bytes(3 << 20)])
        registry.connection.ask(
            "POST",
            "/api/v1/blocks",
            lambda pieces, _: list(pieces),
            content=body,
            headers={"Content-Type": "application/vnd.ipld.car"},
        )
        assert registry.missing(roots) == set()
        from registry.client import labeled

        assert registry.register([labeled(roots[0], "feliz")]).registered == 1
        assert len(registry.fetch(roots[0])) == (3 << 20) + 4
        with pytest.raises(InvalidInput):
            registry.fetch(roots[0], most=1000)
        proxy.plan[:] = ["garbage"]
        with pytest.raises(Untrusted, match="wrong bytes"):
            registry.fetch_block(roots[0])


def test_half_a_line_of_a_journal_is_none(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, "faces")
    first, second = journal.key(b"one"), journal.key(b"two")
    assert first != second
    journal.finish(first, {"registered": 3})
    with pytest.raises(Conflict, match="in use"):
        Journal(path, "faces")
    journal.close()
    with path.open("ab") as stream:
        stream.write(b'{"key": "' + second.encode())
    again = Journal(path, "faces")
    assert (again.key(b"one"), again.outcome(first), again.outcome(second)) == (first, {"registered": 3}, None)
    again.finish(second, {})
    again.close()
    last = Journal(path, "faces")
    assert last.done == 2
    last.close()
    with pytest.raises(Conflict, match="another import"):
        Journal(path, "other faces")
    path.write_text("labels\n")
    with pytest.raises(Conflict, match="no journal"):
        Journal(path, "faces")


def test_a_jittered_pause_grows_to_its_bound() -> None:
    made = connection.Connection("http://127.0.0.1:9", patience=Patience(first=1.0, longest=8.0))
    assert all(0.3 <= made._pause(0) <= 1.0 for _ in range(50))
    assert all(2.4 <= made._pause(50) <= 8.0 for _ in range(50))
    assert len({made._pause(3) for _ in range(10)}) > 5
    made.close()


def test_a_root_that_is_a_folder_is_no_file(server: str, token: str) -> None:
    with Registry(server, token) as registry, pytest.raises(NotFound):
        registry.fetch(CID.parse("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"))
