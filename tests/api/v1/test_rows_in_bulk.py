"""POST /images with many rows: bodies as streams, plain or packed; answers in lines; keys across crashes."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import zstandard

from registry.api.bulk import body as bodies
from registry.api.bulk import register as bulk
from registry.assembly import Home
from registry.catalog.idempotency import Keyed
from registry.catalog.queries.labeled_images.history import image_history
from registry.catalog.schema import derived, operational
from registry.core.errors import Unavailable
from registry.core.ipld.cid import CID
from registry.workflows.images.registering import register_images, row_groups
from tests.api.conftest import Client, Headers, picture, problem, send
from tests.support.logs import log_of

NDJSON = "application/x-ndjson"
COUNT = 25


def rows_of(cids: list[CID], label: str = "feliz") -> bytes:
    return b"".join(
        json.dumps({"cid": str(cid), "label": label, "contributor": "ana"}).encode() + b"\n" for cid in cids
    )


def post(client: Client, headers: Headers, body: bytes, *, query: str = "", **more: str) -> Any:
    names = {name.replace("_", "-"): value for name, value in more.items()}
    return client.post(f"/api/v1/images{query}", content=body, headers={**headers, "Content-Type": NDJSON, **names})


@pytest.fixture
def cids(client: Client, writer: Headers) -> list[CID]:
    return send(client, writer, [picture(number) for number in range(COUNT)])


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten rows a step, so that a few pictures take several."""
    for module in (row_groups, register_images, bulk):
        monkeypatch.setattr(module, "STEP", 10)
    monkeypatch.setattr(row_groups, "LEAST", 10)
    monkeypatch.setattr(row_groups, "HOLD", 0.0)  # on a fast machine no more either


def contributions(home: Home) -> int:
    with home.catalog.read() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(derived.contributions)) or 0


def history(home: Home, cids: list[CID]) -> list[list[str]]:
    """The labels of each image, the oldest first; each row but the first names the one before."""
    with home.catalog.read() as db:
        told = [image_history(db, cid.digest) for cid in cids]
        log = log_of(db, home.key.did)
    assert [row["seq"] for row in log] == list(range(len(log)))
    for one in told:
        assert [row["replaces"] for row in one] == [None, *(row["contribution"] for row in one[:-1])]
    return [[row["label"] for row in one] for one in told]


def test_only_what_was_not_simply_registered_is_told(client: Client, writer: Headers, cids: list[CID]) -> None:
    body = rows_of(cids[:3]) + b"nonsense\n" + rows_of(cids[:1])
    first = post(client, writer, body).json()
    assert [(one["row"], one["status"]) for one in first["results"]] == [(4, "rejected"), (5, "unchanged")]
    counts = {"rows": 5, "registered": 3, "unchanged": 1, "corrected": 0, "rejected": 1}
    assert {name: first[name] for name in counts} == counts
    assert first["complete"] is True
    every = post(client, writer, rows_of(cids[:4]), query="?rows=all").json()
    assert [one["status"] for one in every["results"]] == ["unchanged"] * 3 + ["registered"]


