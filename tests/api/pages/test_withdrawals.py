"""The page of withdrawals: what is on record, and taking back what was shown first."""

from __future__ import annotations

from typing import Any

from registry.assembly import Home
from tests.api.conftest import Client, Headers, picture, register, send
from tests.api.pages.reading import HTML, see, sign_in, value


def test_the_page_shows_what_it_touches_before_anything_is_signed(home: Home, client: Client, writer: Headers) -> None:
    def post(**form: str) -> Any:
        return client.post("/withdrawals", data={**form, "csrf": csrf}, headers=HTML, follow_redirects=False)

    one, two = send(client, writer, [picture(0), picture(1)])
    rows = [{"cid": str(cid), "label": "feliz", "contributor": "ana"} for cid in (one, two)]
    register(client, writer, rows)
    snapshot = client.post("/api/v1/snapshots", json={}, headers=writer).json()["snapshot"]
    sign_in(client, home)
    csrf = value(see(client, "/withdrawals"))
    assert f'value="{snapshot}"' in see(client, f"/withdrawals?target={snapshot}")
    asked_for = {"target": "", "contributor": "ana", "reason": "asked to <b>", "remedy": "notice"}
    before = post(**asked_for)
    assert before.status_code == 200
    assert f"/snapshots/{snapshot}" in before.text
    assert "all that they said" not in see(client, "/withdrawals")  # nothing is signed yet
    assert post(**asked_for, confirmed="yes").headers["location"] == "/withdrawals"
    shown = see(client, "/withdrawals")
    assert "What was asked for" in shown
    assert 'href="/withdrawals"' in see(client, "/images")
    assert "all that they said" in shown
    assert "asked to &lt;b&gt;" in shown
    assert client.get(f"/api/v1/images/{one}").json()["status"] == "withdrawn"
    assert post(**{**asked_for, "contributor": "nobody"}).status_code == 422
    assert post(**{**asked_for, "remedy": "all"}).status_code == 422
    assert post(**{**asked_for, "contributor": "", "target": snapshot}, confirmed="yes").status_code == 303
    assert f"/snapshots/{snapshot}" in see(client, "/withdrawals")
