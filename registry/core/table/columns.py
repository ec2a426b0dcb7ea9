"""The columns and keys of every kind of table (see ``registry.core.table.tables``).

Invariants: sha256 and pixels are 32 raw bytes; a box is [x, y, w, h], integers in hundredths of a pixel of the upright
original.
"""

from __future__ import annotations

CONTRIBUTION_ROWS = (
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
        "rights",  # {signal: value}, see registry.core.labeled_row
        "replaces",  # CID bytes of the contribution whose row this one corrects, or None
        "signature",  # 65 bytes, the contributor's own over this row without it, or None
    ),
    ("sha256", "contributor"),
)
SNAPSHOT_ITEMS = (
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
EXCLUDED = (("sha256", "reason", "detail"), ("sha256",))
PREPARED = (
    ("sha256", "width", "height", "pixels", "boxes", "box_source", "group", "reason", "measured"),
    ("sha256",),
)  # kept: reason None; dropped: pixels None, reason a word, measured its value as text. group: its smallest sha256
SEEN = (("sha256", "how"), ("sha256",))  # judged images that base weights have seen; how: see base_lineage
FOLDS = (("sha256", "repeat", "fold"), ("sha256", "repeat"))  # repeat r has the folds r * k to r * k + k - 1
PREDICTIONS = (("sha256", "fold", "truth", "boxes", "detections"), ("sha256", "fold"))  # once a repeat
# truth: class index, None where there is nothing to find
# detections: [[class index, score in millionths, x, y, w, h]] by falling score
HISTORY = (("epoch", "values", "state"), ("epoch",))
# values: {name: decimal string}; state: digest of all that the next epoch starts from ("sha256:<hex>"), None of epochs
# of which the recipe asks for none
CURVES = (("name", "points"), ("name",))  # points: [[x, y]] decimal strings; see registry.evaluation.figures.curves
