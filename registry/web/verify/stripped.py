"""JavaScript of ours without what only its readers need: comments, indentation, blanks between signs, broken lines.

Invariants: the tokens stay what they are, in their order; texts, templates and regular expressions stay as they are. A
line ends where a statement may, so that the code can still be read, and stepped through, a statement at a time.

This is no parser: it relies on how the modules are written (a division has a blank on both sides, a regular expression
begins with none; no template within a template), and refuses what it can't tell.
"""

import re

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.|\$(?!\{)|\$\{[^`}]*\})*`)
    |(?P<pattern>/(?=[^\s/*])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*)
    |(?P<blank>\s+)
    |(?P<word>[\w$\#]+)
    |(?P<sign>=>|\?\.|&&=?|\|\|=?|\?\?=?|\+\+|--|[^\s`"'])""",
    re.VERBOSE | re.DOTALL,
)
_GOES_ON = frozenset("([,=?:+-*/%<>&|!~^.") | {"=>", "?.", "&&", "||", "??"}  # after which no statement ends
_IS_WITHIN = frozenset(")],?:.=*/%<>&|^") | {"?.", "&&", "||", "??"}  # before which none has ended
_TWO = frozenset({"++", "--", "+-", "-+", "<!"})  # signs that would be another one together


def stripped(code: str) -> str:
    """The same program. ``ValueError`` for a text or a template that it can't tell the end of."""
    found, before, at, gap = list[str](), "\n", 0, ""
    while at < len(code):
        token = _TOKEN.match(code, at)
        if token is None:
            raise ValueError(f"this is written in another way: {code[at : at + 60]!r}")
        at = token.end()
        if token.lastgroup in ("blank", "comment"):
            gap = "\n" if "\n" in token[0] or gap == "\n" else " "
            continue
        found += [_between(before, gap, token[0]), token[0]]
        before, gap = token[0], ""
    return "".join(found) + "\n"


def _between(before: str, gap: str, after: str) -> str:
    """What must stand between two tokens of which ``gap`` stood."""
    if gap == "\n" and before not in _GOES_ON and after not in _IS_WITHIN:
        return "" if before == "\n" else "\n"
    apart = (_is_word(before[-1]) and _is_word(after[0])) or before[-1] + after[0] in _TWO or "/" in (before, after)
    return " " if gap and apart else ""


def _is_word(sign: str) -> bool:
    return sign.isalnum() or sign in "_$#"
