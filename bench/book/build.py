"""Builds the book: docs/ by Sphinx, once for each language, into FOLDER/en and so on.

Invariants: every warning is an error; the same sources give the same pages. A language that is not fully translated is
built all the same: what lacks a translation stands there in English.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "docs"
FOLDER = ROOT / "build" / "docs"  # where ``serve`` looks for it
LOCALES = SOURCE / "locales"
_MADE_OF_TEXT = re.compile(r'new Function\(\s*"n",\s*`return \(\$\{catalog\.plural_expr\}\)`,?\s*\)')


def languages() -> list[str]:
    """English first, then those that there are translations into."""
    translated = (path.parent.name for path in LOCALES.glob("*/LC_MESSAGES"))
    return ["en", *sorted(translated)]


def build(folder: Path) -> None:
    """Every language. ``CalledProcessError`` where Sphinx warns of anything."""
    for language in languages():
        options = ["-q", "-W", "--keep-going", "-b", "html", "-D", f"language={language}"]
        kept = ["-d", str(folder / ".doctrees" / language)]  # beside the pages: not a part of what is served
        command = [sys.executable, "-P", "-m", "sphinx", *options, *kept, str(SOURCE), str(folder / language)]
        subprocess.run(command, check=True, cwd=ROOT)
        _without_eval(folder / language / "_static")


def _without_eval(static: Path) -> None:
    """Sphinx makes the function of plural forms out of a text, which our policy forbids: here it stands as code."""
    words = static / "translations.js"
    found = re.search(r'"plural_expr": "([n0-9=!%&|<>?: ()]+)"', words.read_text("utf-8") if words.exists() else "")
    script = static / "doctools.js"
    made = f"(n) => Number({found[1] if found else 'n != 1'})"
    text, count = _MADE_OF_TEXT.subn(lambda _: made, script.read_text(encoding="utf-8"))
    if count > 1 or "new Function" in text:
        raise RuntimeError("Sphinx's doctools.js makes functions out of text in another way than before")
    script.write_text(text, encoding="utf-8")
