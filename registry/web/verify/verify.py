"""The page that verifies a release by itself: one file, made of the modules of JavaScript beside this one.

The modules are plain ES modules that import by ``import { a, b } from "./x.js";`` and export what they declare. In the
page each is a function that is called once: its imports are taken from the functions before it, what it exports is
what it returns. ``words.js`` is made of the words that pages and evaluations have, so that all say the same. The file
refers to nothing outside itself, and its policy (in the file, so that it holds from a disk too) lets it ask for
nothing.
"""

import json
import re
import tomllib
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from registry.evaluation.verdict_text import words as verdict_words
from registry.web.base.words import catalogue
from registry.web.verify.stripped import stripped

_HERE = Path(__file__).parent
_STATIC = _HERE.parent / "static"
_WORDS = _HERE / "words.js"
_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.{1,2}/[^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function\*?|const|class) ([A-Za-z_$][\w$]*))", re.MULTILINE)
_POLICY = (
    "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; worker-src blob:; "
    "connect-src 'none'; form-action 'none'; base-uri 'none'"
)


@cache
def verify_page() -> str:
    """The whole page. What is dropped on it stays on the reader's machine."""
    code, style = script("main.js"), _style()
    filled = {"policy": policy(), "style": style, "script": code, "mark": (_STATIC / "mark.svg").read_text("utf-8")}
    page = (_HERE / "page" / "page.html").read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: filled[found[1]], page)


@cache
def verifier_address() -> str:
    """The page as an address that holds all of it, for a link in a file that is mailed."""
    return "data:text/html;base64," + b64encode(verify_page().encode()).decode()


@cache
def policy() -> str:
    """The page's Content-Security-Policy: its own script and style by their digests, no network at all."""
    return _POLICY.format(script=_digest(script("main.js")), style=_digest(_style()))


def _digest(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


@cache
def _style() -> str:
    """Both sheets without comments, indentation and the blank after a property's name."""
    text = (_STATIC / "tokens.css").read_text("utf-8") + (_HERE / "page" / "page.css").read_text("utf-8")
    return re.sub(r"(?m)^([\w-]+): ", r"\1:", re.sub(r"\s*\n\s*", "\n", re.sub(r"(?s)/\*.*?\*/", "", text)))


@cache
def script(first: str) -> str:
    """All modules that ``first`` needs, itself last, as one script. ``ValueError`` where modules need each other."""
    order: list[Path] = []
    _visit(_HERE / first, order, ())
    return '"use strict";\n' + stripped("".join(_as_function(path) for path in order))


def _text(path: Path) -> str:
    return f"export const WORDS = {_words()};\n" if path == _WORDS else path.read_text("utf-8")


def _words() -> str:
    """Words by section, key and language, as JSON that can stand in a page's script."""
    own = catalogue()
    spanish = tomllib.loads((_HERE / "reasons.toml").read_text("utf-8"))
    reasons = {brief(text): said for text, said in spanish.items()}
    if len(reasons) != len(spanish):
        raise ValueError("two reasons have one name: make it longer, here and in page/words.js")
    words = {**verdict_words(), "check": own["check"], "verify": own["verify"], "reasons": reasons}
    return json.dumps(words, ensure_ascii=False).replace("</", "<\\/")


def brief(reason: str) -> str:
    """A reason's name among the Spanish ones: its English text stands in the modules, so it need not stand here."""
    return sha256(reason.encode()).hexdigest()[:8]


def _visit(path: Path, order: list[Path], above: tuple[Path, ...]) -> None:
    if path in above:
        raise ValueError(f"{path.name} needs itself")
    if path in order:
        return
    for _, name in _IMPORT.findall(_text(path)):
        _visit((path.parent / name).resolve(), order, (*above, path))
    order.append(path)


@cache
def _name(path: Path) -> str:
    """A short one: each stands in the page as often as its module is needed."""
    return f"${sorted(_HERE.rglob('*.js')).index(path) if path != _WORDS else 'w'}"


def _as_function(path: Path) -> str:
    text = _text(path)
    exported = ", ".join(name for _, name in _EXPORT.findall(text))

    def taken(found: re.Match[str]) -> str:
        return f"const {{{found[1]}}} = {_name((path.parent / found[2]).resolve())};\n"

    body = _EXPORT.sub(r"\1", _IMPORT.sub(taken, text))
    return f"\nconst {_name(path)} = (() => {{\n{body}return {{ {exported} }};\n}})();\n"
