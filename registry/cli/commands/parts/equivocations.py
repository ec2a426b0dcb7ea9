"""What `emotionet audit` says of a file that is evidence of two histories, not of a release."""

from __future__ import annotations

from pathlib import Path

from registry.cli.output import Output

_HEAD = 4096


def audit_equivocation(target: str, output: Output) -> int | None:
    """1 for evidence, which accuses its issuer or is worth nothing itself; None for any other target."""
    from registry.core.errors import EmotionetError, not_read
    from registry.core.tlog import equivocation

    path = Path(target)
    try:
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            data = stream.read(_HEAD)
            if not equivocation.is_one(data):
                return None
            data += stream.read(equivocation.MAX_BYTES)
    except OSError as error:
        raise not_read(path, error) from error
    document: dict[str, object] = {"target": target, "type": "equivocation", "issuer": None, "shown": False}
    try:
        found = equivocation.read(data)
    except EmotionetError as error:
        output.document(
            {**document, "reason": str(error)}, identity="target", text=[f"this file shows nothing: {error}"]
        )
    else:
        text = [
            f"the log forks: {found.text}",
            "Both halves carry its signature; nothing else was needed to check them.",
        ]
        document |= {"issuer": found.issuer, "shown": True, "kind": found.kind, "reason": found.text}
        output.document(document, identity="target", text=text)
    return 1
