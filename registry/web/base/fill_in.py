"""Texts of words filled in: ``{NAME}`` is a value, ``{NAME|ONE|MANY}`` the words that go with the number NAME.

Invariant: a value is never filled in itself, whatever it holds.
"""

import re
from collections.abc import Mapping

_FORMS = re.compile(r"\{(\w+)\|([^{}|]*)\|([^{}|]*)\}")


def fill_in(text: str, values: Mapping[str, object]) -> str:
    """``KeyError`` for a value that is not given. A text that is given no values stays as it is."""
    if not values:
        return text
    chosen = _FORMS.sub(lambda found: found[2] if str(values[found[1]]) == "1" else found[3], text)
    return chosen.format(**values)
