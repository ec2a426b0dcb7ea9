"""The book as it was built (``make docs``): which languages are there, each file by its address, and its policy.

Invariants: only files within the built folder are read, whatever an address says; nothing of a home is read. The policy
allows the scripts of the book itself and, by its digest, the one that furo writes into each page; nothing is fetched
from anywhere else.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from functools import cache
from pathlib import Path

BUILT = Path(__file__).resolve().parents[2] / "build" / "docs"
TYPES = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
    "png": "image/png",
    "json": "application/json",
    "toml": "text/plain",
    "py": "text/plain",
}
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def languages(folder: Path) -> list[str]:
    """Those that the book was built in; none where it was not."""
    return sorted(path.parent.name for path in folder.glob("*/index.html"))


def read(folder: Path, language: str, name: str) -> bytes | None:
    """A file of the book; None where there is none, or where it lies elsewhere."""
    if "\0" in name or name.rpartition(".")[2] not in TYPES or language not in languages(folder):
        return None
    root = (folder / language).resolve()
    path = (root / name).resolve()
    return path.read_bytes() if path.is_relative_to(root) and path.is_file() else None


@cache
def policy(folder: Path) -> str:
    """The Content-Security-Policy of every page. Search marks words and fetches pages; furo sets styles in elements."""
    page = next(folder.glob("*/index.html")).read_text(encoding="utf-8")
    own = {f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in _INLINE.findall(page)}
    return (
        f"default-src 'none'; script-src 'self' {' '.join(sorted(own))}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
