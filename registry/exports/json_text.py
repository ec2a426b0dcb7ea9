"""JSON for people and programs alike, in which no sign steers a terminal.

Invariant: what is escaped stays the same JSON.
"""

from __future__ import annotations

import json
import re
from typing import Any

FORMAT = (  # Unicode's format characters (Cf)
    r"\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0001\U000e0020-\U000e007f"
)
_RAW = re.compile(rf"[\x7f-\x9f{FORMAT}]")


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON as people read it, but for signs that would steer a terminal: those are escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _RAW.sub(lambda found: json.dumps(found[0])[1:-1], text)
