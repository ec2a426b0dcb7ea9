"""What a server and a worker write: one event a line, text or JSON, requests with status and time, and no secret."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator

import pytest
from litestar.testing import TestClient

from registry import logs
from registry.api.app import create_app
from registry.assembly import open_home
from registry.catalog import tokens
from registry.core.errors import UsageError
from registry.settings import Settings, read_settings

SECRETS = {
    "EMOTIONET_PASSPHRASE": "correct horse",
    "EMOTIONET_DATABASE_URL": "postgresql+psycopg://emotionet:p%40ss-of-the-database@db/emotionet",
    "EMOTIONET_CHAIN_RPC": "https://chain.example/v3/key-of-the-chain",
    "EMOTIONET_GATEWAYS": "https://user:pass-of-the-gateway@gateway.example",
}
HUSHED = ("correct horse", "ss-of-the-database", "key-of-the-chain", "pass-of-the-gateway", "emn_", "eyJ")
Write = Callable[..., io.StringIO]


@pytest.fixture
def write() -> Iterator[Write]:
    """Set the log up to write into a buffer; as it was afterwards."""
    root, own = logging.getLogger(), logging.getLogger("registry")
    before = (root.handlers[:], root.level, own.level)

    def begin(**given: str) -> io.StringIO:
        stream = io.StringIO()
        logs.set_up(read_settings({"EMOTIONET_HOME": "/nowhere", **SECRETS, **given}), stream)
        return stream

    yield begin
    root.handlers[:], root.level = before[0], before[1]
    own.setLevel(before[2])


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_written_whoever_says_it(write: Write, form: str) -> None:
    stream = write(EMOTIONET_LOG_FORMAT=form)
    settings: Settings = read_settings(SECRETS)
    said = [settings.passphrase, settings.database_url, settings.chain_rpc, *settings.gateways, "p@ss-of-the-database"]
    said += ["emn_" + "a" * 43, "Authorization: Bearer eyJhbGciOi", "https://a:pass-of-the-gateway@other.example/x"]
    for text in said:
        logging.getLogger("registry.api").error("it said %s", text)
        logging.getLogger("somebody.else").warning(text)
        try:
            raise ValueError(text)
        except ValueError:
            logging.getLogger("registry.api").exception("failed")
    for secret in HUSHED:
        assert secret not in stream.getvalue()
    assert stream.getvalue().count(logs.HIDDEN) >= 3 * len(said)


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\n2026-01-01T00:00:00.000Z ERROR x", "\0", "\x1b[2J", "\x9b1A", "\u2028", "\u202e"]
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_line_is_one_event_whatever_is_in_it(write: Write, form: str, text: str) -> None:
    stream = write(EMOTIONET_LOG_FORMAT=form)
    logging.getLogger("registry.api").error("GET /api/v1/runs/%s: no", text)
    try:
        raise ValueError(text)
    except ValueError:
        logging.getLogger("registry.api").exception("failed")
    if form == "json":
        lines = [json.loads(line) for line in stream.getvalue().split("\n")[:-1]]
        assert [line["message"] for line in lines] == [f"GET /api/v1/runs/{text}: no", "failed"]
        return
    told = stream.getvalue().split("\n")[:-1]
    assert len([line for line in told if not line.startswith("  ")]) == 2
    assert all(line.isprintable() for line in told)


@pytest.mark.parametrize(("level", "told"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_the_level_is_a_setting(write: Write, level: str, told: int) -> None:
    stream = write(EMOTIONET_LOG=level.upper())
    for name in ("debug", "info", "warning", "error"):
        getattr(logging.getLogger("registry.worker"), name)("one line")
    assert stream.getvalue().count("one line") == told
    logging.getLogger("somebody.else").info("chatter")
    assert "chatter" not in stream.getvalue()


@pytest.mark.parametrize("name", ["EMOTIONET_LOG", "EMOTIONET_LOG_FORMAT"])
def test_a_level_or_a_format_that_there_is_not(name: str) -> None:
    with pytest.raises(UsageError, match=name) as raised:
        read_settings({name: "loud"})
    assert raised.value.hint


def test_requests_with_status_and_time(write: Write, tmp_path: object) -> None:
    home = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path)}))
    with home.catalog.write() as db:
        _, token = tokens.create(db, ("images:write",), home.now(), None)
    stream = write(EMOTIONET_LOG_FORMAT="json")
    with TestClient(create_app(home), raise_server_exceptions=False) as client:
        client.get("/api/v1/images", params={"label": "a name", "token": token})
        client.get("/api/v1/nothing/here%0Aforged line")
        client.post("/api/v1/images?rows=all", json=[], headers={"Authorization": f"Bearer {token}"})
        client.get(f"/api/v1/runs/{token}")
        client.get("/healthz")
    home.close()
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    told = [(one["method"], one["path"], one["status"]) for one in found if one["logger"] == "registry.api.requests"]
    assert told == [
        ("GET", "/api/v1/images", 400),  # token is no parameter of it
        ("GET", "/api/v1/nothing/here%0Aforged%20line", 404),
        ("POST", "/api/v1/images", 200),
        ("GET", f"/api/v1/runs/{logs.HIDDEN}", 404),
    ]
    assert all(one["ms"] >= 0 and re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z", one["time"]) for one in found if "ms" in one)
    assert token not in stream.getvalue()
    assert "a name" not in stream.getvalue()
