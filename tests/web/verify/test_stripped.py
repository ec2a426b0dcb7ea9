"""The verifier's script without its comments and blanks is the same program."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.web.verify import stripped as module
from registry.web.verify import verify
from registry.web.verify.stripped import stripped

HERE = Path(verify.__file__).parent
# Bytes of the whole file, which holds a second verifier in two languages: hashes, curves, pairings, certificates,
# statistics. A reader who visits it receives a quarter of that (tests/api/pages/test_verify.py: gzip); who saves it, or
# gets it in a report, has all of it for good, and nothing more is ever loaded.
MOST = 400_000


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("// said\nlet a = 1; // and here\n\n\n  let b = 2;\n", "let a=1;\nlet b=2;\n"),
        (
            "/** of\n * several lines */\nfunction f(a, b) {\n  return a / 2;\n}\n",
            "function f(a,b){\nreturn a / 2;\n}\n",
        ),
        ("call(\n  one,\n  two,\n);\n", "call(one,two,);\n"),
        ("const a = b\n  .map((c) => c)\n  ?? d;\n", "const a=b.map((c)=>c)??d;\n"),
        ("a + +b; a - -b; a++ + b; a < !b;", "a+ +b;a- -b;a++ +b;a< !b;\n"),
        ("typeof x in y; yield* z; return -1;", "typeof x in y;yield*z;return-1;\n"),
        (
            "say(\"// no comment\", '/* nor this */', `a  ${ b } // c`);",
            "say(\"// no comment\",'/* nor this */',`a  ${ b } // c`);\n",
        ),
        (r"a.replace(/\/\/ [/*] '/g, b)", r"a.replace(/\/\/ [/*] '/g,b)" + "\n"),
        ("a\nb\n++c\n", "a\nb\n++c\n"),  # a statement may end without a sign
    ],
)
def test_what_only_readers_need_goes_and_nothing_else(written: str, left: str) -> None:
    assert stripped(written) == left
    assert stripped(left) == left


@pytest.mark.parametrize("written", ['say("no end', "`no end", "`one ${`in`} another`"])
def test_what_it_can_not_tell_the_end_of_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="written in another way"):
        stripped(written)


def test_every_module_keeps_its_tokens() -> None:
    for path in HERE.rglob("*.js"):
        text = path.read_text("utf-8")
        assert _tokens(stripped(text)) == _tokens(text), path.name


def test_the_page_weighs_what_was_decided() -> None:
    assert len(verify.verify_page().encode()) < MOST


def _tokens(code: str) -> list[str]:
    found = list(module._TOKEN.finditer(code))
    assert "".join(one[0] for one in found) == code
    return [one[0] for one in found if one.lastgroup not in ("blank", "comment")]
