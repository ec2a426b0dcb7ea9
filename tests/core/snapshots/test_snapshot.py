"""Snapshots: which rows count, who wins, why an image is left out, and what changed."""

from __future__ import annotations

import hashlib
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID, RAW, cid_of
from registry.core.snapshots.changes import compare
from registry.core.snapshots.classes import BACKGROUND, CLASS_SETS, classes_of, load_classes
from registry.core.snapshots.query import check_query, matches
from registry.core.snapshots.snapshot import RULE, resolve_rows, select
from registry.core.table import tables

EMOCIONES = load_classes("emociones")
BOX, OTHER_BOX = [0, 0, 100, 100], [5, 5, 50, 50]


def sha(image: int | str) -> bytes:
    return hashlib.sha256(str(image).encode()).digest()


def row(image: int | str, who: str, label: str, **more: Any) -> dict[str, Any]:
    base = {
        "sha256": sha(image),
        "issuer": "did:a",
        "contributor": who,
        "cid": bytes(cid_of(str(image).encode(), RAW)),
        "size": 10,
        "label": label,
        "boxes": [],
        "attributes": {},
        "subject": None,
        "licence": None,
        "consent": None,
        "sources": {},
        "rights": {},
        "replaces": None,
        "signature": None,
        "contribution": cid_of(b"contribution", RAW),
    }
    return base | more


def dicts(items: list[list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(records.SNAPSHOT_ITEMS.columns, item, strict=True)) for item in items]


def only(*rows: dict[str, Any]) -> dict[str, Any]:
    """The one item that these rows of one image make."""
    items, excluded = select(rows, EMOCIONES)
    assert excluded == []
    (item,) = dicts(items)
    return item


def left_out(*rows: dict[str, Any], **given: Any) -> tuple[str, str]:
    items, excluded = select(rows, EMOCIONES, **given)
    assert items == []
    ((_, reason, detail),) = excluded
    return reason, detail


# --- classes -----------------------------------------------------------------------------------------


def test_classes_stand_in_the_documented_order() -> None:
    assert EMOCIONES.names == ("triste", "sorprendido", "feliz", "enojado")
    for index, words in enumerate(
        [("triste", "sad", "0"), ("sorprendido", "surprised", "1"), ("feliz", "happy", "2"), ("enojado", "angry", "3")]
    ):
        for word in words:
            for form in (word, word.upper(), word.title(), f"  {word}\t"):
                assert EMOCIONES.index_of(form) == index
    for unknown in ("", "4", "contento", "feliz triste", "-1"):
        assert EMOCIONES.index_of(unknown) is None


def test_a_file_of_classes_is_read() -> None:
    classes = load_classes("\ufeff# my classes\r\nYes, sí, 1\r\n\r\nno,0\r\n")
    assert classes.names == ("Yes", "no")
    assert classes.aliases == {"yes": 0, "sí": 0, "1": 0, "no": 1, "0": 1}
    assert classes.index_of("SI\u0301") == 0, "the accent as a sign of its own is the same label"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "#\n",
        "nothing",
        "b = nothing\n",
        "a\na = nothing\n",
        "a\n= nothing\n",
        "a\na\n",
        "a, b\nc, B\n",
        "a,,b\n",
        ", a\n",
        "a\nb, a\n",
        "a\nA\n",
    ],
)
def test_classes_that_contradict_themselves_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_classes(text)
    assert caught.value.code == "bad_classes"


WITH_BACKGROUND = load_classes("face, cara\nfondo, Background = nothing\na=b\n")


def test_a_file_of_classes_names_pictures_without_an_object() -> None:
    assert WITH_BACKGROUND.names == ("face", "a=b"), "an equals sign alone makes no background"
    assert [WITH_BACKGROUND.index_of(label) for label in ("FONDO", "background", "cara", "a=b", "b")] == [
        BACKGROUND, BACKGROUND, 0, 1, None,
    ]  # fmt: skip
    assert classes_of(WITH_BACKGROUND.names, WITH_BACKGROUND.aliases) == WITH_BACKGROUND


@pytest.mark.parametrize(
    ("labels", "item", "excluded"),
    [
        (("fondo",), (None, []), None),
        (("fondo", "Background", "face"), (None, []), None),
        (("fondo", "face", "cara"), ("face", [[1, 2, 3, 4]]), None),
        (("fondo", "?"), (None, []), None),
        (("fondo", "face"), None, ("disagreement", "nothing 1, face 1")),
    ],
)
def test_background_is_voted_for_like_a_class(labels: tuple[str, ...], item: Any, excluded: Any) -> None:
    rows = [row(1, f"c{number}", label, boxes=[[1, 2, 3, 4]]) for number, label in enumerate(labels)]
    items, left = select(rows, WITH_BACKGROUND)
    assert [(one["label"], one["boxes"]) for one in dicts(items)] == ([] if item is None else [item])
    assert [tuple(one[1:]) for one in left] == ([] if excluded is None else [excluded])


