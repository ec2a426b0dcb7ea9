"""Sessions of people who signed in with a token, and the search's words."""

from __future__ import annotations

import sqlalchemy as sa

from registry.catalog import sessions, tokens
from registry.catalog.database.database import Catalog
from registry.catalog.queries import search
from registry.catalog.queries.training_runs import runs
from registry.catalog.schema import derived, identity
from tests.catalog.world import NOW, at


def test_a_session_is_worth_what_its_token_is_worth(catalog: Catalog) -> None:
    with catalog.write() as db:
        token, _ = tokens.create(db, ["images:write"], NOW, at(8))
        secret = sessions.begin(db, token, NOW, at(9))
        found = sessions.find(db, secret, at(7))
        assert found is not None
        assert (found.token, found.scopes, found.until) == (token, ("images:write",), at(9))
        assert found.may("images:write")
        assert not found.may("runs:write")
        assert sessions.find(db, secret, at(8)) is None  # the token's end, before the session's
        assert sessions.find(db, secret[:-1], at(1)) is None
        admin, _ = tokens.create(db, ["admin"], NOW)
        second = sessions.find(db, sessions.begin(db, admin, NOW, at(9)), at(1))
        assert second is not None
        assert second.may("runs:write")
        tokens.revoke(db, token, at(2))
        assert sessions.find(db, secret, at(3)) is None


def test_a_session_ends_and_leaves_nothing_that_opens_one(catalog: Catalog) -> None:
    with catalog.write() as db:
        token, _ = tokens.create(db, ["admin"], NOW)
        old, secret = sessions.begin(db, token, NOW, at(1)), sessions.begin(db, token, NOW, at(9))
        assert all(one not in str(row) for row in db.execute(sa.select(identity.sessions)) for one in (old, secret))
        assert sessions.find(db, old, at(1)) is None
        sessions.begin(db, token, at(2), at(9))  # on the way the one that has expired is deleted
        assert len(db.execute(sa.select(identity.sessions)).all()) == 2
        sessions.end(db, secret)
        sessions.end(db, secret)
        assert sessions.find(db, secret, at(1)) is None


def test_words_are_found_whatever_their_case_and_signs(catalog: Catalog) -> None:
    counted = (("label", "Feliz 100%", 3), ("label", "feliz", 9), ("contributor", "Felix", 1), ("right", "felt", 5))
    with catalog.write() as db:
        db.execute(
            sa.insert(derived.image_counts),
            [dict(zip(("kind", "value", "images"), one, strict=True)) for one in counted],
        )
        run = runs.create(db, snapshot="s", recipe_name="felt-tip", engine=None, options={}, now=NOW)
        found = [(one["kind"], one["value"]) for one in search.values(db, "FEL", 10)]
        assert found == [("label", "feliz"), ("label", "Feliz 100%"), ("contributor", "Felix")]
        assert [one["value"] for one in search.values(db, "%", 10)] == ["Feliz 100%"]  # a sign like any other
        assert len(search.values(db, "fel", 1)) == 1
        assert search.values(db, "_", 10) == []
        assert [one["run"] for one in search.recipes(db, "TIP", 5)] == [run]
        assert search.named(db, "fel", 5) == []
        assert search.record_type(db, "nothing") is None
        (working,) = runs.in_work(db, 5)
        assert working["run"] == run
        runs.update(db, run, status="completed")
        assert runs.in_work(db, 5) == []
