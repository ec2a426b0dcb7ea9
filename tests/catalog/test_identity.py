"""Names of tokens, accounts of wallets, nonces, and the log of writes that nobody changes."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from registry.catalog import accounts, tokens, writes
from registry.catalog.database.database import Catalog
from registry.core.errors import Conflict, EmotionetError, InvalidInput, NotFound, UsageError
from tests.catalog.world import NOW, at

WALLET = "0x" + "ab" * 20


def test_a_token_is_named_by_its_name_its_id_or_its_text(catalog: Catalog) -> None:
    with catalog.write() as db:
        one, text = tokens.create(db, ["images:write"], NOW, at(5), name=" camera ", contributor="ana")
        other, _ = tokens.create(db, ["admin"], NOW)
        for named in ("camera", one, one[:6], text, text[:12]):
            assert tokens.resolve(db, named) == one
        found = tokens.find(db, text, NOW)
        assert found == tokens.Caller(one, "camera", ("images:write",), "ana", None)
        with pytest.raises(NotFound):
            tokens.resolve(db, "emn_")
        with pytest.raises(Conflict):
            tokens.create(db, ["admin"], at(4), name="camera")
        second, _ = tokens.create(db, ["admin"], at(5), name="camera")  # the first has expired
        assert tokens.resolve(db, "camera") == second
        assert tokens.revoke(db, "camera", at(6)) == second
        assert tokens.known(db, [one, other]) == {one: "camera", other: other}


def test_a_rotated_token_keeps_its_name_and_rights(catalog: Catalog) -> None:
    with catalog.write() as db:
        _, old = tokens.create(db, ["runs:write"], NOW, at(9), name="lab", contributor="ana")
        _, new = tokens.rotate(db, "lab", at(1), at(99), until=at(3))
        assert tokens.find(db, old, at(2)) is not None
        assert tokens.find(db, old, at(3)) is None
        found = tokens.find(db, new, at(4))
        assert found is not None
        assert (found.name, found.scopes, found.contributor) == ("lab", ("runs:write",), "ana")
        tokens.rotate(db, "lab", at(5), at(99))
        assert tokens.find(db, new, at(5)) is None


def test_who_revokes_a_rotated_token_is_told_of_the_one_that_still_works(catalog: Catalog) -> None:
    with catalog.write() as db:
        first, _ = tokens.create(db, ["admin"], NOW, at(90), name="lab")
        second, _ = tokens.rotate(db, "lab", at(1), at(99), until=at(9))
        third, _ = tokens.rotate(db, "lab", at(2), at(99), until=at(9))
        assert tokens.overlapping(db, third, at(3)) == sorted([first, second])
        assert tokens.overlapping(db, third, at(9)) == []
        tokens.revoke(db, first, at(3))
        assert tokens.overlapping(db, third, at(3)) == [second]


def test_last_use_never_goes_back(catalog: Catalog) -> None:
    with catalog.write() as db:
        identity, _ = tokens.create(db, ["admin"], NOW)
        for when in (at(2), at(1)):
            tokens.note_use(db, {identity: when})
        assert [one["used"] for one in tokens.list_tokens(db)] == [at(2)]


def test_a_wallets_token_is_worth_what_its_account_is_worth_now(catalog: Catalog) -> None:
    settings = accounts.configured([(WALLET.upper().replace("X", "x"), ("runs:write",))])
    with catalog.write() as db:
        accounts.add(db, WALLET, ["images:write"], NOW, "Ana")
        _, text = tokens.create(db, ["images:write"], NOW, at(9), account=WALLET)
        found = tokens.find(db, text, at(1), settings)
        assert found is not None
        assert (found.scopes, found.account) == (("images:write", "runs:write"), WALLET)
        accounts.add(db, WALLET, ["snapshots:write"], at(1))
        assert accounts.scopes_of(db, WALLET, {}) == ("snapshots:write",)
        assert [one["scopes"] for one in accounts.list_accounts(db)] == [["snapshots:write"]]
        accounts.remove(db, WALLET, at(2))
        assert tokens.find(db, text, at(2), settings) is None  # its sessions ended
        _, text = tokens.create(db, ["images:write"], NOW, at(9), account=WALLET)
        assert tokens.find(db, text, at(2)) is None  # no account at all
        with pytest.raises(NotFound):
            accounts.remove(db, WALLET, at(2))
    for wrong in ("ab" * 20, "0x12", "0x" + "g" * 40):
        with pytest.raises(InvalidInput):
            accounts.parse_address(wrong)
    with pytest.raises(UsageError):
        accounts.configured([(WALLET, ("images:read",))])


def test_a_nonce_is_used_once_and_forgotten_when_it_expires(catalog: Catalog) -> None:
    with catalog.write() as db:
        assert accounts.use_nonce(db, "n" * 20, NOW, at(5))
        assert not accounts.use_nonce(db, "n" * 20, at(1), at(5))
        assert accounts.use_nonce(db, "m" * 20, at(6), at(9))
        assert accounts.use_nonce(db, "n" * 20, at(6), at(9))  # whose server has refused it as too old by then
        accounts.make_nonce_key(db)
        key = accounts.known_nonce_key(db)
        accounts.make_nonce_key(db)
        assert key == accounts.known_nonce_key(db)
        assert key is not None
        assert len(key) == 32


def test_the_log_of_writes_can_only_grow(catalog: Catalog) -> None:
    row = {"account": None, "client": "192.0.2.1", "action": "POST /images", "target": "/images", "request": "r"}
    with catalog.write() as db:
        token, _ = tokens.create(db, ["admin"], NOW, name="lab")
        numbers = [writes.begin(db, time=at(index), token=token, **row) for index in range(3)]
        writes.end(db, numbers[1], 200, at(5))
    statements = (
        "UPDATE writes SET client = 'nobody'",
        "DELETE FROM writes",
        "UPDATE write_outcomes SET status = 500",
        "DELETE FROM write_outcomes",
        "TRUNCATE writes, write_outcomes"
        if catalog.is_postgresql
        else "INSERT OR REPLACE INTO writes SELECT id, time, token, account, 'x', action, target, request FROM writes",
    )
    for statement in statements:
        with pytest.raises(EmotionetError), catalog.write() as db:
            db.execute(sa.text(statement))
    with pytest.raises(Conflict), catalog.write() as db:
        writes.end(db, numbers[1], 500, at(6))
    with catalog.read() as db:
        first, following = writes.list_writes(db, limit=2)
        rest, end = writes.list_writes(db, cursor=following, limit=2)
        assert [one["id"] for one in (*first, *rest)] == numbers[::-1]
        assert end is None
        assert [(one["status"], one["ended"], one["name"]) for one in first] == [
            (None, None, "lab"),
            (200, at(5), "lab"),
        ]
        assert writes.list_writes(db, token="nobody")[0] == []
        with pytest.raises(UsageError):
            writes.list_writes(db, cursor="x")
