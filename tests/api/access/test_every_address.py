"""Every address that writes, from the table of routes: without a token that may, it refuses, and nothing changes.

An address that is added later is tested by itself; one that needs no token must be named here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

from registry.api.auth import Needs
from registry.api.pages.base.session import SESSION
from registry.assembly import Home
from registry.catalog import sessions, tokens
from registry.catalog.schema.columns import metadata
from tests.api.conftest import Resting, rested
from tests.catalog.databases import KINDS, migrated

READING = {"GET", "HEAD", "OPTIONS"}
FREE = {  # what needs no token: questions, and the ways to get one
    "POST /api/v1/audits",
    "POST /api/v1/releases/{cid}/claims",
    "POST /api/v1/session",
    "POST /api/v1/session/nonce",
    "POST /audits",
    "POST /audits/file",
    "POST /signin",
    "POST /signin/wallet",
    "POST /signout",
    "POST /witness/add-checkpoint",  # the checkpoint's own signature says who asks
}
PAST = "2020-01-01T00:00:00Z"


class Address(NamedTuple):
    """One method of one route; ``scope`` where a guard states it (None: any token)."""

    method: str
    path: str
    guarded: bool
    scope: str | None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def at(self, resting: Resting) -> str:
        """With something real in every place, so that it is not refused for what it names."""
        real = {"identity": str(resting.images[0]), "cid": resting.snapshot, "run": "x"}
        return re.sub(r"{(\w+)}", lambda found: real.get(found[1], "x"), self.path)


def addresses(resting: Resting) -> Iterator[Address]:
    for route in resting.client.app.routes:
        for handler in getattr(route, "route_handlers", ()):
            guards = [one for one in handler.guards or () if isinstance(one, Needs)]
            for method in sorted(handler.http_methods):
                if method not in READING or guards:
                    yield Address(method, route.path_format, bool(guards), guards[0].scope if guards else None)


def everything(home: Home) -> dict[str, list[str]]:
    """All rows of all tables, but for when tokens were last used."""
    with home.catalog.read() as db:
        return {
            table.name: sorted(
                repr({name: value for name, value in row.items() if name != "used"})
                for row in db.execute(sa.select(table)).mappings()
            )
            for table in metadata.sorted_tables
        }


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resting]:
    """A registry that nobody changes, on each database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("resting")
        return
    folder = tmp_path_factory.mktemp("walked")
    with migrated(request.param, folder, request) as url, rested(folder, EMOTIONET_DATABASE_URL=url) as found:
        yield found


@pytest.fixture(scope="module")
def wrong_tokens(place: Resting) -> dict[str, str]:
    """The text of a token of each kind that may not write, and what no token ever was."""
    home = place.home
    with home.catalog.write() as db:
        _, expired = tokens.create(db, tokens.SCOPES, home.now(), PAST)
        identity, revoked = tokens.create(db, tokens.SCOPES, home.now())
        tokens.revoke(db, identity, home.now())
        _, wallet = tokens.create(db, tokens.SCOPES, home.now(), account="0x" + "ab" * 20)
    return {"wrong": "emn_wrong", "expired": expired, "revoked": revoked, "no account": wallet, "cut": revoked[:-1]}


def narrow(home: Home, scope: str | None) -> str:
    """A token with every scope but the one that is needed (None: it is not known which)."""
    kept = ["contribute-for"] if scope is None else [one for one in tokens.SCOPES if one not in {scope, "admin"}]
    with home.catalog.write() as db:
        return tokens.create(db, kept, home.now())[1]


def ask(resting: Resting, address: Address, **headers: str) -> Any:
    return resting.client.request(
        address.method,
        address.at(resting),
        content=b"{}",
        follow_redirects=False,
        headers={"content-type": "application/json", "accept": "application/json", **headers},
    )


def test_every_guarded_address_refuses_who_may_not(place: Resting, wrong_tokens: dict[str, str]) -> None:
    asked = [one for one in addresses(place) if one.guarded]
    assert len(asked) >= 12
    too_narrow = {one.scope: narrow(place.home, one.scope) for one in asked if one.scope}
    before = everything(place.home)
    for address in asked:
        answer = ask(place, address)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_missing"), address.name
        assert answer.headers["www-authenticate"].startswith("Bearer")
        for kind, token in wrong_tokens.items():
            answer = ask(place, address, authorization=f"Bearer {token}")
            assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid"), (address.name, kind)
        if address.scope:
            answer = ask(place, address, authorization=f"Bearer {too_narrow[address.scope]}")
            assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), address.name
    assert everything(place.home) == before


def test_every_other_address_that_writes_needs_a_session(place: Resting, wrong_tokens: dict[str, str]) -> None:
    home = place.home
    asked = [one for one in addresses(place) if not one.guarded and one.name not in FREE]
    assert len(asked) >= 8
    too_narrow, later = narrow(home, None), "2999-01-01T00:00:00Z"
    with home.catalog.write() as db:
        cookies = {
            kind: sessions.begin(db, str(token), home.now(), later)
            for kind, token in {
                "expired": _id(db, wrong_tokens["expired"]),
                "revoked": _id(db, wrong_tokens["revoked"]),
                "no account": _id(db, wrong_tokens["no account"]),
            }.items()
        }
        narrowed = sessions.begin(db, _id(db, too_narrow), home.now(), later)
    before = everything(home)
    for address in asked:
        for kind, secret in {"none": "", "wrong": "x" * 43, **cookies}.items():
            answer = ask(place, address, cookie=f"{SESSION}={secret}")
            assert (answer.status_code, answer.json()["code"]) == (401, "token_missing"), (address.name, kind)
        answer = ask(place, address, cookie=f"{SESSION}={narrowed}")
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), address.name
    assert everything(home) == before


def _id(db: sa.Connection, plain: str) -> str:
    return tokens.resolve(db, plain)


def test_what_is_free_is_there(resting: Resting) -> None:
    known = {one.name for one in addresses(resting)}
    assert known >= FREE, FREE - known
