"""Classes, attributes and values that bear one name, or signs of the grammar: told apart everywhere, claimed about.

The folders are those of ``cases/figures/c06_attr_class`` and ``c06_names``, without their pictures.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.assembly import Home
from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.core.run_view import draw_view, release_view
from registry.core.snapshots.image_rights import image_rights
from registry.exports.card.card import model_card
from registry.exports.card.markdown import line
from registry.web.report.collect import collect
from registry.web.report.report import render_report
from registry.workflows.audit.audit_target import audit_target
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.judge_claims import judge_claims
from registry.workflows.releases.publish_release import publish_release, show_release
from registry.workflows.runs.check_plan import Labeled, check_plan
from registry.workflows.runs.list_plans import list_plans
from registry.workflows.runs.start_run import Wanted, check_request, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.support.forgery import failed, simulated_home

CLASSES = ["feliz (muy)", "yes", "喜び😀", "a=b", "\"cita\" 'x'", "1e3", "<script>alert(1)</script>", "null"]
GENDER = "género (x) & <b>"


def write(folder: Path, columns: list[str], rows: list[list[str]]) -> Path:
    folder.mkdir(parents=True)
    for number, row in enumerate(rows):
        (folder / row[0]).write_bytes(f"picture {number}".encode())
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([columns, *rows])
    return folder


def named(folder: Path) -> Path:
    """c06_names, without its column ``attr.class``."""
    rows, number = [], 0
    for place, name in enumerate(CLASSES):
        for turn in range(6):
            values = ["ab"[turn % 2], ["dark, yes", "light"][number % 2], "q&r"[number % 3]]
            rows.append([f"{number}.png", name, f"p{(place * 6 + turn) % 20:02d}", *values])
            number += 1
    return write(folder, ["file", "label", "subject", "attr.a", "attr.tone", f"attr.{GENDER}"], rows)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("names")
    with simulated_home(folder) as opened:
        import_source(opened, str(named(folder / "named")))
        yield opened


@pytest.fixture(scope="module")
def snapshot(home: Home) -> CID:
    return CID.parse(take_snapshot(home, classes="\n".join(CLASSES) + "\n")["snapshot"])


SIGNED = ('f1("feliz (muy)") >= 0.01', 'recall("a"="b") >= 0.01', 'recall("a=b") >= 0.01', "recall_gap(a) <= 0.99")


@pytest.fixture(scope="module")
def shown(home: Home, snapshot: CID) -> dict[str, Any]:
    run = start_run(home, snapshot, Wanted(recipe="simulated", method="simulated", claims=SIGNED))
    home.worker().work(run)
    return publish_release(home, run)


@pytest.mark.parametrize("column", ["attr.class", "attr.Class", "attr.CLASS"])
def test_an_attribute_called_class_is_refused_at_import_with_the_way_out(
    home: Home, tmp_path: Path, column: str
) -> None:
    folder = write(tmp_path / "f", ["file", "label", column, "attr.tone"], [["0.png", "alfa", "3A", "dark"]])
    with pytest.raises(InvalidInput) as caught:
        import_source(home, str(folder))
    assert caught.value.code == "reserved_name"
    assert "rename" in str(caught.value.hint)


def test_every_figure_stands_once_with_its_parts_beside_its_name(shown: dict[str, Any], home: Home) -> None:
    metrics = shown["metrics"]
    assert {name: one["name"] for name, one in metrics.items()} == {name: name for name in metrics}
    of_class, of_group = metrics['recall("a=b")'], metrics["recall(a=b)"]
    assert (of_class["metric"], of_class["class"], of_class["group"]) == ("recall", "a=b", {})
    assert (of_group["metric"], of_group["class"], of_group["group"]) == ("recall", None, {"a": "b"})
    assert (of_class["n"], of_group["n"]) == (6, 24)
    assert of_class["value"] != of_group["value"]
    for label in CLASSES:
        assert (
            sum(one["metric"] == "f1" and one["class"] == label and not one["group"] for one in metrics.values()) == 1
        )
    (comma,) = (
        one
        for one in metrics.values()
        if one["metric"] == "fpr" and one["group"] == {"tone": "dark, yes"} and one["class"] == "a=b"
    )
    assert comma["name"] == 'fpr(tone="dark, yes", "a=b")'
    assert metrics["recall_gap(a & tone)"]["of"] == ["a", "tone"]
    assert metrics["recall_gap(class)"]["of"] == ["class"]
    assert show_release(home, CID.parse(shown["release"]))["metrics"] == metrics


def test_claims_are_judged_on_what_they_name(shown: dict[str, Any]) -> None:
    names = ['f1("feliz (muy)")', "recall(a=b)", 'recall("a=b")', "recall_gap(a)"]
    assert [one["metric"] for one in shown["claims"]] == names
    assert [one["value"] for one in shown["claims"]] == [shown["metrics"][name]["value"] for name in names]


def test_audit_page_and_later_claims_tell_them_apart(home: Home, shown: dict[str, Any]) -> None:
    assert failed(audit_target(home, shown["release"])) == []
    page = render_report(collect(home, CID.parse(shown["release"]), "es"))
    assert "<script>" not in page
    assert "recall(&#34;a=b&#34;)" in page
    later = judge_claims(home, CID.parse(shown["release"]), [SIGNED[2]])["claims"]
    assert [(one["metric"], one["in_plan"]) for one in later] == [('recall("a=b")', True)]
    assert line('f1("feliz (muy)")') == 'f1("feliz (muy)")'


REFUSED = [
    "f1(feliz (muy)) >= 0.5",
    "recall(a=b) >= 0.5",
    "f1(nobody) >= 0.5",
    "recall(a=c) >= 0.5",
    "recall(tone=dark, yes) >= 0.5",
    "recall_gap(height) <= 0.5",
    "worst_recall(class & a) >= 0.5",
    "<script>alert(1)</script> >= 0.5",
]


@pytest.mark.parametrize("claim", REFUSED)
def test_a_claim_on_nothing_or_on_two_things_signs_nothing(home: Home, snapshot: CID, claim: str) -> None:
    before = list_plans(home, None, limit=100)
    for ask in (start_run, check_request):
        with pytest.raises(InvalidInput) as caught:
            ask(home, snapshot, Wanted(recipe="simulated", method="simulated", claims=(claim,)))
        assert caught.value.code == "bad_claim"
        assert caught.value.hint
    assert list_plans(home, None, limit=100) == before


def test_the_plan_asks_for_all_attributes(home: Home, shown: dict[str, Any]) -> None:
    assert draw_view(home.store.get, CID.parse(shown["draw"])).plan.groups == ("a", GENDER, "tone")


def test_a_strangers_attribute_that_is_called_class_is_found_before_anything_is_signed(
    home: Home, shown: dict[str, Any]
) -> None:
    view = draw_view(home.store.get, CID.parse(shown["draw"]))
    images = [Labeled(bytes([number]) * 32, bytes([number]) * 32, 0, {"class": "3A"}) for number in range(9)]
    with pytest.raises(InvalidInput) as caught:
        check_plan(view.snapshot, images, view.recipe, (), "fold:0")
    assert caught.value.code == "reserved_name"


@pytest.mark.parametrize("claim", ["pr_auc >= 0.5", "ap(null) >= 0.5", "precision(null) >= 0.5"])
def test_what_one_class_alone_would_always_reach_is_no_claim(home: Home, claim: str) -> None:
    alone = CID.parse(take_snapshot(home, classes="null,null\n")["snapshot"])
    with pytest.raises(InvalidInput, match="can't be judged"):
        start_run(home, alone, Wanted(recipe="simulated", method="simulated", claims=(claim,)))
    assert check_request(home, alone, Wanted(recipe="simulated", method="simulated", claims=("f1(null) >= 0.5",)))


def test_pictures_without_an_object_are_called_as_no_class_is(home: Home, tmp_path: Path) -> None:
    labels = ("nada", "nothing", "lleno", "fondo")
    rows = [[f"{number}.png", labels[number % 4], f"p{number}"] for number in range(24)]
    import_source(home, str(write(tmp_path / "empty", ["file", "label", "contributor"], rows)))
    classes = "nada\nnothing\nlleno\nfondo = nothing\n"
    snapshot = CID.parse(take_snapshot(home, classes=classes, query={"label": list(labels)})["snapshot"])
    run = start_run(home, snapshot, Wanted(recipe="simulated", method="simulated"))
    home.worker().work(run)
    release = CID.parse(publish_release(home, run)["release"])
    for language, word in (("es", "nada*"), ("en", "nothing*")):
        found = collect(home, release, language)
        assert [name for name, _ in found.several] == ["nada", "nothing", "lleno", word]
        bars = found.figures[0]
        assert [row[0] for row in bars.rows] == ["nada", "nothing", "lleno", word]
        assert sum(int(row[1]) + int(row[2]) for row in bars.rows) == 24
    record = records.parse_as(records.Release, home.store.get(release))
    view = release_view(home.store.get, record)
    assert "Some of these images show no object" in model_card(view, image_rights(view.snapshot, home.store.get))
