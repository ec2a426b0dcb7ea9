"""How the book is built: Sphinx with furo and MyST, from the Markdown files of this folder (``make docs``).

Invariants: nothing is loaded from elsewhere (furo ships its fonts, scripts and styles); no module of Emotionet is
imported, so the book builds without torch; every warning is an error (``-W``), so a link that leads nowhere fails.
"""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
_VERSION = re.search(r'__version__ = "(.+)"', (HERE.parent / "registry" / "__init__.py").read_text(encoding="utf-8"))
assert _VERSION is not None

project = "Emotionet"
release = version = _VERSION.group(1)
extensions = ["myst_parser"]
root_doc = "index"
language = "en"  # `-D language=es` for the Spanish book
locale_dirs = ["locales"]
gettext_compact = False  # a catalog of translations for each page
gettext_location = False  # catalogs name no line, so that they change only where a sentence does

myst_heading_anchors = 4  # as GitHub makes them: links into a page work on both
myst_enable_extensions = ["colon_fence", "deflist"]
highlight_language = "none"  # most blocks are shell, and what it prints
suppress_warnings = ["myst.header"]  # a page may begin below its title with a heading of the third level

html_theme = "furo"
html_title = f"Emotionet {version}"
html_static_path: list[str] = []
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {"footer_icons": [], "navigation_with_keys": False}
