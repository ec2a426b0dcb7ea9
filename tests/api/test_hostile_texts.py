"""A hundred hostile texts in every text field of every verb, on both databases: each is refused or kept whole, and
the next good request succeeds."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home, open_home
from registry.catalog.queries.labeled_images import images
from registry.cli.main import main
from registry.core.errors import InvalidInput
from registry.core.text import cleaning
from registry.settings import read_settings
from tests.api.conftest import LABELS, Client, Headers, make_token, picture, problem, register, send
from tests.catalog.databases import KINDS, migrated
from tests.support.hostile_text import HOSTILE
from tests.support.logs import log_of
from tests.support.rows import current_row

FIELDS = ("label", "contributor", "subject", "licence", "consent", "attribute", "value")
Row = dict[str, Any]


class Asked(NamedTuple):
    """A registry with one image for labels and one to take back."""

    home: Home
    client: Client
    writer: Headers
    image: str
    other: str
    environment: dict[str, str]


@pytest.fixture(scope="module", params=KINDS)
def asked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("hostile")
    with migrated(request.param, folder, request) as url:
        environment = {"EMOTIONET_HOME": str(folder / "home"), "EMOTIONET_DATABASE_URL": url}
        home = open_home(read_settings(environment))
        with TestClient(create_app(home), raise_server_exceptions=False) as client:
            writer = make_token(home)
            image, other = map(str, send(client, writer, [picture(0), picture(1)]))
            register(client, writer, [{"cid": image, "label": "feliz"}, {"cid": other, "label": "triste"}])
            yield Asked(home, client, writer, image, other, environment)
        home.close()


def good(asked: Asked) -> None:
    """An honest request: another label, which is said and can be read."""
    with asked.home.catalog.read() as db:
        before = images.get_image(db, asked.image)
        log = len(log_of(db, asked.home.key.did))
    assert before is not None
    answer = asked.client.post(
        f"/api/v1/images/{asked.image}/labels", json={"label": LABELS[log % 4] + str(log)}, headers=asked.writer
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["corrected"] == 1


def cleaned(field: str, given: str) -> str | None:
    try:
        return cleaning.clean(field, given)
    except InvalidInput:
        return None


def row_of(asked: Asked, field: str, number: int, given: str) -> Row:
    row: Row = {"cid": asked.image, "label": "feliz", "contributor": f"{field} {number}"}
    if field in ("attribute", "value"):
        row["attributes"] = {given: "x"} if field == "attribute" else {"luz": given}
    else:
        row[field] = given
    return row


def as_json(rows: list[Row]) -> tuple[str, bytes]:
    return "application/json", json.dumps(rows).encode()  # halves of pairs escaped, as a program would send them


def as_lines(rows: list[Row]) -> tuple[str, bytes]:
    return "application/x-ndjson", "\n".join(map(json.dumps, rows)).encode()


def as_csv(rows: list[Row]) -> tuple[str, bytes]:
    names = ["cid", "label", "contributor", "subject", "licence", "consent", "attr.luz"]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, names)
    writer.writeheader()
    for row in rows:
        cells = {name: value for name, value in row.items() if name != "attributes"}
        writer.writerow({**cells, **{f"attr.{name}": value for name, value in row.get("attributes", {}).items()}})
    return "text/csv", stream.getvalue().encode()


# First, while the catalog is small: a snapshot reads all of it.
@pytest.mark.parametrize("field", ["classes", "label", "contributor", "subject", "attribute", "value"])
def test_hostile_texts_of_a_snapshot_break_nothing(asked: Asked, field: str) -> None:
    for given in HOSTILE:
        query: dict[str, Any] = {field: given} if field in FIELDS[:3] else {}
        if field in ("attribute", "value"):
            query["attributes"] = {given: "x"} if field == "attribute" else {"luz": given}
        asks = {"classes": f"{given}, feliz\n"} if field == "classes" else {"query": query}
        headers = {**asked.writer, "Content-Type": "application/json"}
        answer = asked.client.post("/api/v1/snapshots", content=json.dumps(asks).encode(), headers=headers)
        assert answer.status_code in (201, 400, 422), (given, answer.text)
        if answer.status_code == 201 and field != "classes":
            record = asked.client.get(f"/api/v1/snapshots/{answer.json()['snapshot']}").json()
            assert record["snapshot"] == answer.json()["snapshot"]
    good(asked)


WAYS = [(write, field) for write in (as_json, as_lines, as_csv) for field in FIELDS]
WAYS.remove((as_csv, "attribute"))  # the header's, which is refused or not as a whole


@pytest.mark.parametrize(("write", "field"), WAYS)
def test_hostile_texts_in_rows_are_refused_or_kept_whole(
    asked: Asked, field: str, write: Callable[[list[Row]], tuple[str, bytes]]
) -> None:
    texts = HOSTILE
    if write is as_csv:
        # a blank cell says nothing; what is no UTF-8 is no CSV
        texts = [one for one in HOSTILE if one.strip() and not any("\ud800" <= sign <= "\udfff" for sign in one)]
    kind, body = write([row_of(asked, field, number, given) for number, given in enumerate(texts)])
    answer = asked.client.post("/api/v1/images?rows=all", content=body, headers={**asked.writer, "Content-Type": kind})
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert len(results) == len(texts)
    with asked.home.catalog.read() as db:
        for number, (given, result) in enumerate(zip(texts, results, strict=True)):
            kept = cleaned(field, given)
            assert (result["status"] == "rejected") == (kept is None), (given, result)
            if kept is None:
                continue
            name = kept if field == "contributor" else f"{field} {number}"
            sha256 = bytes.fromhex(result["sha256"])
            row = current_row(db, sha256, asked.home.key.did, name)
            assert row is not None
            held = {**row, "attribute": next(iter(row["attributes"]), None), "value": row["attributes"].get("luz")}
            assert (field == "subject" and held[field]) or held[field] == kept
    good(asked)


@pytest.mark.parametrize("field", ["label", "contributor"])
def test_hostile_labels_of_a_correction_break_nothing(asked: Asked, field: str) -> None:
    for given in HOSTILE:
        body = json.dumps({"label": "feliz", "contributor": "anna", field: given}).encode()
        headers = {**asked.writer, "Content-Type": "application/json"}
        answer = asked.client.post(f"/api/v1/images/{asked.image}/labels", content=body, headers=headers)
        if (kept := cleaned(field, given)) is None:
            assert answer.status_code in (400, 422), (given, answer.text)
            continue
        assert answer.status_code == 200, (given, answer.text)
        with asked.home.catalog.read() as db:
            sha256 = bytes.fromhex(answer.json()["sha256"])
            row = current_row(db, sha256, asked.home.key.did, kept if field == "contributor" else "anna")
        assert row is not None
        assert row[field] == kept
    good(asked)


def test_hostile_reasons_of_a_withdrawal_break_nothing(asked: Asked) -> None:
    for given in HOSTILE:
        headers = {**asked.writer, "Content-Type": "application/json"}
        body = json.dumps({"reason": given}).encode()
        answer = asked.client.post(f"/api/v1/images/{asked.other}/withdrawal", content=body, headers=headers)
        kept = cleaned("reason", given)
        assert answer.status_code == 201 if kept else answer.status_code in (400, 422), (given, answer.text)
    good(asked)


@pytest.mark.parametrize("name", ["label", "contributor", "subject", "status", "cursor"])
def test_hostile_texts_in_questions_break_nothing(asked: Asked, name: str) -> None:
    for given in HOSTILE:
        asks = quote(given.encode("utf-8", "surrogatepass"))
        answer = asked.client.get(f"/api/v1/images?{name}={asks}")
        assert answer.status_code in (200, 400, 422), (given, answer.text)
    good(asked)


@pytest.mark.parametrize("address", ["/images?label={}", "/images?subject={}", "/runs/{}", "/runs/{}/events"])
@pytest.mark.parametrize("given", ["%00", "a%00b", "%0a%00"])
def test_what_no_database_can_be_asked_is_refused_before(
    asked: Asked, address: str, given: str, caplog: pytest.LogCaptureFixture
) -> None:
    problem(asked.client.get("/api/v1" + address.format(given)), 400, "invalid_request")
    assert not [one for one in caplog.records if one.levelname == "ERROR"]


@pytest.mark.parametrize(
    "command",
    [
        ["images", "relabel", "IMAGE", "TEXT"],
        ["images", "relabel", "IMAGE", "feliz", "--contributor", "TEXT"],
        ["images", "withdraw", "OTHER", "--reason", "TEXT"],
        ["images", "list", "--label", "TEXT"],
        ["snapshot", "create", "--contributor", "TEXT"],
    ],
    ids=" ".join,
)
def test_hostile_texts_on_the_command_line_break_nothing(
    asked: Asked, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in asked.environment.items():
        monkeypatch.setenv(name, value)
    for given in HOSTILE[::12]:
        words = {"IMAGE": asked.image, "OTHER": asked.other, "TEXT": given}
        assert main([words.get(word, word) for word in command]) in (0, 1, 2), given
    good(asked)