@pytest.mark.parametrize("name", CLASS_SETS)
def test_a_record_holds_all_that_deciding_again_needs(name: str) -> None:
    classes = load_classes(name)
    assert classes_of(classes.names, classes.aliases) == classes
    for names, aliases in (
        ((), {}),
        (("a", "a"), {"a": 0}),
        (("a",), {}),
        (("a",), {"a": 0, "b": 1}),
        (("a", "b"), {"a": 1, "b": 0}),
    ):
        with pytest.raises(InvalidInput):
            classes_of(names, aliases)


# --- which rows --------------------------------------------------------------------------------------


def test_the_newest_row_of_each_contributor_counts() -> None:
    history = [row(1, "ana", "feliz"), row(1, "luis", "triste"), row(2, "ana", "feliz"), row(1, "ana", "triste")]
    resolved = resolve_rows(history)
    assert [(item["contributor"], item["label"]) for item in resolved if item["sha256"] == sha(1)] == [
        ("ana", "triste"),
        ("luis", "triste"),
    ]
    assert [(item["sha256"], item["contributor"]) for item in resolved] == sorted(
        (item["sha256"], item["contributor"]) for item in resolved
    )
    assert resolve_rows([]) == []
    with pytest.raises(InvalidInput) as caught:
        select(history, EMOCIONES)
    assert caught.value.code == "unresolved_rows"


def test_a_name_under_one_issuer_is_not_that_name_under_another() -> None:
    """Whichever address is greater: nobody's later row takes the place of another issuer's."""
    history = [row(1, "ana", "feliz", issuer="did:b"), row(1, "ana", "triste"), row(1, "ana", "feliz", issuer="did:c")]
    for order in permutations(history):
        resolved = resolve_rows(order)
        assert [(item["issuer"], item["label"]) for item in resolved] == [
            ("did:a", "triste"),
            ("did:b", "feliz"),
            ("did:c", "feliz"),
        ]
        (item,) = dicts(select(resolved, EMOCIONES)[0])
        assert (item["label"], item["contributors"]) == ("feliz", ["ana"])
    chosen = [item for item in resolve_rows(history) if matches(item, {"issuer": "did:a"})]
    assert dicts(select(chosen, EMOCIONES)[0])[0]["label"] == "triste"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (None, True),
        ({}, True),
        ({"label": "feliz"}, True),
        ({"label": "happy"}, False),
        ({"label": "Feliz"}, False),
        ({"contributor": "ana"}, True),
        ({"contributor": "luis"}, False),
        ({"subject": "s1"}, True),
        ({"subject": ""}, False),
        ({"attributes": {}}, True),
        ({"attributes": {"light": "dark"}}, True),
        ({"attributes": {"light": "dark", "age": "30"}}, False),
        ({"attributes": {"light": "bright"}}, False),
        ({"label": "feliz", "contributor": "ana", "subject": "s1", "attributes": {"light": "dark"}}, True),
        ({"label": "feliz", "contributor": "luis"}, False),
    ],
)
def test_a_filter_keeps_what_it_names(query: dict[str, Any] | None, expected: bool) -> None:
    assert matches(row(1, "ana", "feliz", subject="s1", attributes={"light": "dark"}), query) is expected


@pytest.mark.parametrize(
    "query",
    [{"size": "1"}, {"label": 1}, {"label": None}, {"attributes": "x"}, {"attributes": {"a": 1}}, {"attributes": [1]}],
)
def test_a_filter_that_is_none_is_refused(query: dict[str, Any]) -> None:
    for ask in (check_query, lambda given: matches(row(1, "ana", "feliz"), given)):
        with pytest.raises(InvalidInput) as caught:
            ask(query)
        assert caught.value.code == "bad_query"


# --- deciding ----------------------------------------------------------------------------------------


def test_one_row_is_an_item() -> None:
    item = only(row(1, "ana", "Happy", boxes=[BOX], subject="s1", licence="CC0", attributes={"light": "dark"}))
    assert item == {
        "sha256": sha(1),
        "image": cid_of(b"1", RAW),
        "size": 10,
        "label": "feliz",
        "contributors": ["ana"],
        "subject": "s1",
        "attributes": {"light": "dark"},
        "licence": "CC0",
        "boxes": [BOX],
        "sources": {},
        "rights": {},
    }


