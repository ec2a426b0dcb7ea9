"""The page stands alone, says what it must, and lets nothing from outside act."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from msgspec import structs

from registry.core.errors import InvalidInput
from registry.core.records import Note
from registry.web.base.svg import Drawing
from registry.web.base.words import Words
from registry.web.report.report import ReportData, render_report
from registry.web.verify.verify import verifier_address
from tests.web.example import data

EVIL = "<script>alert(1)</script>\"'><img src=https://evil.example/x onerror=alert(1)>"
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Tags, attributes and text; checks that tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in {"style"}:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def page(**changes: Any) -> Page:
    return Page(render_report(data(**changes)))


def test_the_page_needs_no_other_file() -> None:
    found = page()
    assert not {"script", "link", "iframe", "object", "embed", "form", "base"} & set(found.tags)
    for tag, name, value in found.attributes:
        assert not name.startswith("on"), (tag, name)
        if name in {"src", "href", "data", "action", "srcset"}:
            assert value.startswith("data:image/") or (tag, value) == ("a", verifier_address()), (tag, value)
    whole = render_report(data())
    assert "@import" not in whole
    assert "url(" not in whole
    assert "default-src 'none'" in whole
    assert set(re.findall(r"https?://[^\"'\s<]+", whole)) == {"http://www.w3.org/2000/svg"}


def test_the_verifier_can_be_saved_from_it_and_stands_in_it_once() -> None:
    found = page().attributes
    assert [value for tag, name, value in found if (tag, name) == ("a", "href")] == [verifier_address()]
    assert ("a", "download", "emotionet-verify.html") in found


def test_the_same_data_gives_the_same_bytes() -> None:
    assert render_report(data()) == render_report(data())


def test_the_page_says_what_it_must() -> None:
    text = page().text
    for wanted in (
        "These are drawings.",
        "proves nothing to others",
        "Trained from the architecture alone",
        "describe the procedure, not one set of weights",
        "The final weights' own figures (fold 0)",
        "This value is optimistic",
        "Confidence threshold by fold: 0.250000",
        "No decision about a person",
        "AGPL-3.0-only",
        "95 % interval",
        "supported",
        "refuted",
        "not estimable",
        "so its figures are noisy",
        "Balance between classes is not fairness between people",
        "prohibited in the European Union",
        "no chain",
        "emotionet audit RELEASE.car --offline",
        "Published weights",
    ):
        assert wanted in text, wanted


def test_classes_within_groups_are_tables_that_open() -> None:
    whole = render_report(data())
    listed = whole.partition('<details class="open by-group">')[0]
    for kind in ("selection", "recall", "precision", "fpr"):
        assert f"{kind}(tone=" not in listed.partition("All figures")[2]
        assert html.escape(Words("en")(f"people.{kind}")).replace("&#x27;", "&#39;") in whole
    tables = whole.split('<details class="open by-group">')[1:]
    assert len(tables) == 4
    for table, (_, rows) in zip(tables, data().people.within, strict=True):
        for group, row in rows:
            cells = table.partition(f"<tr><th>{Words('en').group(group)}</th>")[2].partition("</tr>")[0]
            for cell, one in zip(cells.split("</td>"), row, strict=False):
                estimable = one["value"] is not None
                said = (Words("en").short(one["value"]), f"({one['n']})") if estimable else (f"estimable ({one['n']})",)
                assert all(part in cell for part in said)
                assert not estimable or Words("en").interval(one) in cell


def test_says_nothing_that_does_not_hold() -> None:
    text = page(drawn=False, anchor="finalized", base="bafybase", base_licence=None, commands=(), per_fold=()).text
    for unwanted in (
        "drawings",
        "proves nothing to others",
        "architecture alone",
        "Try next",
        "By fold",
    ):
        assert unwanted not in text, unwanted
    assert "bafybase, whose stated licence is none" in text
    broken = page(records="broken").text
    assert "no claim is judged" in broken
    assert "The claim “macro_f1" not in broken
    assert "no image is left to judge them" in page(final="refit", own=None).text


@pytest.mark.parametrize("anchor", ["none", "signed", "sent", "included"])
def test_an_anchor_that_is_not_final_is_no_proof(anchor: str) -> None:
    assert "not final: until a chain calls it final, or an authority has stamped it" in page(anchor=anchor).text


def test_no_claim_and_no_examples() -> None:
    text = page(claims=(), examples=()).text
    assert "The plan makes no claim." in text
    assert "that the cleaning dropped" not in text
    assert "After the fact" not in text
    later = page(later=({**data().claims[0], "in_plan": True}, {**data().claims[1], "in_plan": False})).text
    assert "After the fact" in later
    assert "not part of the release" in later
    assert later.count("also in the plan") == 1


def test_hostile_text_stays_text() -> None:
    metric = {"name": EVIL, "value": "0.500000", "low": "0.400000", "high": "0.600000", "n": 5}
    claim = {**metric, "metric": EVIL, "comparator": EVIL, "threshold": "0.500000", "verdict": EVIL, "needed": None}
    found = page(
        issued=EVIL,
        base=EVIL,
        base_licence=EVIL,
        licence=EVIL,
        issuer=EVIL,
        recipe=EVIL,
        anchor=EVIL,
        headline=(metric,),
        metrics=(metric,),
        claims=(claim,),
        counts=(("cleaning", "dropped", EVIL, 1),),
        examples=((EVIL, EVIL, None, "00" * 32),),
        notes=(Note(code=EVIL, values={EVIL: EVIL}), Note(code="compared", values={"attributes": (EVIL,)})),
        checks=({"id": EVIL, "level": 1, "title": EVIL, "result": EVIL, "reason": EVIL},),
        cids=((EVIL, EVIL),),
        commands=(EVIL,),
        model=EVIL,
        data=EVIL,
        publisher=EVIL,
        mistakes=(structs.replace(data().mistakes[0], labelled=EVIL, predicted=EVIL, uri=None),),
        final=EVIL,
        own=(metric,),
        per_fold=((metric,),),
    )
    assert "script" not in found.tags
    assert "img" not in found.tags
    assert found.text.count("alert(1)") >= 20


@pytest.mark.parametrize(
    "changes",
    [
        {"figures": (Drawing("x", "<script>alert(1)</script>", (), ()),)},
        {"figures": (Drawing("x", "<svg onload=alert(1)><script></script></svg>", (), ()),)},
        {"figures": (Drawing("x", "<svg ><SCRIPT></SCRIPT></svg>", (), ()),)},
        {"examples": (("x", "y", "https://evil.example/x.png"),)},
        {"examples": (("x", "y", "javascript:alert(1)"),)},
        {"examples": (("x", "y", "data:image/svg+xml;base64,AAAA"),)},
        {"examples": (("x", "y", "data:text/html,hello"),)},
        {"mistakes": (structs.replace(data().mistakes[0], uri="https://evil.example/x.png"),)},
    ],
)
def test_foreign_figures_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        page(**changes)
    assert caught.value.code == "bad_figure"


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), ("0.853886", "0.854"), ("0.999500", "1.000"), ("0.000500", "0.000")]
)
def test_short_numbers_are_rounded_not_cut(value: str | None, text: str) -> None:
    assert Words("en").short(value) == text
    assert Words("es").short(value) == text.replace(".", ",")


def test_verdicts_are_not_told_by_colour_alone() -> None:
    text = page().text
    assert "✓ supported" in text
    assert "✗ refuted" in text
    assert "– not checked" in text


def test_optional_parts_have_defaults() -> None:
    """A collector that knows only what every release has makes a page."""
    fields = {name: getattr(data(), name) for name in ReportData.__struct_fields__}
    optional = (
        "per_fold",
        "own",
        "people",
        "classes",
        "later",
        "tests",
        "several",
        "thresholds",
        "optimistic",
        "overfitting",
        "commands",
    )
    for name in optional:
        fields.pop(name)
    Page(render_report(ReportData(**fields)))
