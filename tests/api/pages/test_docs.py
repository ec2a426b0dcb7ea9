"""The API's page says what /schema says, and its examples run as they stand."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from registry.assembly import open_home
from registry.settings import read_settings
from registry.web.base.words import Words
from tests.api.conftest import fill, make_token
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
    schema: dict[str, Any]
    environment: dict[str, str]


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docs]:
    """Of a registry of its own, for examples write."""
    home = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path_factory.mktemp("docs") / "home")}))
    with served(home) as address, httpx.Client(base_url=address) as client:
        writer = make_token(home)
        fill(client, writer, 4)
        client.post("/api/v1/snapshots", json={}, headers=writer).raise_for_status()
        text = client.get("/api", headers=HTML).text
        found = {
            f"{method} {path}": Shown(html.unescape(curl), html.unescape(python))
            for method, path, curl, python in OPERATION.findall(text)
        }
        token = writer["Authorization"].removeprefix("Bearer ")
        schema = client.get("/schema").json()
        yield Docs(text, found, schema, {"TOKEN": token, "PATH": os.environ["PATH"]})
    home.close()


def test_every_operation_is_there_with_its_scope(docs: Docs) -> None:
    schema = docs.schema
    said = {f"{method.upper()} {path}" for path, item in schema["paths"].items() for method in item if method != "head"}
    assert docs.operations.keys() == said
    assert schema["paths"]["/api/v1/runs"]["post"]["security"] == [{"token": ["runs:write"]}]
    row = docs.text.split("<code>releases:write</code></th><td>")[1].split("</td>")[0]
    assert "POST /api/v1/releases" in row


def test_every_group_is_named_in_words_of_the_reader(docs: Docs) -> None:
    nouns = set(re.findall(r'id="noun-([^"]+)"', docs.text))
    assert len(nouns) > 15
    assert [noun for noun in nouns if Words("es").known("docs_noun", noun) == noun] == []


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
    "GET /api/v1/images/{identity}/labels": "items",
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
