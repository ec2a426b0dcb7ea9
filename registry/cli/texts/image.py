"""What rows say of an image beside its label, and which snapshots it is in, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


def said_lines(rows: Sequence[Row], said: Mapping[str, Any]) -> list[str]:
    """Rights with what they mean together (``said``: ``rows.rights_of``), consents and attributes of the ``rows`` that
    count."""
    rights = [f"{signal} {value}" for signal, values in sorted(said["rights"].items()) for value in values]
    standing = str(said["standing"]).replace("_", " ")
    consents = sorted({row["consent"] for row in rows if row["consent"]})
    attributes = {
        f"{name} {value} ({row['sources'].get(name, 'source not stated')})"
        for row in rows
        for name, value in row["attributes"].items()
    }
    return [
        f"rights: {standing}" + (f" ({', '.join(rights)})" if rights else ""),
        f"consent: {', '.join(consents) or '-'}",
        f"attributes: {', '.join(sorted(attributes)) or '-'}",
    ]


def snapshot_lines(found: Sequence[Row]) -> list[str]:
    """A line for each of ``image_uses.snapshots_of``."""
    return [f"snapshot {one['snapshot']}: {_place(one)}" for one in found]


def _place(one: Row) -> str:
    if one["trouble"]:
        return str(one["trouble"])
    if one["excluded"]:
        return " ".join(["left out:", *(str(text) for text in (one["reason"], one["detail"]) if text)])
    return f"in as {one['label']}" if one["label"] else "in"
