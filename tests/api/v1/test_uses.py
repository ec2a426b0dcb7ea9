"""The four uses over HTTP alone, as a stranger's script would: register, train, fetch by CID, audit."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient
from safetensors.numpy import load

from registry.api.app import create_app
from registry.api.pages import audits as audit_pages
from registry.assembly import Home, open_home
from registry.core.errors import InvalidInput
from registry.core.ipld import car
from registry.core.ipld.cid import CID, RAW, cid_of, verify
from registry.provenance.checks.target.deep import USUALLY, DeepOptions
from registry.settings import read_settings
from tests.api.conftest import PLUGIN, Client, Headers, fill, make_token, problem
from tests.api.v1.test_runs import parse_events
from tests.support.blocks import overwrite


class Used:
    """A registry that has published one model; tests only read it."""

    def __init__(self, home: Home, client: Client, writer: Headers) -> None:
        self.home, self.client, self.writer = home, client, writer
        self.images = fill(client, writer, 24)
        self.snapshot = client.post("/api/v1/snapshots", json={}, headers=writer).json()["snapshot"]
        wanted = {"snapshot": self.snapshot, "recipe": "simulated", "method": "simulated"}
        claims = ["macro_f1 >= 0.10", "macro_f1 >= 0.999"]
        answer = client.post("/api/v1/runs", json={**wanted, "claims": claims}, headers=writer)
        assert answer.status_code == 202, answer.text
        self.run = answer.json()["run"]
        home.worker().work(self.run)  # what `emotionet serve` has beside the API
        answer = client.post("/api/v1/releases", json={"run": self.run}, headers=writer)
        assert answer.status_code == 201, answer.text
        self.location, self.release = answer.headers["location"], answer.json()


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Used]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("used") / "home"
        patch.setenv("EMOTIONET_HOME", str(folder))
        patch.setenv("PYTHONPATH", str(PLUGIN))
        patch.syspath_prepend(PLUGIN)
        home = open_home(read_settings({"EMOTIONET_HOME": str(folder), "EMOTIONET_LEASE_SECONDS": "5"}))
        with TestClient(create_app(home), raise_server_exceptions=False) as client:
            yield Used(home, client, make_token(home))
        home.close()


def test_the_run_is_told_from_its_first_event_to_its_last(used: Used) -> None:
    shown = used.client.get(f"/api/v1/runs/{used.run}").json()
    assert shown["status"] == "completed"
    assert shown["kept"] == 24
    assert shown["release"] == used.release["release"]
    events = parse_events(used.client.get(f"/api/v1/runs/{used.run}/events").text)
    assert {"progress", "fold"} <= {event["event"] for event in events}
    problem(used.client.post(f"/api/v1/runs/{used.run}/resume", headers=used.writer), 409, "run_ended")


def test_the_release_says_what_it_claims(used: Used) -> None:
    assert used.location == f"/api/v1/releases/{used.release['release']}"
    assert used.client.get(used.location).json() == used.release
    assert used.client.get(f"/api/v1/releases/{used.release['entry']}").json() == used.release
    (listed,) = used.client.get("/api/v1/releases").json()["items"]
    assert listed["cid"] == used.release["release"]
    verdicts = [claim["verdict"] for claim in used.release["claims"]]
    assert verdicts[0] == "supported"
    assert verdicts[1] in {"refuted", "undecided"}  # few images: the interval may hold the threshold
    assert used.release["anchor"]["status"] == "journal"
    again = used.client.post("/api/v1/releases", json={"run": used.run}, headers=used.writer).json()
    assert again["release"] == used.release["release"]


def test_a_model_is_fetched_by_cid(used: Used) -> None:
    model = used.client.get(f"/api/v1/models/{used.release['release']}").json()
    final = next(one for one in used.release["weights"] if one["fold"] == 0)
    assert model["cid"] == final["cid"]
    assert model["tensors"] == final["tensors"]
    assert model["release"] == used.release["release"]
    assert [one["name"] for one in model["files"]] == sorted(one["name"] for one in model["files"])
    assert {one["name"] for one in model["files"]} == {"weights.safetensors", "model.json"}
    for name in (used.release["entry"], model["cid"]):
        assert used.client.get(f"/api/v1/models/{name}").json() == model
    other = next(one for one in used.release["weights"] if one["fold"] == 1)
    assert used.client.get(f"/api/v1/models/{other['cid']}").json()["tensors"] == other["tensors"]


def weights(used: Used) -> tuple[str, bytes]:
    model = used.client.get(f"/api/v1/models/{used.release['release']}").json()
    file = next(one for one in model["files"] if one["name"] == "weights.safetensors")
    answer = used.client.get(f"/api/v1/models/{model['cid']}/weights")
    assert answer.status_code == 200
    assert answer.headers["etag"] == f'"{file["cid"]}"'
    assert answer.headers["content-length"] == str(file["size"]) == str(len(answer.content))
    assert answer.headers["cache-control"] == "public, max-age=29030400, immutable"
    assert answer.headers["accept-ranges"] == "bytes"
    return file["cid"], answer.content


def test_the_weights_are_what_the_cid_names(used: Used) -> None:
    cid, data = weights(used)
    assert load(data)
    if CID.parse(cid).codec == RAW:
        verify(CID.parse(cid), data)
    by_release = used.client.get(f"/api/v1/models/{used.release['release']}/weights")
    assert by_release.content == data
    model = next(
        one
        for one in used.client.get(f"/api/v1/models/{used.release['release']}").json()["files"]
        if one["name"] == "model.json"
    )
    assert len(used.client.get(f"/ipfs/{model['cid']}?format=raw").content) == model["size"]


@pytest.mark.parametrize(
    ("header", "first", "last"), [("bytes=0-9", 0, 9), ("bytes=10-", 10, None), ("bytes=-7", -7, None)]
)
def test_a_part_of_the_weights(used: Used, header: str, first: int, last: int | None) -> None:
    cid, data = weights(used)
    path = f"/api/v1/models/{used.release['release']}/weights"
    answer = used.client.get(path, headers={"Range": header})
    expected = data[first : None if last is None else last + 1]
    assert answer.status_code == 206
    assert answer.content == expected
    start = first % len(data)
    assert answer.headers["content-range"] == f"bytes {start}-{start + len(expected) - 1}/{len(data)}"
    assert answer.headers["content-length"] == str(len(expected))
    assert used.client.get(path, headers={"Range": header, "If-Range": f'"{cid}"'}).status_code == 206
    changed = used.client.get(path, headers={"Range": header, "If-Range": '"other"'})
    assert changed.status_code == 200
    assert changed.content == data


def test_parts_put_together_are_the_whole(used: Used) -> None:
    _, data = weights(used)
    path, step = f"/api/v1/models/{used.release['release']}/weights", max(1, len(data) // 5)
    parts = [
        used.client.get(path, headers={"Range": f"bytes={start}-{start + step - 1}"}).content
        for start in range(0, len(data), step)
    ]
    assert b"".join(parts) == data


def test_no_byte_is_sent_twice_for_nothing(used: Used) -> None:
    cid, data = weights(used)
    path = f"/api/v1/models/{used.release['release']}/weights"
    same = used.client.get(path, headers={"If-None-Match": f'"{cid}"'})
    assert same.status_code == 304
    assert same.content == b""
    assert same.headers["etag"] == f'"{cid}"'
    head = used.client.head(path)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(data))
    beyond = used.client.get(path, headers={"Range": f"bytes={len(data)}-"})
    problem(beyond, 416, "range_not_satisfiable")
    assert beyond.headers["content-range"] == f"bytes */{len(data)}"


@pytest.mark.parametrize("tail", ["", "/weights"])
def test_what_is_no_model_is_refused(used: Used, tail: str) -> None:
    for cid in (used.images[0], cid_of(b"\xa0", 0x71), cid_of(b"nothing", RAW), cid_of(b"nothing", 0x70)):
        answer = used.client.get(f"/api/v1/models/{cid}{tail}")
        assert answer.status_code == 404, answer.text
    problem(used.client.get(f"/api/v1/models/Nonsense{tail}"), 400, "invalid_cid")
    problem(used.client.get(f"/api/v1/models/{used.snapshot}{tail}"), 422, "wrong_record_type")


def test_unpublished_weights_are_not_given_out(used: Used) -> None:
    from registry.content.unixfs.importer import add_bytes, add_directory

    added = add_bytes(used.home.store, b"weights of a run that was not published")
    folder = add_directory(used.home.store, {"weights.safetensors": (added.cid, added.tsize)}).cid
    for tail in ("", "/weights"):
        problem(used.client.get(f"/api/v1/models/{folder}{tail}"), 404, "not_found")


def test_the_audit_holds_and_needs_no_token(used: Used) -> None:
    answer = used.client.post("/api/v1/audits", json={"target": used.release["release"]})
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert report["holds"] is True
    assert report["issuer"] == used.release["issuer"] == used.home.key.did
    assert {check["result"] for check in report["checks"]} <= {"holds", "not checked"}
    assert {check["level"] for check in report["checks"] if check["result"] == "holds"} >= {1, 2, 4, 6}
    shown = used.client.get(f"/api/v1/releases/{used.release['release']}").json()["verdict"]
    [listed] = used.client.get("/api/v1/releases").json()["items"]
    assert report["verdict"]["short"] == shown["short"] == listed["verdict"]
    assert report["verdict"]["state"] == shown["state"] == listed["state"]
    assert (report["verdict"]["records"], shown["records"]) == ("consistent", "consistent")  # it is kept


def test_the_audit_names_what_was_changed(used: Used) -> None:
    before = used.client.post("/api/v1/audits", json={"target": used.release["release"]}).json()
    assert before["holds"] is True  # and is said of what was read then, not of what is damaged without a word
    evaluation = CID.parse(used.release["evaluation"])
    kept = used.home.store.get(evaluation)
    overwrite(used.home.store, evaluation, kept[:-1] + bytes([kept[-1] ^ 1]))
    try:
        report = used.client.post("/api/v1/audits", json={"target": used.release["release"]}).json()
    finally:
        overwrite(used.home.store, evaluation, kept)
    assert report["holds"] is False
    failed = [check for check in report["checks"] if check["result"] == "does not hold"]
    assert failed[0]["level"] == 1
    assert str(evaluation) in failed[0]["reason"]
    assert used.client.post("/api/v1/audits", json={"target": used.release["entry"]}).json()["holds"] is True


def test_an_audit_says_no_to_another_issuer(used: Used) -> None:
    other = "did:pkh:eip155:1:0x" + "0" * 40
    report = used.client.post("/api/v1/audits", json={"target": used.release["release"], "issuer": other}).json()
    assert report["holds"] is False
    assert any(check["result"] == "does not hold" for check in report["checks"])


def test_deeper_audits_need_a_token(used: Used) -> None:
    target = used.release["release"]
    problem(used.client.post("/api/v1/audits", json={"target": target, "level": 5}), 401, "token_missing")
    refused = used.client.post("/api/v1/audits", json={"target": target, "level": 8}, headers=used.writer)
    problem(refused, 403, "scope_missing")
    assert used.client.post("/api/v1/audits", json={"target": target, "level": 2}).json()["holds"] is True


def test_a_deep_audit_is_queued_and_its_state_can_be_read(used: Used) -> None:
    admin = make_token(used.home, "admin")
    asked = {"target": used.release["release"], "level": 8, "sample": 2, "fold": 0, "epochs": 1}
    refused = used.client.post("/api/v1/audits", json={**asked, "issuer": "0x" + "0" * 40}, headers=admin)
    problem(refused, 400, "usage")
    answer = used.client.post("/api/v1/audits", json=asked, headers=admin)
    assert answer.status_code == 202, answer.text
    address = answer.headers["location"]
    assert (answer.json()["level"], address) == (8, f"/api/v1/audits/{answer.json()['id']}")
    until = time.monotonic() + 120
    while (found := used.client.get(address).json())["status"] == "running":
        assert time.monotonic() < until
        time.sleep(0.1)
    assert found["status"] == "done", found["error"]
    made = {one["id"]: one for one in found["report"]["checks"]}
    assert {5, 7, 8} <= {one["level"] for one in made.values()}
    assert made["8.training"]["result"] == "holds"
    assert "fold 0: 1 epoch" in made["8.training"]["reason"]
    assert found["report"]["sample"]["count"] == 2


@pytest.mark.parametrize("sample", ["0", "many", "9" * 30])
def test_the_page_of_audits_asks_admins_for_a_sample(used: Used, sample: str) -> None:
    headers = {"accept": "text/html"}
    assert 'name="sample"' not in used.client.get("/audits", headers=headers).text
    with pytest.raises(InvalidInput, match="a sample is a number"):
        audit_pages._deep(sample, 8)
    assert audit_pages._deep(sample, 4) == audit_pages._deep("", 8) == USUALLY
    assert audit_pages._deep("12", 8) == DeepOptions(sample=12)


@pytest.mark.parametrize("target", ["/etc/passwd", "../x.car", "release.car", "Nonsense", ""])
def test_an_audit_takes_no_path(used: Used, target: str) -> None:
    answer = used.client.post("/api/v1/audits", json={"target": target})
    assert answer.status_code == 400, answer.text


def test_audits_and_claims_at_once_are_bounded(used: Used, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from registry.api.serving import computing as parts

    monkeypatch.setattr(parts, "_slots", threading.BoundedSemaphore(1))
    release = used.release["release"]
    with parts._slots:
        answers = [
            used.client.post("/api/v1/audits", json={"target": release}),
            used.client.post(f"/api/v1/releases/{release}/claims", json={"claims": ["macro_f1 >= 0.5"]}),
            used.client.get(f"/api/v1/releases/{release}/report"),
        ]
    for answer in answers:
        problem(answer, 503, "busy")
        assert answer.headers["retry-after"]


def test_a_claim_after_the_fact_needs_no_token_and_is_marked_so(used: Used) -> None:
    address = f"/api/v1/releases/{used.release['release']}/claims"
    answer = used.client.post(address, json={"claims": ["macro_f1 >= 0.000001"]})
    assert answer.status_code == 200
    assert answer.json()["after_the_fact"] is True
    (judged,) = answer.json()["claims"]
    assert (judged["verdict"], judged["in_plan"]) == ("supported", False)
    problem(used.client.post(address, json={"claims": ["macro_f1 is good"]}), 422, "bad_claim")


def test_a_report_judges_the_claims_of_its_address_and_no_more_than_are_bounded(used: Used) -> None:
    address = f"/api/v1/releases/{used.release['release']}/report"
    page = used.client.get(address, params={"claim": ["accuracy >= 0.000001", "macro_f1 >= 0.10"]})
    assert page.status_code == 200
    later = page.text.partition("After the fact")[2].partition("<h2>")[0]
    assert "accuracy &gt;= 0.000001" in later
    assert later.count("also in the plan") == 1
    assert "After the fact" not in used.client.get(address).text
    problem(used.client.get(address, params={"claim": "macro_f1 is good"}), 422, "bad_claim")
    problem(used.client.get(address, params={"claim": "recall(gender=f) >= 0.5"}), 422, "bad_claim")
    for bad in (["accuracy >= 0.5"] * 33, [""], ["a" * 1001]):
        found = problem(used.client.get(address, params={"claim": bad}), 400, "invalid_request")
        assert {fault["field"] for fault in found["errors"]} == {"claim"}


def test_plans_say_what_came_of_them(used: Used) -> None:
    (plan,) = used.client.get("/api/v1/plans").json()["items"]
    assert plan["plan"] == used.release["plan"]
    assert plan["releases"] == [used.release["release"]]


def test_nobody_published_an_audit_and_those_made_here_are_kept(used: Used) -> None:
    release = used.release["release"]
    assert used.client.get(f"/api/v1/audits?target={release}").json() == {"items": [], "next": None}
    assert used.client.post("/api/v1/audits", json={"target": release}).status_code == 200
    kept = used.client.get("/api/v1/audits").json()["items"]
    assert {one["target"] for one in kept} == {release}


def test_lineage_lookup_and_anchor_are_answered(used: Used) -> None:
    found = used.client.get(f"/api/v1/lineage/{used.release['release']}").json()
    kinds = {node["type"] for node in found["nodes"]}
    assert {"release", "snapshot", "plan", "draw", "contribution"} <= kinds
    assert all({"from", "to", "relation"} == set(edge) for edge in found["edges"])
    records = used.client.get(f"/api/v1/lookup/{used.snapshot}").json()["items"]
    assert "preprocessing" in {one["type"] for one in records}
    anchor = used.client.get(f"/api/v1/anchors/{used.release['release']}").json()
    assert anchor["status"] == "journal"
    assert anchor["entry"] == used.release["entry"]
    problem(used.client.get(f"/api/v1/lineage/{cid_of(b'x', 0x71)}"), 404, "not_found")
    assert used.client.get(f"/api/v1/anchors/{cid_of(b'x', 0x71)}").status_code == 404


def test_a_stranger_can_take_everything_and_check_it(used: Used) -> None:
    body = used.client.get(f"/ipfs/{used.release['entry']}?format=car").content
    roots, blocks = car.read(io.BytesIO(body))
    held = dict(blocks)  # reading verified every block
    assert roots == (CID.parse(used.release["entry"]),)
    for one in used.release["weights"]:
        assert CID.parse(one["cid"]) in held
    assert set(used.images) <= set(held)


def test_counts_are_counted(used: Used) -> None:
    lines = dict(line.rsplit(" ", 1) for line in used.client.get("/metrics").text.splitlines() if line[0] != "#")
    assert lines["emotionet_images"] == "24.0"
    assert lines["emotionet_releases"] == "1.0"
    assert lines['emotionet_runs{status="completed"}'] == "1.0"
    before = float(lines['emotionet_http_responses_total{method="GET",status="200"}'])
    used.client.get("/healthz")
    again = dict(line.rsplit(" ", 1) for line in used.client.get("/metrics").text.splitlines() if line[0] != "#")
    assert float(again['emotionet_http_responses_total{method="GET",status="200"}']) == before + 2


def test_nothing_names_this_machine(used: Used) -> None:
    for path in ("/api/v1/runs", "/api/v1/releases", "/api/v1/snapshots", "/api/v1/images", "/metrics", "/readyz"):
        assert str(used.home.settings.home) not in used.client.get(path).text
    assert hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
