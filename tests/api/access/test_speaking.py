"""In whose name a token writes: its own, unless it may write for anybody or the contributor signed."""

from __future__ import annotations

from typing import Any

from registry.assembly import Home
from registry.catalog import tokens
from tests.api.conftest import Client, Headers, make_token, picture, problem, register, send


def bound(home: Home, contributor: str | None, *scopes: str) -> Headers:
    with home.catalog.write() as db:
        _, plain = tokens.create(db, scopes or ["images:write"], home.now(), contributor=contributor)
    return {"Authorization": f"Bearer {plain}"}


def test_a_token_writes_in_its_own_name_alone(client: Client, home: Home) -> None:
    cids = [str(cid) for cid in send(client, make_token(home), [picture(index) for index in range(3)])]
    rows: list[dict[str, Any]] = [{"cid": cid, "label": "feliz"} for cid in cids]
    rows[0]["contributor"], rows[1]["contributor"] = "ana", "eva"
    done = register(client, bound(home, "ana"), rows)
    assert [one["status"] for one in done["results"]] == ["registered", "rejected", "registered"]
    assert done["results"][1]["code"] == "contributor_not_yours"
    for cid in (cids[0], cids[2]):
        said = client.get(f"/api/v1/images/{cid}").json()["history"]
        assert [one["contributor"] for one in said] == ["ana"]
    nobody = register(client, bound(home, None), rows)
    assert [one["status"] for one in nobody["results"]] == ["rejected", "rejected", "registered"]
    anybody = register(client, bound(home, "ana", "images:write", "contribute-for"), rows)
    assert [one["status"] for one in anybody["results"]] == ["unchanged", "registered", "unchanged"]


def test_a_label_in_anothers_name_is_refused(client: Client, home: Home) -> None:
    (cid,) = send(client, make_token(home), [picture(0)])
    register(client, make_token(home), [{"cid": str(cid), "label": "feliz", "contributor": "eva"}])
    mine, path = bound(home, "ana"), f"/api/v1/images/{cid}/labels"
    problem(client.post(path, json={"label": "x", "contributor": "eva"}, headers=mine), 403, "contributor_not_yours")
    assert client.post(path, json={"label": "triste"}, headers=mine).status_code == 200
    said = client.get(f"/api/v1/images/{cid}").json()["history"]
    assert {one["contributor"]: one["label"] for one in said} == {"eva": "feliz", "ana": "triste"}
