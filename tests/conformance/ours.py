"""Our two verifiers under the kit's protocol: ``python -m tests.conformance.ours audit|page FILE.car...``."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from registry.core.errors import EmotionetError, NewerVersion
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED
from registry.provenance.picture_proof import is_proof, verify_proof
from registry.settings import read_settings
from registry.workflows.audit.audit_file import audit_car
from registry.workflows.audit.trust_roots import trust_of
from tests.conformance.vectors import PROOF
from tests.support.verifier import verified


def audit(files: list[Path]) -> list[dict[str, Any]]:
    """The audit in Python, of each file as `emotionet audit FILE --offline --json`."""
    trust = trust_of(read_settings())
    proven = [_proof(path.read_bytes()) for path in files]
    return [one or audit_car(path, trust=trust).to_json() for one, path in zip(proven, files, strict=True)]


def _proof(data: bytes) -> dict[str, Any] | None:
    """The one check of a proof about a picture; None for another file."""
    if not is_proof(data):
        return None
    try:
        verify_proof(data)
        result = HOLDS
    except NewerVersion:
        result = UNCHECKED
    except EmotionetError:
        result = FAILS
    return {"checks": [{"id": PROOF, "result": result}], "holds": result == HOLDS}


def page(files: list[Path]) -> list[dict[str, Any]]:
    """The page's verifier under Node."""
    node = shutil.which("node")
    if node is None:
        raise SystemExit("there is no node: install Node.js (Debian: nodejs)")
    with tempfile.TemporaryDirectory() as folder:
        witnesses = Path(folder) / "witnesses.txt"
        witnesses.write_text(os.environ.get("EMOTIONET_WITNESSES", ""), encoding="utf-8")
        given = [witnesses, *map(Path, filter(None, [os.environ.get("EMOTIONET_TSA_ROOTS")]))]
        return verified(node, *files, trust=[one for one in given if one.stat().st_size])


def main(which: str, files: list[Path]) -> int:
    """A line of JSON for each file; 0 where all hold."""
    documents = {"audit": audit, "page": page}[which](files)
    for document in documents:
        print(json.dumps({"checks": document["checks"], "holds": document["holds"]}))
    return 0 if all(document["holds"] for document in documents) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], [Path(name) for name in sys.argv[2:]]))
