"""What the operator is told: metrics by Prometheus' own parser, and readiness that notices what can't be written."""

from __future__ import annotations

import errno
import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from litestar.testing import TestClient
from prometheus_client.parser import text_string_to_metric_families

from registry import files
from registry.api import health
from registry.api.app import create_app
from registry.assembly import Home
from registry.core.errors import Unavailable, not_written
from tests.api.conftest import Client, Resting, problem


def values(client: Client) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    found = text_string_to_metric_families(client.get("/metrics").text)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in found for one in family.samples}


def test_metrics_tell_latency_by_route_the_queue_workers_and_the_disk(resting: Resting) -> None:
    resting.client.get(f"/api/v1/images/{resting.images[0]}")
    resting.client.get("/no/such/address")
    found = values(resting.client)
    route = (("method", "GET"), ("route", "/api/v1/images/{identity}"))
    assert found["emotionet_http_request_seconds_count", route] >= 1
    assert found["emotionet_http_request_seconds_count", (("method", "GET"), ("route", "none"))] >= 1
    assert found["emotionet_images", ()] == 4
    assert found["emotionet_queue_age_seconds", ()] == 0
    assert found["emotionet_workers", ()] == 0
    assert found["emotionet_jobs", (("state", "queued"),)] == 0
    assert 0 < found["emotionet_disk_free_bytes", ()] < found["emotionet_disk_bytes", ()]
    assert found["emotionet_requests_under_way", (("kind", "read"),)] == 1


def test_a_stranger_makes_no_series(resting: Resting) -> None:
    before = len(values(resting.client))
    for number in range(20):
        resting.client.get(f"/api/v1/images/{number}")
        resting.client.request(f"X{number}", "/api/v1/images")
    assert len(values(resting.client)) - before < 25  # of one route and one method, not of forty


def test_a_disk_that_can_t_be_written_is_not_ready(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: Path) -> None:
        raise not_written(folder, OSError(errno.ENOSPC, "No space left on device"))

    with TestClient(create_app(home), raise_server_exceptions=False) as client:
        assert client.get("/readyz").status_code == 200
        monkeypatch.setattr(health, "ASKED_SECONDS", -1.0)
        monkeypatch.setattr(health, "check_writable", full)
        answer = client.get("/readyz")
        problem(answer, 503, "disk_full")
        assert answer.headers["retry-after"]
        assert str(home.settings.home) not in answer.text


def test_a_store_whose_folder_is_gone_is_not_ready(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "ASKED_SECONDS", -1.0)
    with TestClient(create_app(home), raise_server_exceptions=False) as client:
        blocks = home.settings.blocks
        blocks.rename(blocks.with_name("elsewhere"))
        problem(client.get("/readyz"), 503, "not_written")
        blocks.with_name("elsewhere").rename(blocks)
        assert client.get("/readyz").status_code == 200


def test_a_home_whose_key_is_gone_is_not_ready(home: Home) -> None:
    with TestClient(create_app(home), raise_server_exceptions=False) as client:
        home.key.path.rename(home.key.path.with_suffix(".away"))
        told = problem(client.get("/readyz"), 503, "key_missing")
        assert str(home.settings.home) not in str(told)
        home.key.path.with_suffix(".away").rename(home.key.path)


def test_a_folder_that_is_gone_can_t_be_written(tmp_path: Path) -> None:
    files.check_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Unavailable) as raised:
        files.check_writable(tmp_path / "gone")
    assert raised.value.code == "not_written"


def test_a_database_that_takes_no_writes_is_not_ready(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.catalog.check_writable()
    with home.catalog.write():  # a writer at work is no reason
        home.catalog.check_writable()
    home.catalog.engine.dispose()
    with home.catalog.engine.connect() as db:
        db.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(Unavailable):
        home.catalog.check_writable()


def test_an_id_of_a_request_is_in_its_line_of_the_log(resting: Resting, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "registry.api.requests"):
        answer = resting.client.get("/api/v1/images", headers={"X-Request-ID": "mine-7"})
    assert answer.headers["x-request-id"] == "mine-7"
    assert [record.__dict__["request"] for record in caplog.records] == ["mine-7"]


TRACED = """
import json, os, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
got = []
class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        got.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
server = HTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
from litestar.testing import TestClient
from registry.api.app import create_app
from registry.assembly import open_home
with TestClient(create_app(open_home())) as client:
    client.get("/api/v1/images?label=private", headers={"traceparent": "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"})
from opentelemetry import trace
trace.get_tracer_provider().force_flush()
body = b"".join(got)
print(json.dumps([b"GET /api/v1/images" in body, bytes.fromhex("ab" * 16) in body, b"private" in body]))
"""


def test_a_request_is_a_span_where_traces_are_wanted(environment: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-c", TRACED], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [True, True, False]
