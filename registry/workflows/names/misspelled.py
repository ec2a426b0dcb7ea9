"""What to tell somebody whose text is written as no name and as no CID."""

from __future__ import annotations

from registry.core.errors import UsageError
from registry.core.ipld.cid import is_cid
from registry.core.ipld.typed_cid import seems_to_be
from registry.core.text.names import read_reference, why_no_reference


def no_reference(text: str) -> UsageError:
    """The error that says what such a text seems to be, or which rule of names it breaks, and the way out."""
    if seems := seems_to_be(text):
        sentence, hint = seems
    else:
        why, hint = why_no_reference(text)
        sentence = f"{text[:100]!r} is no CID and no name: {why}"
    return UsageError(sentence, code="invalid_cid", hint=hint)


def spelling(text: str) -> str:
    """The beginning of a hint for such a text; "" for whatever may be a name, a CID or the beginning of an id."""
    if read_reference(text) is not None or is_cid(text) or (text.isalnum() and text == text.lower()):
        return ""
    why, hint = why_no_reference(text)
    return f"{why}: {hint} "
