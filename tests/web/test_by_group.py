"""Figures of groups come into tables whole, each once, whatever their names; nothing gets lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from registry.core.records import Metric
from registry.core.text.figure_names import FigureName, group_name, name_of, parse
from registry.web.report.by_group import OF_GROUP, WITHIN, by_group, people_of
from tests.evaluation.world import CLASSES
from tests.web.example import data, result


def figure(parts: FigureName) -> dict[str, Any]:
    group = dict(parts.group)
    one = Metric(
        metric=parts.metric, of=parts.of, group=group, label=parts.label, value="0.500000", low=None, high=None, n=3
    )
    return one.document()


def named(group: dict[str, str], kinds: Sequence[str], labels: Sequence[str | None] = (None,)) -> list[str]:
    pairs = tuple(sorted(group.items()))
    return [name_of(FigureName(kind, group=pairs, label=label)) for label in labels for kind in kinds]


def of(group: dict[str, str], classes: tuple[str, ...]) -> list[dict[str, Any]]:
    return [figure(parse(name)) for name in (*named(group, OF_GROUP), *named(group, WITHIN, classes))]


def test_an_evaluations_groups_are_tables_and_its_gaps_a_list() -> None:
    people = data().people
    assert [name for name, _ in people.groups] == ["tone=dark", "tone=light", "tone=medium", "tone=rare"]
    assert [kind for kind, _ in people.within] == list(WITHIN)
    known = {one["name"]: one for one in people_of(result())}
    for kind, rows in people.within:
        for group, row in rows:
            assert list(row) == [known[f"{kind}({group}, {label})"] for label in CLASSES]
    assert {one["name"] for one in people.rest if not one["name"].endswith("(tone)")} == {"worst_recall(class)"}
    assert {"recall_gap(tone)", "worst_recall(tone)", "equalized_odds_ratio(tone)"} <= {
        one["name"] for one in people.rest
    }


texts = st.sampled_from(["a=b", "a=b, c", "c", "b, c", "x", "a=b, c, x", "a", ", ", ""])
grouped = st.dictionaries(texts, texts, min_size=1, max_size=2)
lists = st.lists(
    st.builds(
        lambda metric, group, label: FigureName(metric, group=tuple(sorted(group.items())), label=label),
        st.sampled_from([*OF_GROUP, *WITHIN]),
        st.one_of(st.just({}), grouped),
        st.one_of(st.none(), texts),
    ).map(figure),
    max_size=12,
)


@given(lists, st.lists(grouped, max_size=3, unique_by=group_name), st.lists(texts, max_size=3, unique=True))
def test_every_figure_is_shown_once_and_where_its_parts_say(
    others: list[dict[str, Any]], groups: list[dict[str, str]], classes: list[str]
) -> None:
    given_ = [*others, *(one for group in groups for one in of(group, tuple(classes)))]
    found = by_group(given_, classes)
    cells = [one for _, row in found.groups for one in row]
    cells += [one for _, rows in found.within for _, row in rows for one in row]
    assert sorted(map(id, (*cells, *found.rest))) == sorted(map(id, given_))
    for group, row in found.groups:
        assert [one["metric"] for one in row] == list(OF_GROUP)
        assert {(group_name(one["group"]), one["class"]) for one in row} == {(group, None)}
    for kind, rows in found.within:
        assert [group for group, _ in rows] == [group for group, _ in found.groups]
        for group, row in rows:
            wanted = [(kind, group, label) for label in classes]
            assert [(one["metric"], group_name(one["group"]), one["class"]) for one in row] == wanted
    repeated = {one["name"] for one in given_ if [other["name"] for other in given_].count(one["name"]) > 1}
    assert not repeated & {one["name"] for one in cells}  # of two that bear one name, neither is given a cell


def test_a_table_that_would_have_a_hole_stays_a_list() -> None:
    figures = [one for one in of({"a": "b"}, ("x", "y")) if one["name"] != "fpr(a=b, y)"]
    found = by_group(figures, ("x", "y"))
    assert [kind for kind, _ in found.within] == ["selection", "recall", "precision"]
    assert [one["name"] for one in found.rest] == ["fpr(a=b, x)"]


def test_many_empty_cells_cost_nothing() -> None:
    """Of 5,000 groups and as many classes that a stranger's record names, no table is made."""
    figures = [figure(parse(f"{kind}(g={number})")) for number in range(5000) for kind in OF_GROUP]
    found = by_group(figures, [str(number) for number in range(5000)])
    assert (len(found.groups), found.within, found.rest) == (5000, (), ())
    assert json.dumps(found.groups)
