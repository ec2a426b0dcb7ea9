"""Two releases compared, as fields of a page; the last few are kept, because each costs a second or more."""

from __future__ import annotations

from typing import Any

from registry.core.ipld.cid import CID
from registry.web.base.words import Words
from registry.web.compare.comparison import both_verdicts, comparison_drawings
from registry.workflows.parts import Parts
from registry.workflows.releases.compare_releases import compare_releases

HELD = 16
_held: dict[tuple[CID, CID], dict[str, Any]] = {}


def comparison(parts: Parts, a: CID, b: CID, t: Words) -> dict[str, Any]:
    """``found`` (the document of ``compare_releases``), ``paired`` and ``own`` drawings, and both ``verdicts``.

    ``InvalidInput`` where two releases can't be compared, or a stranger's states what can't be shown.
    """
    found = _held.get((a, b))
    if found is None:
        found = compare_releases(parts, a, b)
        for oldest in list(_held)[: max(0, len(_held) - HELD + 1)]:
            _held.pop(oldest, None)
        _held[a, b] = found
    paired, own = comparison_drawings(parts, a, b, found, t)
    return {"found": found, "paired": paired, "own": own, "verdicts": both_verdicts(parts, a, b, t.language)}
