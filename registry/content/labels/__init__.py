"""Labels from outside: one row (``row``), boxes, tables of every form, and folders that say labels by their shape."""

from registry.content.labels.boxes import MAX_BOXES, parse_box
from registry.content.labels.label_row import LabelRow, Rejection, check_inside, make_row, rejected, row_from_values
from registry.content.labels.tables.label_tables import Labels, parse_labels, read_table, stream_labels
from registry.core.ports.method import Box

__all__ = [
    "MAX_BOXES",
    "Box",
    "LabelRow",
    "Labels",
    "Rejection",
    "check_inside",
    "make_row",
    "parse_box",
    "parse_labels",
    "read_table",
    "rejected",
    "row_from_values",
    "stream_labels",
]
