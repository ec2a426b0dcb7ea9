"""The API's page says what /schema says, and its examples run as they stand."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.api.conftest import Resting, make_token
from tests.support.pages import served

HTML = {"accept": "text/html"}
OPERATION = re.compile(
    r'<details class="op".*?<b class="verb">(\w+)</b> <code>([^<]+)</code>.*?'
    r'<code class="sh">(.*?)</code>.*?<code class="python">(.*?)</code>',
    re.DOTALL,
)


class Shown(NamedTuple):
    """The examples of one operation."""

    curl: str
    python: str


class Docs(NamedTuple):
    """A page of a served registry."""

    text: str
    operations: dict[str, Shown]
    environment: dict[str, str]


@pytest.fixture(scope="module")
def docs(resting: Resting) -> Iterator[Docs]:
    with served(resting.home) as address:
        text = resting.client.get("/docs", headers={**HTML, "host": address.removeprefix("http://")}).text
        found = {
            f"{method} {path}": Shown(html.unescape(curl), html.unescape(python))
            for method, path, curl, python in OPERATION.findall(text)
        }
        token = make_token(resting.home)["Authorization"].removeprefix("Bearer ")
        yield Docs(text, found, {"TOKEN": token, "PATH": os.environ["PATH"]})


def test_every_operation_is_there_with_its_scope(docs: Docs, resting: Resting) -> None:
    schema = resting.client.get("/schema").json()
    said = {f"{method.upper()} {path}" for path, item in schema["paths"].items() for method in item if method != "head"}
    assert docs.operations.keys() == said
    assert schema["paths"]["/api/v1/runs"]["post"]["security"] == [{"token": ["runs:write"]}]
    row = docs.text.split("<code>releases:write</code></th><td>")[1].split("</td>")[0]
    assert "POST /api/v1/releases" in row


def test_nothing_comes_from_elsewhere(docs: Docs) -> None:
    addresses = re.findall(r'(?:src|href)="([^"]*)"', docs.text)
    assert addresses
    assert all(one.startswith(("/", "#")) and not one.startswith("//") for one in addresses)
    assert "style=" not in docs.text


RUN = {
    "GET /api/v1/images": "items",
    "GET /api/v1/images/{identity}": "sha256",
    "GET /api/v1/snapshots/{cid}/items": "items",
    "GET /api/v1/snapshots/{cid}/proof/{image}": "included",
    "GET /api/v1/lookup/{digest}": "record",
    "GET /api/v1/search": "exact",
    "POST /api/v1/images": "unchanged",
    "POST /api/v1/images/{identity}/labels": "label",
    "POST /api/v1/snapshots": "snapshot",
}


@pytest.mark.parametrize("operation", RUN)
def test_examples_run_as_they_stand(docs: Docs, operation: str) -> None:
    shown = docs.operations[operation]
    ways = [[sys.executable, "-c", shown.python]]
    if shutil.which("curl"):
        ways.append(["sh", "-c", shown.curl])
    for way in ways:
        done = subprocess.run(way, env=docs.environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, (way, done.stderr)
        assert RUN[operation] in done.stdout, (way, done.stdout)
        assert "urn:emotionet:problem" not in done.stdout


def test_an_example_of_bytes_runs(docs: Docs) -> None:
    code = docs.operations["GET /ipfs/{cid}"].python
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert re.fullmatch(r"\d+ bytes\n", done.stdout)


def test_every_python_example_is_python(docs: Docs) -> None:
    for name, shown in docs.operations.items():
        compile(shown.python, name, "exec")
