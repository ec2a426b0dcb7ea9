"""Tokens and idempotency keys."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from registry.catalog import accounts, tokens
from registry.catalog.database.database import Catalog
from registry.core.errors import NotFound, UsageError
from tests.catalog.world import NOW, at


def test_a_token_does_what_its_scopes_say(catalog: Catalog) -> None:
    with catalog.write() as db:
        identity, plain = tokens.create(db, ["images:write", "runs:write"], NOW)
        other, admin = tokens.create(db, ["admin"], at(1))
        assert tokens.check(db, plain, "images:write", NOW) == identity
        assert tokens.check(db, plain, None, NOW) == identity
        assert tokens.check(db, plain, "releases:write", NOW) is None
        assert tokens.check(db, plain, "admin", NOW) is None
        assert tokens.check(db, admin, "releases:write", NOW) == other
        assert tokens.check(db, plain[:-1], None, NOW) is None
        assert tokens.check(db, "", None, NOW) is None


def test_a_token_expires_and_is_revoked(catalog: Catalog) -> None:
    with catalog.write() as db:
        identity, plain = tokens.create(db, ["admin"], NOW, at(5))
        assert tokens.check(db, plain, None, at(4)) == identity
        assert tokens.check(db, plain, None, at(5)) is None
        tokens.revoke(db, identity, at(2))
        tokens.revoke(db, identity, at(3))
        assert tokens.check(db, plain, None, at(1)) is None
        (row,) = tokens.list_tokens(db)
        said = {
            "id": identity,
            "name": identity,
            "scopes": ["admin"],
            "created": NOW,
            "expires": at(5),
            "revoked": at(2),
        }
        assert row == {**said, "contributor": None, "account": None, "used": None}
        with pytest.raises(NotFound):
            tokens.revoke(db, "nobody", NOW)


@pytest.mark.parametrize("scopes", [[], ["images:read"], ["admin", "x"]])
def test_scopes_that_do_not_exist(catalog: Catalog, scopes: list[str]) -> None:
    with pytest.raises(UsageError), catalog.write() as db:
        tokens.create(db, scopes, NOW)


def test_a_tokens_text_is_nowhere_in_the_database(catalog: Catalog) -> None:
    with catalog.write() as db:
        _, plain = tokens.create(db, ["admin"], NOW)
    with catalog.read() as db:
        rows = [tuple(row) for row in db.execute(sa.text("SELECT * FROM tokens"))]
    assert rows
    assert plain not in repr(rows)
    assert plain.removeprefix(tokens.PREFIX) not in repr(rows)


def test_a_wallets_last_use_is_that_of_its_newest_session(catalog: Catalog) -> None:
    address, other = "0x" + "ab" * 20, "0x" + "cd" * 20
    with catalog.write() as db:
        assert accounts.last_uses(db) == {}
        mine = [tokens.create(db, ["images:write"], NOW, account=address)[0] for _ in range(2)]
        tokens.create(db, ["images:write"], NOW, account=other)  # has signed in, and done nothing since
        tokens.create(db, ["images:write"], NOW)
        tokens.note_use(db, {mine[0]: at(7), mine[1]: at(5)})
        assert accounts.last_uses(db) == {address: at(7)}