def test_the_source_of_an_attribute_goes_with_the_value_that_counts() -> None:
    ana = row(1, "ana", "feliz", attributes={"edad": "20", "luz": "baja"}, sources={"edad": "self"})
    ben = row(1, "ben", "feliz", attributes={"edad": "30"}, sources={"edad": "perceived"})
    eva = row(1, "eva", "feliz", attributes={"edad": "20"}, sources={"edad": "inferred"})
    assert only(ana)["sources"] == {"edad": "self"}
    assert only(ana, ben)["sources"] == {"edad": "self"}  # 20, and nobody perceived that
    assert only(ana, ben, eva)["sources"] == {"edad": "inferred"}
    assert only(row(1, "ana", "feliz", attributes={"edad": "20"}), ben)["sources"] == {}


def test_no_word_about_rights_is_lost_in_an_item() -> None:
    ana = row(1, "ana", "feliz", rights={"tdm-reservation": "0", "licence-text": "free"})
    ben = row(1, "ben", "feliz", rights={"tdm-reservation": "1"})
    assert only(ana, ben)["rights"] == {"tdm-reservation": ["0", "1"], "licence-text": ["free"]}
    assert only(ana)["rights"] == {"tdm-reservation": ["0"], "licence-text": ["free"]}


@pytest.mark.parametrize(
    ("labels", "winner"),
    [
        (["feliz", "happy", "triste"], "feliz"),
        (["feliz", "feliz", "feliz"], "feliz"),
        (["triste", "2", "HAPPY"], "feliz"),
        (["feliz", "what", "huh"], "feliz"),
        (["enojado", "sad", "angry", "what"], "enojado"),
        (["feliz", "feliz", "triste", "triste", "feliz"], "feliz"),
    ],
)
def test_the_majority_wins(labels: list[str], winner: str) -> None:
    assert only(*(row(1, f"c{number}", label) for number, label in enumerate(labels)))["label"] == winner


def test_why_an_image_is_left_out() -> None:
    assert left_out(row(1, "a", "feliz"), row(1, "b", "triste")) == ("disagreement", "triste 1, feliz 1")
    assert left_out(*(row(1, f"{n}", label) for n, label in enumerate(["0", "1", "3", "sad", "angry"]))) == (
        "disagreement",
        "triste 2, sorprendido 1, enojado 2",
    )
    assert left_out(row(1, "a", "what"), row(1, "b", "huh"), row(1, "c", "what")) == ("unknown_label", "huh, what")
    assert left_out(row(1, "a", "feliz"), withdrawn={sha(1)}) == ("withdrawn", "")
    assert left_out(row(1, "a", "feliz"), withdrawn={bytes(cid_of(b"1", RAW))}) == ("withdrawn", "")
    assert left_out(row(1, "a", "feliz"), missing={sha(1)}) == ("no_bytes", "")
    assert left_out(row(1, "a", "what"), withdrawn={sha(1)}, missing={sha(1)})[0] == "withdrawn"
    assert left_out(row(1, "a", "what"), missing={sha(1)})[0] == "no_bytes"
    alias = row(1, "b", "feliz", cid=bytes(CID.v0(sha("other profile"))))
    assert left_out(row(1, "a", "feliz"), alias, withdrawn={alias["cid"]})[0] == "withdrawn", (
        "an alias withdraws the image"
    )


def test_facts_follow_from_all_rows() -> None:
    """Subject and licence the smallest given; attributes together; image and size of the smallest contributor."""
    other = cid_of(b"same image, other profile", RAW)
    item = only(
        row(1, "b", "feliz", subject="s2", licence=None, attributes={"light": "dark", "age": "30"}, boxes=[OTHER_BOX]),
        row(1, "a", "triste", cid=bytes(other), size=11, subject=None, boxes=[BOX]),
        row(1, "c", "feliz", subject="s1", licence="MIT", attributes={"light": "bright"}, boxes=[BOX]),
    )
    assert item["image"] == other
    assert item["size"] == 11
    assert item["contributors"] == ["a", "b", "c"]
    assert (item["subject"], item["licence"]) == ("s1", "MIT")
    assert item["attributes"] == {"light": "bright", "age": "30"}
    assert item["boxes"] == [OTHER_BOX], "a voted for another class, b comes before c"


