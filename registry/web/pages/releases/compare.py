"""Two releases compared, as fields of a page."""

from __future__ import annotations

from typing import Any

from registry.core.ipld.cid import CID
from registry.web.base.words import Words
from registry.web.compare.comparison import both_verdicts, comparison_drawings
from registry.workflows.parts import Parts
from registry.workflows.releases.compare_releases import compare_releases
from registry.workflows.withdrawals.withdrawn import withdrawals_of


def comparison(parts: Parts, a: CID, b: CID, t: Words) -> dict[str, Any]:
    """``found`` (the document of ``compare_releases``), ``paired`` and ``own`` drawings, both ``verdicts``, and
    ``withdrawn``: what was taken back of each.

    ``InvalidInput`` where two releases can't be compared, or a stranger's states what can't be shown.
    """
    found = compare_releases(parts, a, b)
    paired, own = comparison_drawings(parts, a, b, found, t)
    verdicts, back = both_verdicts(parts, a, b, t.language), [withdrawals_of(parts, cid) for cid in (a, b)]
    return {"found": found, "paired": paired, "own": own, "verdicts": verdicts, "withdrawn": back}
