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
        "sha256",  # of the image
        "contributor",  # the issuer's name for a person; the same name under another issuer is another person
        "cid",  # CID bytes (named)
        "size",  # in bytes
        "label",  # as given
        "boxes",  # [box]; empty: the label is of the whole image
        "attributes",  # {name: value}
        "sources",  # {attribute: self, perceived or inferred}
        "subject",  # who is seen, a pseudonym
        "licence",
        "consent",
        "rights",  # {signal: value}, signals as in docs/labels.md
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
        "size",  # in bytes
        "label",  # class name, None of a picture that shows nothing of any class
        "contributors",  # different names, sorted
        "subject",  # a pseudonym
        "attributes",  # {name: value}
        "licence",
        "boxes",  # [box]
        "sources",  # {attribute: source}
        "rights",  # {signal: [different values, sorted]}
    ),
    ("sha256",),
)
EXCLUDED = Shape(
    "snapshot.excluded",
    1,
    (
        "sha256",
        "reason",  # withdrawn, no_bytes, reserved, licence, no_consent, not_trusted, unknown_label or disagreement
        "detail",  # the labels, the votes, or what was said of rights; else ""
    ),
    ("sha256",),
)
CHOSEN = Shape(
    "snapshot.query",
    1,
    ("sha256",),  # an image that was chosen by name, whether anybody labelled it or not
    ("sha256",),
)
PREPARED = Shape(
    "preprocessing.output",
    1,
    (
        "sha256",
        "width",  # of the upright original, in pixels; 0 where it can't be decoded
        "height",
        "pixels",  # digest of the resized image's; None exactly where it was dropped
        "boxes",  # [box], as trained and judged
        "box_source",  # supplied, detector, full_frame, nothing; "" where dropped
        "group",  # the smallest sha256 of the group of persons and near-duplicates
        "reason",  # why it was dropped, a word; None where kept
        "measured",  # the value that was too large or too small, as text
    ),
    ("sha256",),
)
SEEN = Shape(
    "plan.seen",
    1,
    (
        "sha256",  # a judged image
        "how",  # the base weights have seen it: image, person or near_duplicate
    ),
    ("sha256",),
)
FOLDS = Shape(
    "draw.folds",
    1,
    (
        "sha256",
        "repeat",  # from 0
        "fold",  # repeat r has the folds r * k to r * k + k - 1
    ),
    ("sha256", "repeat"),
)
PREDICTIONS = Shape(
    "evaluation.predictions",
    1,
    (
        "sha256",  # once a repeat
        "fold",  # that judged it
        "truth",  # class index, None where there is nothing to find
        "boxes",  # [box], the true ones
        "detections",  # [[class index, score in millionths, x, y, w, h]] by falling score
    ),
    ("sha256", "fold"),
)
HISTORY = Shape(
    "training.history",
    1,
    (
        "epoch",
        "values",  # {name: decimal string}
        "state",  # digest of all that the next epoch starts from; None of epochs of which the recipe asks for none
    ),
    ("epoch",),
)
CURVES = Shape(
    "evaluation.curves",
    1,
    (
        "name",
        "points",  # [[x, y]], decimal strings of six places; a third member counts
    ),
    ("name",),
)
KINDS = {
    shape.kind: shape
    for shape in (
        *(CONTRIBUTION_ROWS, SNAPSHOT_ITEMS, EXCLUDED, CHOSEN, PREPARED, SEEN),
        *(FOLDS, HISTORY, PREDICTIONS, CURVES),
    )
}
