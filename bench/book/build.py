"""Builds the book: docs/ by Sphinx, once for each language, into FOLDER/en and so on.

Invariants: every warning is an error; the same sources give the same pages. A language that is not fully translated is
built all the same: what lacks a translation stands there in English.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "docs"
FOLDER = ROOT / "build" / "docs"  # where ``serve`` looks for it
LOCALES = SOURCE / "locales"


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
