"""Why an import registered nothing, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from registry.content.labels import Rejection
from registry.core.errors import NewerVersion
from registry.core.ipld.cid import CID
from registry.core.text.cleaning import counted
from registry.workflows.images.importing.read_source import Source
from registry.workflows.log.index_logs import Fork
from registry.workflows.newer import refuse_newer
from registry.workflows.parts import Parts

HINTS = {  # by the code of most rejections, where no row is at fault
    "missing_file": "import the folder that holds the images and the table, or name the table with --labels.",
    "link_outside": "import it with --follow-links.",
    "broken_link": "get what the links lead to (`dvc pull`, `git annex get`), and import again.",
    "symbolic_link": "add the folder to IPFS again with the files in the links' places "
    "(`ipfs add -r --dereference-symlinks`).",
}


def forked(wrong: Sequence[str]) -> dict[str, str] | None:
    """The problem of what came by CAR or CID where its issuer signed something else in the same place of the log."""
    fork = next((one for one in wrong if isinstance(one, Fork)), None)
    hint = "one of both was signed by who should not: audit both files, and ask the issuer which is genuine."
    return None if fork is None else {"reason": str(fork), "hint": hint}


def newer(parts: Parts, roots: Sequence[CID]) -> dict[str, str] | None:
    """The problem of what came by CAR or CID where a part of it came after this program."""
    try:
        refuse_newer(parts, roots)
    except NewerVersion as error:
        return {"reason": str(error), "hint": error.hint or ""}
    return None


def problem_of(read: Source, rows: int, rejected: Sequence[Rejection]) -> dict[str, str] | None:
    """Why nothing could be registered, with a hint; None if rows were registered now or earlier."""
    if rows > len(rejected):
        return None
    if not rows:
        first = next((folder.problem for folder in read.folders if folder.problem), None)
        if first is not None:
            return {"reason": first.reason, "hint": first.hint}
        return {"reason": "the table of labels has no row", "hint": "write one row per image."}
    reasons = Counter(bad.code for bad in rejected)
    code, count = reasons.most_common(1)[0]
    example = next(bad for bad in rejected if bad.code == code)
    like = f"{example.name or 'the first'}: {example.reason}"
    reason = f"none of {counted(rows, 'row')} could be registered; {count} of them like {like}"
    return {"reason": reason, "hint": HINTS.get(code, "correct the rows, and import again.")}
