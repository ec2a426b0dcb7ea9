"""Commands in messages: shown as code, and never as markup of a stranger's."""

from __future__ import annotations

import pytest

from registry.web.base.page import coded, environment


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("run `emotionet follow ISSUER`.", "run <code>emotionet follow ISSUER</code>."),
        ("`<b>` & `c`", "<code>&lt;b&gt;</code> &amp; <code>c</code>"),
        ("<script>`", "&lt;script&gt;`"),
        ("one ` alone", "one ` alone"),
        ("none `over\nlines`", "none `over\nlines`"),
        ("a \u202e`b\u202e`", "a \ufffd<code>b\ufffd</code>"),
        ("", ""),
    ],
)
def test_what_stands_between_backticks_is_code_and_all_is_escaped(text: str, shown: str) -> None:
    assert coded(text) == shown
    assert environment().from_string("{{ text|coded }}").render(text=text) == shown
