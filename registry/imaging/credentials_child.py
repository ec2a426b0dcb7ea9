"""The process that reads content credentials: pictures come by its standard input, a line of JSON goes out for each.

A request is two lengths (2 and 8 bytes, big-endian), the MIME type and the picture. An answer is ``{"valid": whether
every hash and signature holds, "uses": what entries of training-and-mining assertions say}``, or ``null`` for what is
no manifest store that can be read. Entries count of every manifest in the store: of an edited picture those before it.

Limits: from the first picture on no file and no socket can be opened (no new descriptor is left), memory is bounded,
remote manifests, revocation lists and trust lists are not asked for: whether a certificate is anybody's word to trust
is not judged here.
"""

from __future__ import annotations

import io
import json
import os
import resource
import struct
import sys
from typing import Any, BinaryIO

MEMORY = 1 << 30
MOST_MANIFESTS, MOST_ENTRIES = 200, 1000
SETTINGS = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": False}}
LABELS = ("c2pa.training-mining", "cawg.training-mining")


def bound() -> None:
    """Limits that this process can't lift again."""
    descriptors = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 64  # noqa: PTH112, PTH208
    for what, most in (
        (resource.RLIMIT_DATA, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, descriptors - 1),
    ):
        resource.setrlimit(what, (most, most))


def uses(store: Any) -> list[str]:
    """What all entries say, of the JSON of a manifest store; anything of another kind is left out."""
    found = []
    for manifest in list(store.get("manifests", {}).values())[:MOST_MANIFESTS]:
        for assertion in manifest.get("assertions", []):
            if str(assertion.get("label", "")).partition("__")[0].startswith(LABELS):
                entries = assertion["data"]["entries"]
                found += [str(entry.get("use"))[:100] for entry in list(entries.values())[:MOST_ENTRIES]]
    return found


def read(kind: str, data: bytes, context: Any) -> dict[str, Any] | None:
    """One picture's answer."""
    import c2pa

    try:
        with c2pa.Reader(kind, io.BytesIO(data), context=context) as reader:
            store = json.loads(reader.json())
        return {"valid": store.get("validation_state") in ("Valid", "Trusted"), "uses": uses(store)}
    except Exception:  # a stranger's bytes, and whatever the library raises on them
        return None


def serve(given: BinaryIO, out: BinaryIO) -> None:
    """Until the input ends."""
    import c2pa

    context = c2pa.Context.from_dict(SETTINGS)
    bound()
    while len(head := given.read(10)) == 10:
        kind, size = struct.unpack(">HQ", head)
        answer = read(given.read(kind).decode(), given.read(size), context)
        out.write(json.dumps(answer).encode() + b"\n")
        out.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
