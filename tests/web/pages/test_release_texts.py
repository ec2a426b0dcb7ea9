"""What strangers wrote stays text: a model card as HTML, a citation in three forms, a filter in an address."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
import yaml

from registry.core.errors import InvalidInput
from registry.core.text.amounts import size_text
from registry.web.base.markdown import card_html
from registry.web.base.words import Words
from registry.web.pages.releases.cite import Cited, citations
from registry.web.pages.releases.judged import Wanted, nothing_of, wanted_of

CARD = """---
license: agpl-3.0
---

# Emotionet, recipe quick

> **These are drawings.** The figures say
> nothing about real ones.

Some *text* with `code | here` and
a second line.

- one item
  that goes on
- another

| figure | value |
| --- | --- |
| recall(a\\|b) | 1.0 |
| `x` | – |

```python
print("<b>")
# no heading
```

    emotionet audit RELEASE.car

## Claims
"""
HOSTILE = (
    "<script>alert(1)</script>",
    "![x](https://evil.example/x.png)",
    "[x](javascript:alert(1))",
    '<img src=x onerror="alert(1)">',
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "# <svg onload=alert(1)>",
    "| <b>a</b> |\n| --- |\n| <i>b</i> |",
    "`</code><script>`",
    "**<u>x</u>**",
    "- <iframe>",
    "> <form action=//evil.example>",
    "```\n</pre><script>\n```",
    "\\<script>",
    "<!-- --><style>*{}</style>",
)
ALLOWED = {
    *("h3", "h4", "h5", "h6", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"),
    *("pre", "code", "strong", "blockquote", "div"),
}


class Elements(HTMLParser):
    """The elements of a text, with their attributes, and that each is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_cards_forms_become_elements() -> None:
    html = str(card_html(CARD))
    assert "license" not in html
    assert "<h3>Emotionet, recipe quick</h3>" in html
    assert "<h4>Claims</h4>" in html
    assert "<blockquote><p><strong>These are drawings.</strong> The figures say nothing about real ones.</p>" in html
    assert "<p>Some *text* with <code>code | here</code> and a second line.</p>" in html
    assert "<ul><li>one item that goes on</li><li>another</li></ul>" in html
    assert "<tr><td>recall(a|b)</td><td>1.0</td></tr>" in html
    assert "print(&quot;&lt;b&gt;&quot;)\n# no heading</code></pre>" in html
    assert "<code>emotionet audit RELEASE.car</code>" in html
    assert {tag for tag, _ in Elements(html).found} <= ALLOWED


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_card_acts(text: str) -> None:
    for card in (text, f"# x\n\n{text}\n\ny", text * 3):
        for tag, attributes in Elements(str(card_html(card))).found:
            assert tag in ALLOWED, card
            assert set(attributes) <= {"tabindex", "class", "scope"}, card


def test_a_long_card_of_signs_takes_no_longer_than_its_length() -> None:
    """Read twice as long it would be quadratic; a hundred thousand of each sign end at once."""
    for sign in ("*", "`", "|", "[", "#", ">", "- ", "\\", "**a", "| --- "):
        assert len(card_html(sign * 100_000)) > 0
    Elements(str(card_html("| a |\n| --- |\n" + "| b |\n" * 5_000)))


CITED = Cited(
    title='quick"}, author = {Mallory\n- item: [x',
    publisher="O'Neil & Sons: 100%_\\evil{}",
    issuer="did:pkh:eip155:1:0x" + "a" * 40,
    issued="2026-11-30T12:51:53Z",
    release="bafyreieugtvczc3ruycm6j2yn4zhvwsiybik7y4faskucuzjgcskbgvpra",
    snapshot="bafyreigxo2gftssr33gjgsumx2biu2rrtfayrq4taqmctc7nejgr2qcok4",
    licence="AGPL-3.0-only\nmessage: x",
)


def test_a_citation_names_the_release_by_its_cid_and_nothing_breaks_out() -> None:
    found = citations(CITED)
    assert all(f"ipfs://{CITED.release}" in text for text in found.values())
    cff = yaml.safe_load(found["cff"])
    assert cff["cff-version"] == "1.2.0"
    assert set(cff) == {
        *("cff-version", "message", "type", "title", "authors", "date-released", "license", "identifiers"),
    }
    assert cff["message"].startswith("If you use")
    assert [one["value"] for one in cff["identifiers"]] == [f"ipfs://{CITED.release}", f"ipfs://{CITED.snapshot}"]
    bib = found["bibtex"]
    assert len(re.findall(r"^  \w+ += \{", bib, re.MULTILINE)) == 6
    assert bib.count("{") == bib.count("}")
    assert "\n" not in found["text"]


def test_a_filter_is_read_from_an_address_and_written_back() -> None:
    wanted = wanted_of({"truth": "feliz", "predicted": "nothing", "right": "no", "fold": "2", "low": "0,5", "high": ""})
    assert wanted == Wanted(truth="feliz", predicted="nothing", right=False, fold=2, low=0.5)
    assert wanted_of(wanted.query()) == wanted
    assert wanted_of({"right": "perhaps", "order": "sideways", "other": "x"}) == Wanted()
    assert wanted_of({"order": "sure"}).query() == {"order": "sure"}
    assert nothing_of(("a", "nothing", "nothing*")) == "nothing**"
    for bad in ({"fold": "-1"}, {"fold": "١"}, {"low": "nan"}, {"low": "2"}, {"high": "x"}, {"fold": "9" * 40}):
        with pytest.raises(InvalidInput):
            wanted_of(bad)


def test_sizes_have_the_unit_that_people_read_them_in() -> None:
    english, spanish = Words("en"), Words("es")
    assert [size_text(size, english.exact) for size in (0, 999, 1000, 12_345_678, 999_949_999)] == [
        *("0 B", "999 B", "1.0 KB", "12.3 MB"),
        "1.0 GB",
    ]
    assert size_text(6_700_000, spanish.exact) == "6,7 MB"
    assert spanish.count(1131) == "1131"
    assert english.count(1131) == "1,131"
