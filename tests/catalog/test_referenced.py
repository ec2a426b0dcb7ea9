"""Images that wait for their bytes, and what tokens sent, on both databases."""

from __future__ import annotations

import sqlalchemy as sa

from registry.catalog.database.database import Catalog
from registry.catalog.queries.labeled_images import referenced
from registry.catalog.queries.sent_roots import remember_sent, sent_by
from registry.catalog.schema.derived import image_cids, images
from registry.core.ipld.cid import RAW, cid_of

NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
ONE, TWO = cid_of(b"1", RAW), cid_of(b"2", RAW)


def said(label: str, contributor: str = "anna") -> dict[str, object]:
    return {"label": label, "contributor": contributor, "boxes": [[1, 2, 3, 4]], "attributes": {"age": "30"}}


def test_rows_wait_once_and_images_belong_to_one_job(catalog: Catalog) -> None:
    with catalog.write() as db:
        given = [(ONE, said("a"), "Eva"), (ONE, said("a"), "Eva"), (ONE, said("b"), "Eva"), (TWO, said("a"), None)]
        referenced.add_rows(db, "did:a", given)
        referenced.add_rows(db, "did:a", [(ONE, said("b"), "Eva"), (ONE, said("a"), "Eva")])
        referenced.add_rows(db, "did:b", [(ONE, said("a"), None)])
        labels = [one.row["label"] for one in referenced.rows_of(db, [str(ONE)], "did:a")]
        assert labels == ["a", "b", "a"]
        assert referenced.unassigned(db, [ONE, TWO], NOW) == [str(ONE), str(TWO)]
        referenced.assign(db, [str(ONE), str(TWO)], 7, NOW, anew=True)
        assert referenced.unassigned(db, [ONE, TWO], LATER) == []
        assert referenced.of_job(db, 7) == {str(one): 0 for one in (ONE, TWO)}
        referenced.failed(db, {str(ONE): "not_found", str(TWO): "unavailable"}, LATER)
        referenced.give_up(db, {str(TWO): "too_large"}, LATER)
    with catalog.write() as db:
        assert referenced.of_job(db, 7) == {str(ONE): 1}
        assert referenced.counted(db) == {("waiting", "not_found"): 1, ("given_up", "too_large"): 1}
        assert (referenced.how_many_wait(db), referenced.oldest_waiting(db)) == (1, NOW)
        first, cursor = referenced.listed(db, limit=1)
        rest, end = referenced.listed(db, cursor=cursor, limit=1)
        assert sorted(one["cid"] for one in (*first, *rest)) == sorted(map(str, (ONE, TWO)))
        assert end is None
        assert [one["code"] for one in referenced.listed(db, state="given_up")[0]] == ["too_large"]
        assert (referenced.forget_subject(db, "Eva"), referenced.forget_subject(db, "Eva")) == (3, 0)
        mine = referenced.rows_of(db, [str(ONE)], "did:a")
        referenced.drop_rows(db, [mine[0].position])
        found = referenced.get(db, str(ONE))
        assert found is not None
        assert [row["label"] for row in found["rows"]] == ["b", "a", "a"]
        db.execute(sa.insert(images).values(sha256=ONE.digest.hex(), size=1, stored=True))
        db.execute(sa.insert(image_cids).values(sha256=ONE.digest.hex(), cid=str(ONE)))
        alone = referenced.of_image(db, ONE.digest.hex())
        assert alone == {name: value for name, value in found.items() if name != "rows"}
        assert referenced.of_image(db, TWO.digest.hex()) is None  # no row of it is labeled here
        assert referenced.unassigned(db, [TWO], LATER) == [str(TWO)]  # given up: it begins anew
        assert referenced.drop(db, [str(ONE), str(TWO), "other"]) == 2
        assert referenced.rows_of(db, [str(ONE)], "did:b") == []
        assert (referenced.counted(db), referenced.oldest_waiting(db)) == ({}, None)


def test_a_token_is_told_of_its_own_roots_alone(catalog: Catalog) -> None:
    with catalog.write() as db:
        remember_sent(db, "mine", [ONE, ONE])
        remember_sent(db, "mine", [ONE])
        remember_sent(db, "other", [TWO])
        assert sent_by(db, "mine", [str(ONE), str(TWO)]) == {str(ONE)}