def test_an_answer_in_lines_ends_with_the_counts(client: Client, writer: Headers, cids: list[CID]) -> None:
    answer = post(client, writer, rows_of(cids[:2]) + b"1\n", Accept=NDJSON)
    assert answer.headers["content-type"].startswith(NDJSON)
    *lines, last = map(json.loads, answer.text.splitlines())
    assert [one["row"] for one in lines] == [3]
    assert last == {
        "rows": 3,
        "registered": 2,
        "unchanged": 0,
        "corrected": 0,
        "referenced": 0,
        "rejected": 1,
        "complete": True,
    }


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_a_packed_body_is_unpacked_within_bounds(
    client: Client, writer: Headers, cids: list[CID], coding: str, pack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert post(client, writer, pack(rows_of(cids)), Content_Encoding=coding).json()["registered"] == COUNT
    cut = post(client, writer, pack(rows_of(cids) * 3)[:-9], Content_Encoding=coding)
    problem(cut, 422, "bad_encoding")
    problem(post(client, writer, b"no pack at all", Content_Encoding=coding), 422, "bad_encoding")
    problem(post(client, writer, pack(b"\n" * (2 << 20)), Content_Encoding=coding), 422, "malformed_rows")  # costs work
    monkeypatch.setattr(bodies, "ROWS_BYTES", 1 << 20)
    wide = (b" " * 1023 + b"\n") * 2048
    problem(post(client, writer, pack(wide), Content_Encoding=coding), 413, "body_too_large")
    problem(post(client, writer, b"x", Content_Encoding="br"), 415, "unsupported_media_type")


@pytest.mark.usefixtures("small_steps")
def test_many_rows_are_registered_in_steps(client: Client, writer: Headers, cids: list[CID], home: Home) -> None:
    boxes = [{"cid": str(cid), "label": "feliz", "contributor": "ana", "boxes": [[1, 1, 9, 9]]} for cid in cids]
    twice = b"".join(json.dumps(row).encode() + b"\n" for row in boxes) + rows_of(cids)
    done = post(client, writer, twice).json()
    assert (done["rows"], done["registered"]) == (2 * COUNT, 2 * COUNT)  # both rows of a picture are one statement
    assert contributions(home) == 5  # a picture's two rows are never apart, wherever they stood
    assert history(home, cids) == [["feliz"]] * COUNT
    assert post(client, writer, rows_of(cids, "triste")).json()["corrected"] == COUNT
    assert history(home, cids) == [["feliz", "triste"]] * COUNT


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("when", ["after a step", "before the answer is kept"])
def test_a_request_that_was_cut_off_goes_on_where_it_ended(
    client: Client, writer: Headers, cids: list[CID], home: Home, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        steps: list[CID] = []

        def add(self: Keyed, db: sa.Connection, contribution: CID) -> None:
            steps.append(contribution)
            if len(steps) == 2 and when == "after a step":
                raise Unavailable("as if it had ended", code="catalog")
            known(self, db, contribution)

        def finish(*_: Any) -> None:
            raise Unavailable("as if it had ended", code="catalog")

        known = Keyed.add
        patched.setattr(Keyed, "add", add)
        if when != "after a step":
            patched.setattr(Keyed, "finish", finish)
        assert post(client, writer, rows_of(cids), Idempotency_Key="once").status_code == 503
    assert contributions(home) == (1 if when == "after a step" else 2)
    relabelled = {"cid": str(min(cids, key=lambda cid: cid.digest)), "label": "enojado", "contributor": "ana"}
    assert post(client, writer, json.dumps(relabelled).encode()).json()["corrected"] == 1
    again = post(client, writer, rows_of(cids), Idempotency_Key="once")
    assert again.json()["registered"] == COUNT
    assert again.json()["results"] == []
    assert post(client, writer, rows_of(cids), Idempotency_Key="once").content == again.content
    told = sorted(history(home, cids), key=len)
    assert told == [["feliz"]] * (COUNT - 1) + [["feliz", "enojado"]]  # what came in between stands


def test_a_key_is_good_for_a_day_and_one_body(client: Client, writer: Headers, cids: list[CID], home: Home) -> None:
    first = post(client, writer, rows_of(cids) + b"1\n", Idempotency_Key="k")
    assert post(client, writer, rows_of(cids) + b"1\n", Idempotency_Key="k").content == first.content
    problem(post(client, writer, rows_of(cids[:1]), Idempotency_Key="k"), 422, "idempotency_key_reused")
    long_ago = (datetime.fromisoformat(home.now()) - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with home.catalog.write() as db:
        db.execute(sa.update(operational.idempotency).values(created=long_ago))
    assert post(client, writer, rows_of(cids[:1]), Idempotency_Key="k").json()["unchanged"] == 1
    with home.catalog.read() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(operational.answer_parts)) == 1
