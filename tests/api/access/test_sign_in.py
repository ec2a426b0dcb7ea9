"""Sign-In with Ethereum through the API: what is taken, and everything that EIP-4361 says must be refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from registry.assembly import Home
from registry.catalog import accounts
from tests.api.conftest import Client, make_token, picture, problem, send
from tests.support.wallets import message_of, other_form, personal_sign, wallet

HERE = {"host": "localhost:8000"}
ME = wallet()
Change = Callable[[dict[str, Any]], dict[str, Any]]


def at(minutes: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def terms(client: Client) -> dict[str, Any]:
    answer = client.post("/api/v1/session/nonce", headers=HERE)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def enter(client: Client, message: str, signature: str) -> Any:
    return client.post("/api/v1/session", json={"message": message, "signature": signature}, headers=HERE)


@pytest.fixture
def member(home: Home) -> None:
    with home.catalog.write() as db:
        accounts.add(db, ME.address, ["images:write"], home.now())


@pytest.mark.usefixtures("member")
def test_a_wallet_signs_in_writes_in_its_own_name_and_signs_out(client: Client, home: Home) -> None:
    message = message_of(terms(client), ME.address, at())
    answer = enter(client, message, personal_sign(ME, message))
    assert answer.status_code == 201, answer.text
    session = answer.json()
    did = f"did:pkh:eip155:1:{ME.address.lower()}"
    assert (session["account"], session["contributor"]) == (ME.address.lower(), did)
    assert session["scopes"] == ["images:write"]
    headers = {"Authorization": f"Bearer {session['token']}"}
    (cid,) = send(client, headers, [picture(0)])
    rows = [{"cid": str(cid), "label": "feliz"}, {"cid": str(cid), "label": "feliz", "contributor": "ana"}]
    done = client.post("/api/v1/images?rows=all", json=rows, headers=headers).json()
    assert [one["status"] for one in done["results"]] == ["registered", "rejected"]
    assert [one["contributor"] for one in client.get(f"/api/v1/images/{cid}").json()["history"]] == [did]
    noted = client.get("/api/v1/writes", headers=make_token(home, "admin")).json()["items"]
    assert [one["action"] for one in noted] == ["POST /api/v1/images", "POST /api/v1/blocks", "POST /api/v1/session"]
    assert {one["account"] for one in noted} == {ME.address.lower()}
    assert client.delete("/api/v1/session", headers=headers).status_code == 204
    problem(client.post("/api/v1/images", json=[], headers=headers), 401, "token_invalid")
    problem(client.delete("/api/v1/session", headers=make_token(home)), 409, "no_session")


@pytest.mark.usefixtures("member")
def test_a_nonce_counts_once_and_a_session_ends_with_its_account(client: Client, home: Home) -> None:
    message = message_of(terms(client), ME.address, at(), Expiration_Time=at(30), Not_Before=at(-1))
    signature = personal_sign(ME, message)
    first = enter(client, message, signature).json()
    assert first["expires"] == at(30) or first["expires"] <= at(30)
    problem(enter(client, message, signature), 401, "bad_nonce")
    with home.catalog.write() as db:
        accounts.remove(db, ME.address, home.now())
    headers = {"Authorization": f"Bearer {first['token']}"}
    problem(client.post("/api/v1/images", json=[], headers=headers), 401, "token_invalid")


def changed(**values: Any) -> Change:
    return lambda given: {**given, **values}


@pytest.mark.usefixtures("member")
def test_what_was_not_made_for_here_and_now_is_refused(client: Client) -> None:
    cases: list[tuple[str, Change, dict[str, str], str]] = [
        (at(), changed(domain="evil.example"), {}, "wrong_domain"),
        (at(), changed(domain="localhost:8001"), {}, "wrong_domain"),
        (at(), changed(domain="localhost:8000.evil.example"), {}, "bad_sign_in_message"),
        (at(), changed(domain="https://localhost:8000"), {}, "wrong_domain"),
        (at(), changed(uri="http://evil.example/signin"), {}, "wrong_uri"),
        (at(), changed(chain_id=5), {}, "wrong_chain"),
        (at(), changed(version="2"), {}, "bad_sign_in_message"),
        (at(), changed(nonce="a" * 54), {}, "bad_nonce"),
        (at(-20), changed(), {}, "not_issued_now"),
        (at(), changed(), {"Expiration_Time": at(-1)}, "sign_in_expired"),
    ]
    more: list[tuple[str, Change, dict[str, str], str]] = [
        (at(5), changed(), {}, "not_issued_now"),
        (at(), changed(), {"Not_Before": at(5)}, "not_valid_yet"),
        (at(), changed(statement="two\nlines"), {}, "bad_sign_in_message"),
        (at(), changed(), {"Not_Before": at(-1), "Expiration_Time": at(5)}, "bad_sign_in_message"),  # another order
        ("2026-02-31T00:00:00Z", changed(), {}, "bad_sign_in_message"),
    ]
    for some in (cases, more):
        client.app.state.wrong_tokens.__init__()  # who errs too often waits, which another test asks
        for issued, change, lines, code in some:
            message = message_of(change(terms(client)), ME.address, issued, **lines)
            problem(enter(client, message, personal_sign(ME, message)), 401, code)


@pytest.mark.usefixtures("member")
def test_a_signature_that_is_not_the_wallets_own_is_refused(client: Client) -> None:
    message = message_of(terms(client), ME.address, at())
    signature = personal_sign(ME, message)
    for wrong in (
        other_form(signature),
        personal_sign(wallet(2), message),
        personal_sign(ME, message + " "),
        "0x" + "00" * 65,
        "0x" + "ff" * 65,
        signature[:-2] + "02",
    ):
        problem(enter(client, message, wrong), 401, "bad_signature")
    problem(enter(client, message, signature[:-2]), 401, "bad_signature")  # of a contract it could be one
    problem(enter(client, message, signature[:-1]), 400, "invalid_request")
    lower = message.replace(ME.address, ME.address.lower())  # without EIP-55's capitals
    problem(enter(client, lower, personal_sign(ME, lower)), 401, "bad_address")
    assert enter(client, message, signature).status_code == 201  # none of them used the nonce


def test_who_is_no_account_is_told_so_and_made_to_wait(client: Client) -> None:
    for _ in range(10):
        message = message_of(terms(client), ME.address, at())
        problem(enter(client, message, personal_sign(ME, message)), 403, "no_account")
    answer = enter(client, message, personal_sign(ME, message))
    problem(answer, 429, "too_many_requests")
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "localhost@evil.example", "[", "192.0.2.1"])
def test_a_host_that_a_client_names_is_not_believed(client: Client, host: str) -> None:
    problem(client.post("/api/v1/session/nonce", headers={"host": host}), 409, "no_public_url")
