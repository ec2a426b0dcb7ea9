"""The model card: YAML that parses, the statements that it owes, and text from outside that stays in its place."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import yaml
from huggingface_hub import (
    ModelCard,
    ModelCardData,
    eval_result_entries_to_yaml,
    parse_eval_result_entries,
)
from huggingface_hub.repocard_data import eval_results_to_model_index
from msgspec import structs

from pipeline.card_use import usage
from registry.core import records
from registry.core.errors import InvalidInput, UsageError
from registry.core.ipld.cid import DAG_CBOR, cid_of
from registry.core.run_view import ReleaseView
from registry.core.snapshots.image_rights import ImageRights
from registry.evaluation.claims import parse_claim
from registry.evaluation.evaluate import evaluate
from registry.evaluation.figures.thresholds import ThresholdRule
from registry.evaluation.result import to_record
from registry.evaluation.sentences import reason_text
from registry.exports.card.base_origin import Base
from registry.exports.card.card import model_card
from registry.exports.card.front_matter import SHOWN, eval_results
from registry.provenance.release_view import final_threshold
from tests.support.method_refs import method_ref

CLASSES = ("triste", "sorprendido", "feliz", "enojado")
CID = cid_of(b"\xa0", DAG_CBOR)
EVIL = "x\n# y\n---\n<script>alert(1)</script> [a](https://evil.example) | `b` \\| & \u2028 \"'\x00"


def evaluation(source: str, classes: tuple[str, ...] = CLASSES) -> records.Evaluation:
    rows = [
        {
            "sha256": number.to_bytes(32, "big"),
            "fold": number % 3,
            "truth": number % 4,
            "boxes": [[0, 0, 100, 100]],
            "detections": [[number % 4 if number % 5 else 0, 900_000, 0, 0, 100, 100]],
        }
        for number in range(60)
    ]
    found = evaluate(
        rows,
        classes=classes,
        threshold=ThresholdRule("fixed", 250_000, 10_000, 3),
        final="fold:0",
        histories=(),
        claims=(parse_claim("macro_f1 >= 0.5"), parse_claim("f1(nobody) >= 0.5")),
        groups=("source",),
        clusters={},
        attributes={number.to_bytes(32, "big"): {"source": source} for number in range(60)},
        rounds=50,
        min_group=10,
        seed=1,
    )
    return to_record(CID, CID, (), CID, found)


def view(*, name: str = "quick", source: str = "photograph", **changes: Any) -> ReleaseView:
    judged = evaluation(source, changes.get("classes", CLASSES))
    plan: dict[str, Any] = {
        "preprocessing": CID,
        "method": method_ref("yolov8"),
        "recipe": CID,
        "code": "sha256:00",
        "environment": CID,
        "base": None,
        "seed": 2023,
        "metrics": (),
        "groups": (),
        "claims": (),
        "final": "fold:0",
    }
    return ReleaseView(
        draw=records.Draw(plan=CID, beacons=changes.get("beacons", ()), seed=bytes(32), folds=CID),
        plan=records.Plan(**{**plan, **changes.get("plan", {})}),
        recipe=records.Recipe(name=name, method="yolov8", version=1, values=changes.get("values", {})),
        preprocessing=records.Preprocessing(snapshot=CID, recipe=CID, output=CID),
        snapshot=records.Snapshot(
            items=CID,
            count=60,
            classes=changes.get("classes", CLASSES),
            query={},
            rule="agree",
            contributions=(),
            excluded=CID,
        ),
        release=records.Release(
            draw=CID,
            plan_entry=CID,
            trainings=(),
            evaluation=CID,
            weights=tuple(
                records.Weights(fold=fold, format="safetensors", cid=CID, tensors="sha256:0")
                for fold in (0, 1, 2, None)
            ),
            card=CID,
            licence="AGPL-3.0-only",
            claims=changes.get("evaluation", judged).verdicts,
            attempts=records.Attempts(count=1, number=1),
        ),
        trainings=(),
        evaluation=changes.get("evaluation", judged),
    )


SILENT = ImageRights(
    use=records.Use(override=None, licences=(), consent=False),
    honoured=0,
    overridden=0,
    allowed=0,
    not_read=0,
    silent=60,
)


def card_of(given: ReleaseView, base: Base | None = None, use: str = "", *, rights: ImageRights = SILENT) -> str:
    return model_card(given, rights, base, use)


def front(card: str) -> dict[str, Any]:
    head, _, _ = card.removeprefix("---\n").partition("\n---\n")
    found: dict[str, Any] = yaml.safe_load(head)
    return found


def test_the_front_matter_is_what_the_hub_reads() -> None:
    given = view()
    found = front(card_of(given))
    assert found["license"] == "agpl-3.0"
    assert found["pipeline_tag"] == "object-detection"
    assert "emotion-recognition" in found["tags"]
    (index,) = found["model-index"]
    (result,) = index["results"]
    assert result["dataset"]["type"] == str(CID)
    stated = {one.name: float(one.value or -1) for one in given.evaluation.metrics}
    for metric in result["metrics"]:
        assert metric["value"] == stated[metric["type"]]
    assert [metric["type"] for metric in result["metrics"]] == list(SHOWN)


def test_the_hubs_own_library_reads_every_figure() -> None:
    given = view()
    card = ModelCard(card_of(given))
    assert isinstance(card.data, ModelCardData)
    assert card.data.license == "agpl-3.0"
    assert card.data.model_name == "emotionet quick"
    found = {one.metric_type: one.metric_value for one in card.data.eval_results or []}
    stated = {one.name: float(one.value or -1) for one in given.evaluation.metrics if one.name in SHOWN}
    assert found == stated
    again = ModelCardData(**yaml.safe_load(card.data.to_yaml()))  # written by the library and read once more
    assert again.to_dict() == card.data.to_dict()  # type: ignore[no-untyped-call]
    assert (
        eval_results_to_model_index("emotionet quick", card.data.eval_results or []) == front(str(card))["model-index"]
    )


def test_eval_results_are_what_the_hub_reads() -> None:
    given = view()
    text = eval_results(given, "somebody/faces")
    entries = parse_eval_result_entries(yaml.safe_load(text))
    stated = {one.name: float(one.value or -1) for one in given.evaluation.metrics if one.name in SHOWN}
    assert {one.task_id: one.value for one in entries} == stated
    assert {one.dataset_id for one in entries} == {"somebody/faces"}
    assert all(str(CID) in str(one.notes) for one in entries)
    assert eval_result_entries_to_yaml(entries) == yaml.safe_load(text)
    for bad in ("faces", "a/b/c", "a/b\nx: y", "../faces", ""):
        with pytest.raises(UsageError, match="is not a data set of the hub"):
            eval_results(given, bad)


@pytest.mark.parametrize(
    "wanted",
    [
        "Workplace and education: prohibited",
        "Article 5(1)(f)",
        "high-risk",
        "Balance between classes is not fairness between people",
        "Pooled figures describe the procedure",
        "the architecture alone, without base weights",
        "nothing proves to others",
        "AGPL-3.0-only",
        "those of fold 0",
        "0 triste, 1 sorprendido, 2 feliz, 3 enojado",
        "emotionet audit RELEASE.car --offline",
        "Annex III, 1(c)",
        "Article 50(3)",
        "5. Risk management (Article 9) | Nothing",
        "9. Post-market monitoring (Article 72)",
        "Figures of fold 0, on the images that it was not trained on",
        "fairness was measured between classes only",
    ],
)
def test_a_card_says_what_it_owes(wanted: str) -> None:
    assert wanted in " ".join(card_of(view()).split())


def test_every_figure_and_verdict_is_there() -> None:
    given = view()
    card = card_of(given).replace("\\", "")
    for one in (*given.evaluation.metrics, *given.evaluation.fairness):
        assert f"| {one.name} | {one.value or 'not estimable: ' + reason_text(one.reason)} |" in card
    assert "| macro_f1 >= 0.500000 | supported |" in card
    assert "| f1(nobody) >= 0.500000 | undecided | not estimable: the evaluation has no such figure | – |" in card


def test_a_card_says_which_attempt_it_is_and_who_says_so() -> None:
    given = view()
    several = structs.replace(given.release, attempts=records.Attempts(count=3, number=2))
    without = replace(given, release=structs.replace(several, claims=()))
    claimed = replace(given, release=several)
    for one, said in ((without, "plan 2 of 3 without claims"), (claimed, "plan 2 of 3 that its issuer signed")):
        verdict, _, rest = card_of(one).partition("## Verdict")[2].partition("## Intended use")
        assert said in verdict
        assert "The issuer states this; an audit counts again" in verdict
        assert said in rest.partition("## Claims, fixed in the plan")[2]
    before = model_card(without, SILENT, template=3)
    assert "plan 2 of 3 that its issuer signed" in before, "as template 3 said it of every release"
    assert "The issuer states this" not in before


def test_a_card_says_what_differs() -> None:
    block = records.EvmBlock(
        chain="eip155:1",
        contract="0x0",
        transaction="0x0",
        block_number=7,
        block_hash="0x0",
        time="2026-11-23T15:00:00Z",
    )
    drand = records.DrandRound(chain="ab" * 32, round=9, signature=b"s")
    card = card_of(view(beacons=(block, drand), plan={"base": CID}))
    assert f"drawn from block 7 of eip155:1 and round 9 of drand {'ab' * 32}" in card
    assert "nothing proves to others" not in card
    assert f"base weights `{CID}`, which state no origin and no licence" in card
    assert "architecture alone" not in card


def test_base_weights_bring_their_licence_and_origin() -> None:
    card = card_of(view(plan={"base": CID}), Base(format="onnx", sha256="ab" * 32, licence="AGPL-3.0 [x](y)"))
    plain = card.replace("\\", "")
    assert f"base weights `{CID}`, made from a file (onnx, sha256 {'ab' * 32}) under the licence" in plain
    assert "The base weights state as theirs: AGPL-3.0 [x](y)." in plain
    assert "](y)" not in card.replace("\\](y)", "")
    assert "state no licence" in card_of(view(plan={"base": CID}), Base(format="pt", sha256="00", licence=None))


def test_a_card_says_whose_weights_people_get() -> None:
    given = view(plan={"final": "fold:1"})
    section = card_of(given).partition("## Figures of the published weights")[2].partition("\n## ")[0]
    own = {one.name: one for one in given.evaluation.per_fold[1] if "(" not in one.name}
    assert own
    for name, one in own.items():
        assert f"| {name} | {one.value or 'not estimable: ' + reason_text(one.reason)} |" in section.replace("\\", "")
    refit = card_of(view(plan={"final": "refit"}))
    section = refit.partition("## Figures of the published weights")[2].partition("\n## ")[0]
    assert "They have no figures of their own" in section
    assert "|" not in section


def test_confusion_matrix_optimistic_values_and_thresholds() -> None:
    given = view()
    found = given.evaluation
    card = card_of(given)
    for name, counts, several in zip(CLASSES, found.confusion, found.several, strict=True):
        assert f"| {name} | {' | '.join(map(str, counts))} | {several} |" in card
    stated = {one.name: one.value for one in found.metrics}
    assert {"macro_f1"} <= {best.name for best in found.optimistic}
    for best in found.optimistic:
        assert f"| {best.name} | {stated.get(best.name, '–')} | {best.value} | {best.threshold} |" in card
    assert "Confidence thresholds by fold: 0.250000, 0.250000, 0.250000" in card


def test_drawings_are_called_drawings() -> None:
    assert "These are drawings" in card_of(view(source="drawing"))
    assert "These are drawings" not in card_of(view())


def test_the_same_records_give_the_same_bytes() -> None:
    assert card_of(view()) == card_of(view())


def test_hostile_text_stays_in_its_place() -> None:
    plan = {"method": method_ref(EVIL, EVIL)}
    judged = records.Evaluation(
        **{
            **{name: getattr(evaluation("x"), name) for name in records.Evaluation.__struct_fields__},
            "fairness": (records.Metric(metric=EVIL, value=None, low=None, high=None, n=3),),
            "notes": (
                records.Note(code=EVIL, values={EVIL: EVIL}),
                records.Note(code="undeclared", values={"attribute": EVIL, "images": 1}),
            ),
            "verdicts": (
                records.Verdict(
                    metric=EVIL, comparator=EVIL, threshold=EVIL, value=None, low=None, high=None, verdict=EVIL
                ),
            ),
        }
    )
    card = card_of(view(name=EVIL, plan=plan, evaluation=judged, classes=(EVIL, "b", "c", "d")))
    assert front(card)["model-index"][0]["name"].startswith("emotionet x# y---<script>")
    body = card.split("\n---\n", 1)[1]
    assert "<script" not in body
    assert not re.search(r"(?<!\\)\[a(?<!\\)\]\(", body)
    assert [line for line in body.splitlines() if line.startswith("# ")][1:] == []
    assert "\x00" not in body
    bars = 0  # of the table's head; only bars that no backslash takes out of the table count
    for line in body.splitlines():
        found = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) if line.startswith("|") else 0
        assert not (found and bars) or found == bars, line
        bars = found


def test_weights_that_nobody_published_have_no_card() -> None:
    with pytest.raises(InvalidInput, match="has no weights of"):
        card_of(view(plan={"final": EVIL}))


def test_nothing_estimable_has_no_model_index() -> None:
    empty = evaluate(
        [],
        classes=CLASSES,
        threshold=ThresholdRule("fixed", 0, 0, 3),
        final="fold:0",
        histories=(),
        claims=(),
        groups=(),
        clusters={},
        attributes={},
        rounds=1,
        min_group=1,
        seed=0,
    )
    card = card_of(view(evaluation=to_record(CID, CID, (), CID, empty), plan={"final": "refit"}))
    assert "model-index" not in front(card)
    assert "The plan makes no claim." in card


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_card_tells_how_to_use_the_weights(mirrored: bool) -> None:
    values = {"training": {"imgsz": 96}, "evaluation": {"floor": "0.01", "mirrored": mirrored}}
    given = view(values=values)
    card = card_of(given, None, usage(values, final_threshold(given)))
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", card, re.DOTALL | re.MULTILINE))
    compile(code, "card", "exec")
    assert f"SIZE, THRESHOLD = 96, {float(given.evaluation.thresholds[0])}" in code
    assert ("mirror_back" in code) == mirrored
    strange: tuple[dict[str, object], ...] = (
        {"epochs": 3},
        {"training": {"imgsz": 96}, "evaluation": {"floor": f"0.01\n```\n{EVIL}"}},
    )
    for other in strange:
        assert usage(other, "0.250000") == "", "another method's recipe, or a stranger's"


def test_the_card_says_what_images_say_of_their_use() -> None:
    card = card_of(view())
    assert "left out because they say no (honoured) | 0" in card
    assert "in, and they say nothing (silent) | 60" in card
    assert "overridden" in card
    use = records.Use(override="by a *letter*", licences=("CC0-1.0",), consent=True)
    rights = ImageRights(use=use, honoured=0, overridden=2, allowed=1, not_read=3, silent=54)
    card = card_of(view(), rights=rights).replace("\\", "")
    assert "**Rights were overridden.** The reason that the snapshot states: by a *letter*" in card
    assert "Only images under these licences were taken: CC0-1.0." in card
    assert "Only images that state a consent were taken." in card
    for said in ("(overridden) | 2", "they say yes | 1", "could not be read | 3"):
        assert said in card
    nobody = ImageRights(use=None, honoured=0, overridden=2, allowed=0, not_read=0, silent=58)
    assert "Nobody asked what the images say of their use" in card_of(view(), rights=nobody)


def test_the_card_says_where_groups_come_from() -> None:
    counts = {"self": (3, 0), "perceived": (0, 1), "inferred": (0, 2), "unstated": (1, 0)}
    note = records.Note(code="sources", values={"attribute": "gender", "groups": ("gender=f", "gender=m"), **counts})
    given = view()
    notes = (*given.evaluation.notes, note)
    card = card_of(replace(given, evaluation=structs.replace(given.evaluation, notes=notes)))
    assert "| gender=m | 0 | 1 | 2 | 0 |" in card
    assert "gender=f: 3 said by the person" in card
    hostile = records.Note(code="sources", values={"groups": "x", **counts})
    notes = (*given.evaluation.notes, hostile)
    assert "Where the groups come from" not in card_of(
        replace(given, evaluation=structs.replace(given.evaluation, notes=notes))
    )
