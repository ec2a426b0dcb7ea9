"""Our two verifiers under the kit's protocol: ``python -m tests.conformance.ours audit|page FILE.car...``."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from registry.settings import read_settings
from registry.workflows.audit.audit_file import audit_car
from registry.workflows.audit.trust_roots import trust_of
from tests.support.verifier import verified


def audit(files: list[Path]) -> list[dict[str, Any]]:
    """The audit in Python, of each file as `emotionet audit FILE --offline --json`."""
    trust = trust_of(read_settings())
    return [audit_car(path, trust=trust).to_json() for path in files]


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
