"""The formats in which a release leaves for other programs to check.

``UNSIGNED`` follow from the records alone, so anybody makes them, of a FILE.car too; ``SIGNED`` are their issuer's
word.
"""

from __future__ import annotations

from typing import Literal, get_args

Document = Literal["cyclonedx"]  # one JSON file
Unsigned = Literal["cyclonedx", "prml"]
PRML = "prml"
INTOTO, MODEL_SIGNING = "intoto", "model-signing"
DOCUMENTS: tuple[str, ...] = get_args(Document)
UNSIGNED: tuple[str, ...] = get_args(Unsigned)
SIGNED = (INTOTO, MODEL_SIGNING)
FOLDERS = (*SIGNED, PRML)  # the others are one file
FORMS = (*SIGNED, *UNSIGNED)
