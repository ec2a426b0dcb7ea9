"""A lineage in layers: folded where it is long, marked where something was taken back, escaped wherever it lies."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from registry.catalog.queries.labeled_images import images
from registry.core.ipld.cid import CID
from registry.web.base.words import Words
from registry.web.pages.lineage import layers
from registry.web.pages.lineage.drawing import drawn
from registry.web.pages.lineage.layers import LAYERS, Lineage, Node, lineage_of
from registry.workflows.store.find_records import record_of
from registry.workflows.withdrawals.withdraw import withdraw
from tests.support.forgery import Released, simulated_release


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with simulated_release(tmp_path_factory.mktemp("lineage")) as found:
        yield found


@pytest.fixture(scope="module")
def release(made: Released) -> CID:
    return record_of(made.home, made.entry)


def by_layer(found: Lineage) -> dict[str, tuple[Node, ...]]:
    return dict(found.drawn)


def test_layers_are_the_types_and_the_images_are_one_node(made: Released, release: CID) -> None:
    found = lineage_of(made.home, release)
    assert [layer for layer, _ in found.drawn] == [one for one in LAYERS if one != "audit"]
    (images,) = by_layer(found)["image"]
    assert images.count == made.view.snapshot.count
    assert images.href == f"/snapshots/{made.view.preprocessing.snapshot}/items"
    assert [node.here for node in by_layer(found)["release"]] == [True]
    assert len(by_layer(found)["training"]) == len(made.view.trainings)
    place = {node.cid: index for index, (_, nodes) in enumerate(found.drawn) for node in nodes}
    assert all(place[one] < place[other] for one, other in found.edges)
    leads_to = {other for _, other in found.edges}
    assert set(place) - leads_to == {images.cid}  # every other node comes from something


def test_an_arrow_that_a_longer_way_tells_is_left_out(made: Released, release: CID) -> None:
    found = lineage_of(made.home, release)
    draw, evaluation = (by_layer(found)[name][0].cid for name in ("draw", "evaluation"))
    assert (draw, str(release)) not in found.edges  # by way of the evaluation
    assert (evaluation, str(release)) in found.edges


def test_a_long_layer_is_folded_and_its_list_is_whole(
    made: Released, release: CID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "DRAWN", 2)
    found = lineage_of(made.home, release)
    shown = by_layer(found)["training"]
    assert [node.count for node in shown] == [1, len(made.view.trainings) - 1]
    assert shown[1].href == "#list-training"
    listed = {kind: (nodes, count) for kind, nodes, count in found.listed}
    assert len(listed["training"][0]) == listed["training"][1] == len(made.view.trainings)
    monkeypatch.setattr(layers, "LISTED", 1)
    assert next(len(nodes) for _, nodes, count in lineage_of(made.home, release).listed if count > 1) == 1


def test_of_an_image_the_image_itself_is_drawn(made: Released) -> None:
    with made.home.catalog.read() as db:
        rows, _ = images.list_images(db, limit=1)
    found = lineage_of(made.home, CID.parse(rows[0]["cid"]))
    (node,) = by_layer(found)["image"]
    assert (node.cid, node.here, node.href) == (rows[0]["sha256"], True, f"/images/{rows[0]['sha256']}")
    assert "release" in by_layer(found)


def test_every_node_of_the_drawing_is_a_link_with_a_name(made: Released, release: CID) -> None:
    found = lineage_of(made.home, release)
    svg = str(drawn(Words("es"), found))
    nodes = [node for _, shown in found.drawn for node in shown]
    assert svg.count("<a href=") == svg.count("aria-label=") - 1 == len(nodes)
    assert len(re.findall(r'class="way"', svg)) == 2 * len(found.edges)
    assert "publicación" in svg


def test_nothing_that_a_node_is_called_leaves_its_place() -> None:
    node = Node('"><script>alert(1)</script>', "release", '/releases/"><b>', "withdrawn")
    svg = str(drawn(Words("en"), Lineage(node, (("release", (node,)),), (), ())))
    assert "<script" not in svg
    assert "<b>" not in svg
    assert "withdrawn" in svg


def test_what_was_taken_back_says_so(made: Released, release: CID) -> None:
    withdraw(made.home, str(release), "consent was taken back")
    found = lineage_of(made.home, release)
    assert found.start.status == "withdrawn"
    assert by_layer(found)["release"][0].status == "withdrawn"
    assert by_layer(found)["snapshot"][0].status == ""
