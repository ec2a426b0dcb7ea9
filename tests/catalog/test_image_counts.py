"""Counts of images by label, contributor, licence and rights: always those that counting again gives."""

from __future__ import annotations

import random

import pytest
import sqlalchemy as sa

from registry.catalog.database.database import Catalog, Connection
from registry.catalog.index.image_counts import recount
from registry.catalog.index.rebuild import rebuild
from registry.catalog.queries.labeled_images import image_counts
from registry.catalog.schema.derived import image_counts as table
from registry.catalog.schema.derived import images
from tests.catalog.world import NOW, World, sha256_of
from tests.support.anchors.signer import MemorySigner

LABELS = ("feliz", "triste", "enojado")


def kept(db: Connection) -> tuple[list[tuple[str, str, int]], dict[str, int]]:
    rows = sorted((row.kind, row.value, row.images) for row in db.execute(sa.select(table)))
    return rows, {row.sha256: row.labels for row in db.execute(sa.select(images.c.sha256, images.c.labels))}


def check_kept(catalog: Catalog) -> None:
    with catalog.write() as db:
        before = kept(db)
        recount(db)
        assert before == kept(db)


@pytest.mark.parametrize("seed", [1, 2])
def test_kept_counts_are_those_of_counting_again_after_any_labels_and_corrections(world: World, seed: int) -> None:
    chance, ben = random.Random(seed), MemorySigner(8)
    for _ in range(8):
        numbers = chance.sample(range(12), 6)
        rows = [
            world.row(
                number,
                chance.choice(LABELS),
                chance.choice(["ana", "eva"]),
                licence=chance.choice(["CC0-1.0", None]),
                rights=chance.choice([{}, {"tdm-reservation": "1"}]),
            )
            for number in numbers
        ]
        world.label(*rows, key=chance.choice([world.key, ben]))
        check_kept(world.catalog)
    with world.catalog.read() as db:
        listed = image_counts.images(db, "listed")
        assert 6 <= listed <= 12
        assert sum(one.images for one in image_counts.most(db, "label", 10)) > listed  # some have several labels
        assert 0 < image_counts.images(db, "disputed") < listed
        assert 0 < image_counts.images(db, "right", "tdm-reservation") < listed


def test_the_order_in_which_logs_are_indexed_changes_no_count(world: World) -> None:
    world.label(world.row(0, "feliz"), index=False)
    world.label(world.row(0, "triste"), index=False)
    world.index(*reversed(world.entries))
    with world.catalog.read() as db:
        assert [(one.value, one.images) for one in image_counts.most(db, "label", 10)] == [("triste", 1)]
        assert db.scalar(sa.select(images.c.labels).where(images.c.sha256 == sha256_of(0).hex())) == 1
    check_kept(world.catalog)


def test_a_rebuild_counts_the_same_again_rows_that_it_can_not_make_again_among_them(world: World) -> None:
    ben = MemorySigner(8)
    world.label(world.row(0, "feliz"), world.row(1, "triste"))
    lost = world.label(world.row(0, "triste"), world.row(2, "enojado"), key=ben)
    with world.catalog.read() as db:
        before = kept(db)
    world.store.lose(lost)
    rebuild(world.catalog, world.store.get, world.store.cids(), NOW)
    with world.catalog.read() as db:
        assert kept(db) == before
    check_kept(world.catalog)


def test_the_most_frequent_values_come_first_and_no_more_than_asked_for(world: World) -> None:
    world.label(*(world.row(n, f"label {n % 4 if n < 9 else 0}") for n in range(12)))
    with world.catalog.read() as db:
        found = image_counts.most(db, "label", 2)
        assert [(one.value, one.images) for one in found] == [("label 0", 6), ("label 1", 2)]
        assert image_counts.images(db, "label", "label 3") == 2
        assert image_counts.images(db, "label", "none such") == 0