def test_boxes_of_a_winner_who_gives_none_come_from_the_next() -> None:
    assert only(row(1, "a", "feliz"), row(1, "b", "feliz", boxes=[BOX]))["boxes"] == [BOX]
    assert only(row(1, "a", "feliz"), row(1, "b", "what", boxes=[BOX]))["boxes"] == []


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        select([], EMOCIONES, "majority-v2")
    assert caught.value.code == "unknown_rule"
    assert select([], EMOCIONES, RULE) == ([], [])


ROWS = st.lists(
    st.builds(
        row,
        st.integers(0, 5),
        st.sampled_from(["ana", "bo", "cy"]),
        st.sampled_from(["feliz", "happy", "triste", "angry", "what"]),
        subject=st.sampled_from([None, "s1", "s2"]),
        licence=st.sampled_from([None, "CC0", "MIT"]),
        boxes=st.sampled_from([[], [BOX], [OTHER_BOX]]),
        attributes=st.dictionaries(st.sampled_from("xy"), st.sampled_from("pq"), max_size=2),
    ),
    max_size=20,
).map(resolve_rows)
IMAGES = st.frozensets(st.integers(0, 5).map(sha))


@settings(max_examples=150, deadline=None)
@given(ROWS, IMAGES, IMAGES, st.randoms(use_true_random=False))
def test_every_image_is_an_item_or_excluded_whatever_the_order(rows: Any, gone: Any, missing: Any, rng: Any) -> None:
    items, excluded = select(rows, EMOCIONES, RULE, gone, missing)
    shuffled = list(rows)
    rng.shuffle(shuffled)
    assert select(shuffled, EMOCIONES, RULE, gone, missing) == (items, excluded)
    kept, out = [item[0] for item in items], [item[0] for item in excluded]
    assert sorted(kept + out) == sorted({item["sha256"] for item in rows})
    assert kept == sorted(kept)
    assert out == sorted(out)
    assert not set(kept) & (gone | missing)
    assert {item["label"] for item in dicts(items)} <= set(EMOCIONES.names)
    assert {item[1] for item in excluded} <= {"withdrawn", "no_bytes", "unknown_label", "disagreement"}


@settings(max_examples=50, deadline=None)
@given(ROWS, IMAGES)
def test_what_was_excluded_excludes_again_from_the_record_alone(rows: Any, gone: Any) -> None:
    """As an audit does: only the snapshot's own tables and classes are at hand, not the catalog."""
    items, excluded = select(rows, EMOCIONES, RULE, gone)
    stated = {reason: {out[0] for out in excluded if out[1] == reason} for reason in ("withdrawn", "no_bytes")}
    again = classes_of(EMOCIONES.names, EMOCIONES.aliases)
    assert select(rows, again, RULE, stated["withdrawn"], stated["no_bytes"]) == (items, excluded)


@settings(max_examples=50, deadline=None)
@given(ROWS, ROWS)
def test_both_tables_can_be_built_and_compared(rows_a: Any, rows_b: Any) -> None:
    blocks: dict[CID, bytes] = {}
    roots = []
    for rows in (rows_a, rows_b):
        items, excluded = select(rows, EMOCIONES)
        tables.build(records.EXCLUDED, excluded, blocks.__setitem__)
        roots.append(tables.build(records.SNAPSHOT_ITEMS, items, blocks.__setitem__))
    a, b = (list(tables.rows_as_dicts(root, blocks.__getitem__)) for root in roots)
    found = compare(a[::-1], b[::-1])
    expected = list(tables.diff(roots[0], roots[1], blocks.__getitem__))
    values = records.SNAPSHOT_ITEMS.columns
    together = [(None, item) for item in found.added] + [(item, None) for item in found.removed] + list(found.changed)
    plain = [
        tuple(None if side is None else tuple(side[name] for name in values) for side in pair) for pair in together
    ]
    assert sorted(plain, key=lambda pair: (pair[0] or pair[1])[0]) == expected  # type: ignore[index]


def test_what_became_of_a_snapshot() -> None:
    a = dicts(select([row(1, "ana", "feliz"), row(2, "ana", "feliz"), row(3, "ana", "sad")], EMOCIONES)[0])
    b = dicts(select([row(2, "ana", "triste"), row(3, "ana", "sad"), row(4, "ana", "sad")], EMOCIONES)[0])
    found = compare(a, b)
    assert [item["sha256"] for item in found.added] == [sha(4)]
    assert [item["sha256"] for item in found.removed] == [sha(1)]
    assert [(before["label"], after["label"]) for before, after in found.changed] == [("feliz", "triste")]
    assert compare(a, a) == ([], [], [])
