"""The columns and key of every kind of table, in its newest version (see ``registry.core.table.tables``).

Invariants: a kind is named by the record type and the field that link to it; sha256 and pixels are 32 raw bytes; a box
is [x, y, w, h], integers in hundredths of a pixel of the upright original. What older versions are is in
``registry.core.table.versions``.
"""

from __future__ import annotations

from typing import NamedTuple


class Shape(NamedTuple):
    """What the rows of a kind of table are, in one version of it: the columns in their order, and the key among them.
    ``version`` is that of the columns; how a table is cut into nodes has its own."""

    kind: str
    version: int
    columns: tuple[str, ...]
    key: tuple[str, ...]


CONTRIBUTION_ROWS = Shape(
    "contribution.rows",
    1,
    (
        "sha256",
        "contributor",  # the issuer's name for whoever says so: nobody by the same name under another issuer
        "cid",  # CID bytes (named)
        "size",
        "label",
        "boxes",  # [box]
        "attributes",  # {name: value}
        "sources",  # {attribute: self, perceived or inferred}
        "subject",
        "licence",
        "consent",
        "rights",  # {signal: value}, see registry.core.labeling.labeled_row
        "replaces",  # CID bytes of the contribution whose row this one corrects, or None
        "signature",  # 65 bytes, the contributor's own over this row without it, or None
    ),
    ("sha256", "contributor"),
)
SNAPSHOT_ITEMS = Shape(
    "snapshot.items",
    1,
    (
        "sha256",
        "image",  # link
        "size",
        "label",  # class name, None of a picture that shows nothing of any class
        "contributors",  # different names, sorted
        "subject",
        "attributes",
        "licence",
        "boxes",
        "sources",  # {attribute: source}
        "rights",  # {signal: [different values, sorted]}
    ),
    ("sha256",),
)
EXCLUDED = Shape("snapshot.excluded", 1, ("sha256", "reason", "detail"), ("sha256",))
PREPARED = Shape(
    "preprocessing.output",
    1,
    ("sha256", "width", "height", "pixels", "boxes", "box_source", "group", "reason", "measured"),
    ("sha256",),
)  # kept: reason None; dropped: pixels None, reason a word, measured its value as text. group: its smallest sha256
SEEN = Shape("plan.seen", 1, ("sha256", "how"), ("sha256",))
# judged images that base weights have seen; how: see base_lineage
FOLDS = Shape("draw.folds", 1, ("sha256", "repeat", "fold"), ("sha256", "repeat"))
# repeat r has the folds r * k to r * k + k - 1
PREDICTIONS = Shape(
    "evaluation.predictions", 1, ("sha256", "fold", "truth", "boxes", "detections"), ("sha256", "fold")
)  # once a repeat
# truth: class index, None where there is nothing to find
# detections: [[class index, score in millionths, x, y, w, h]] by falling score
HISTORY = Shape("training.history", 1, ("epoch", "values", "state"), ("epoch",))
# values: {name: decimal string}; state: digest of all that the next epoch starts from ("sha256:<hex>"), None of epochs
# of which the recipe asks for none
CURVES = Shape("evaluation.curves", 1, ("name", "points"), ("name",))
# points: [[x, y]] decimal strings; see registry.evaluation.figures.curves
KINDS = {
    shape.kind: shape
    for shape in (
        *(CONTRIBUTION_ROWS, SNAPSHOT_ITEMS, EXCLUDED, PREPARED, SEEN),
        *(FOLDS, HISTORY, PREDICTIONS, CURVES),
    )
}
