"""One folder a class, as torchvision's ImageFolder and Hugging Face's imagefolder have it: CLASS/picture, or
SPLIT/CLASS/picture.

Invariants: two classes at least (one folder is just a folder); a picture's label is the name of the folder that holds
it; splits (train, val, test) are no labels and are not kept.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from registry.content.labels.label_row import LabelRow, Rejection, make_row, rejected
from registry.content.labels.tables.label_tables import Labels
from registry.content.unixfs.local_tree import Tree, hidden
from registry.core.errors import InvalidInput
from registry.core.picture_bytes import SUFFIXES
from registry.spool import Spool

SPLITS = frozenset(("train", "training", "val", "valid", "validation", "dev", "test", "testing"))
_NO_CLASS = frozenset(("images", "image", "img", "imgs", "jpegimages", "labels", "annotations"))
OTHERS = (".heic", ".heif", ".avif")  # pictures that register and can't be trained on


def is_picture(path: str) -> bool:
    """Whether a file is called as pictures are; what a system keeps for itself (`._a.jpg`) is none."""
    return not hidden(path) and path.lower().endswith((*SUFFIXES, *OTHERS))


def read_image_folder(tree: Tree) -> Labels | None:
    """Labels by folders; None where the pictures don't lie so."""
    found: list[tuple[str, str]] = []
    for path in tree.listing.files:
        folders = PurePosixPath(path).parts[:-1]
        if folders and folders[0].casefold() in SPLITS:
            folders = folders[1:]
        if is_picture(path) and len(folders) == 1 and folders[0].casefold() not in _NO_CLASS:
            found.append((path, folders[0]))
    if len({label for _, label in found}) < 2:
        return None
    rows = Spool(LabelRow)
    bad: list[Rejection] = []
    for number, (path, label) in enumerate(found, 1):
        try:
            rows.append(make_row(number, {"file": path, "label": label}))
        except InvalidInput as error:
            bad.append(rejected(number, path, error))
    classes = len({row.label for row in rows})
    return Labels(f"one folder per class: {classes} labels are the names of the pictures' folders", rows, tuple(bad))
