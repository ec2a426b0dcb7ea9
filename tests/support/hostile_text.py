"""A hundred texts as no honest client sends them, and what a cleaner may do with each: refuse it, or keep it whole."""

from __future__ import annotations

_CONTROLS = [f"a{chr(code)}b" for code in (*range(32), 0x7F, *range(0x80, 0xA0, 5))]
_HALVES = ["\ud800", "\udfff", "a\udc00b", "\ude00\ud83d", "ok\udcff"]
_BREAKS = ["a\u2028b", "a\u2029b", "\x85", "a\r\nb"]
_BLANK = ["", " ", "\t", "\u00a0", "\u3000 ", "\u200b", "\u200d\u2060", "\ufeff", "\u202e"]
_LONG = ["x" * 10_001, "\u0301" * 9000, "a" + "\u0323\u0301" * 4000, "\U0001f600" * 3000, "\ufdfa" * 2500, "é" * 2001]
_STEERING = ["\u202emoc.live", "a\u2066b\u2069", "a\ufeffb", "\U000e0041x", "\u200fx"]
_WORDS = [
    "'; DROP TABLE images; --",
    '"; DELETE FROM entries; --',
    "%s%n%d",
    "{0.__class__}",
    "${jndi:ldap://x}",
    "<script>alert(1)</script>",
    "a,b;c\td".replace("\t", ""),
    '=HYPERLINK("x")',
    "@SUM(1)",
    "-1+1",
    "+1",
    "NULL",
    "null",
    "NaN",
    "inf",
    "1e3",
    "01",
    "true",
    "{}",
    "[]",
    '{"/": "bafy"}',
    "\\",
    "\\x00",
    "\\u0000",
    "\\N",
    "%00",
    "&#0;",
    "../../etc/passwd",
    "a/b",
    ".",
    "..",
    "~",
    "#a",
    "--help",
    "did:pkh:eip155:1:0x0000000000000000000000000000000000000000",
    "sha256:" + "0" * 64,
    "a'b\"c`d",
    "\\'",
    "percent% under_score",
]
_FOREIGN = ["ﬁ", "Å", "A\u030a", "i\u0307", "ß", "ǅ", "👩‍👩‍👧", "नमस्ते", "שלום", "مرحبا", "日本", "\U0001f1f2\U0001f1fd"]
_ODD = ["\ufffe", "\uffff", "\U0010ffff", "\ufffd", "\ue000", "\u0378", "x" * 200, "é" * 200, "\U0001f600" * 200]

HOSTILE = [*_CONTROLS, *_HALVES, *_BREAKS, *_BLANK, *_LONG, *_STEERING, *_WORDS, *_FOREIGN, *_ODD]
