"""`python -m bench.book [FOLDER]`: build the book in every language that it is translated into (``make docs``)."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.book.build import FOLDER, build

if __name__ == "__main__":
    build(Path(sys.argv[1]) if sys.argv[1:] else FOLDER)
