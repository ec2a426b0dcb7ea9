"""`python -m bench.book.translate`: bring the catalogs of translations (docs/locales) up to date with the pages.

A sentence that changed is left untranslated and marked fuzzy, which a test finds; then translate it in its ``.po``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from bench.book.build import LOCALES, ROOT, SOURCE

LANGUAGES = ("es",)
TRANSLATED = ("index", "tutorial", "sent-a-car")  # pages; the others are read in English


def extract(folder: Path) -> None:
    """Every page's sentences into ``folder``, as ``.pot``."""
    command = [sys.executable, "-P", "-m", "sphinx", "-q", "-b", "gettext", "-d", str(folder / ".doctrees")]
    subprocess.run([*command, str(SOURCE), str(folder)], check=True, cwd=ROOT)


def catalog(language: str, page: str) -> Path:
    """Where a page's translation lies."""
    return LOCALES / language / "LC_MESSAGES" / f"{page}.po"


def messages(path: Path) -> dict[str, Message]:
    """A catalog's messages by their text."""
    with path.open("rb") as stream:
        return {str(one.id): one for one in read_po(stream) if one.id}


def main() -> None:
    """Do it for every language."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        extract(folder)
        for path in folder.rglob("*.pot"):
            if path.relative_to(folder).with_suffix("").as_posix() not in TRANSLATED:
                path.unlink()
        chosen = [option for language in LANGUAGES for option in ("-l", language)]
        intl = [sys.executable, "-P", "-m", "sphinx_intl", "update", "-p", made, "-d", str(LOCALES), *chosen]
        subprocess.run([*intl, "--no-obsolete", "-w", "0"], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
