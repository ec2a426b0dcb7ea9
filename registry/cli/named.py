"""What arguments name: CIDs and their beginnings, names, ``latest``, runs' ids, images, files of releases.

Every command reads them here, so that all take the same; what is known against them is told on stderr.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from registry.cli.output import warn
from registry.core.errors import InvalidInput, NotFound, UsageError

if TYPE_CHECKING:
    from registry.assembly import Home
    from registry.core.ipld.cid import CID

RECORD = "a CID or its beginning, a name, or latest"  # what names a record, in the help
RUN = "a run's id or its beginning, its name, or latest"
_FILE = re.compile(r"[^/]*\.[A-Za-z0-9]{1,5}", re.DOTALL)  # what no name and no CID is written like
SUBJECT = "only of this person: the name as the table of labels has it, or the pseudonym"
IMAGE = "a CID or SHA-256, or its beginning, or the file's name in this home"


def content(opened: Home, text: str, *kinds: str) -> CID:
    """What an argument names: a CID, a name, ``latest``, or the beginning of a CID; an entry's CID stays the entry's.

    Errors as ``registry.workflows.names.resolve``; the error says so if it is a path that exists.
    """
    from registry.workflows.names.resolve import find

    try:
        return find(opened, text, *kinds)
    except (UsageError, NotFound):
        if not text or not Path(text).exists():
            raise
    kind = "folder" if Path(text).is_dir() else "file"
    raise UsageError(
        f"{text} is a {kind}: this command takes a CID",
        code="invalid_cid",
        hint=f"import it first: `emotionet import {text}` prints its CID.",
    )


def release_first(opened: Home, text: str) -> CID:
    """As ``content``; of a name that stood for things of several kinds, what it stands for as a release."""
    from registry.core.text.names import is_reference
    from registry.workflows.names.beginnings import is_beginning
    from registry.workflows.names.resolve import find

    if is_reference(text) and not is_beginning(text):
        with suppress(InvalidInput, NotFound):  # no release: whatever else it stands for
            return find(opened, text, "release")
    return content(opened, text)


def record(opened: Home, text: str, *kinds: str) -> CID:
    """A record's CID from an argument that may also be its entry's, a name, ``latest``, or its beginning; of
    ``kinds``, or of any. What is known against it is told on stderr."""
    from registry.workflows.store.find_records import record_of

    found = record_of(opened, content(opened, text, *kinds))
    warn_of(opened, found)
    return found


def run_of(opened: Home, text: str) -> str:
    """A run's id from an argument: whole or its beginning, its name, or ``latest``."""
    from registry.workflows.names.misspelled import spelling
    from registry.workflows.names.resolve import run_id

    try:
        return run_id(opened, text)
    except NotFound as error:
        if not spelling(text):
            raise
        raise UsageError(str(error), code=error.code, hint=error.hint) from error  # it can be the id of no run


def image_of(opened: Home, text: str) -> str:
    """An image's sha256 from an argument: a digest or a CID, whole or its beginning, or its file's name here."""
    from registry.workflows.names.find_image import find_image

    return find_image(opened, text, file_names=True)


def image_or_record(opened: Home, text: str, *, file_names: bool = False) -> str:
    """The sha256 of the image, or the CID of the record, that an argument names; a digest of tensors as it is."""
    from registry.workflows.names.find_image import find_image
    from registry.workflows.store.find_records import is_digest

    try:
        return find_image(opened, text, file_names=file_names)
    except NotFound:
        if file_names and _FILE.fullmatch(text) and not Path(text).exists():  # else the error says that it is a file
            raise
        return text if is_digest(text) else str(content(opened, text))


def audited(opened: Home, text: str) -> str:
    """A CID or a path as it is; of a name or a beginning the CID."""
    from registry.cli.from_file import is_file
    from registry.workflows.store.typed_source import names_content

    if names_content(text) or (is_file(text) and not Path(text).is_dir()):
        return text
    try:
        return str(release_first(opened, text))
    except (UsageError, NotFound) as error:
        if Path(text).is_dir():
            hint = "give a CAR file, or the CID of what is held here."
            raise UsageError(f"{text} is a folder", hint=hint) from error
        raise


def stem(text: str) -> str | None:
    """What a file of something is called where it was named: faces, or faces-2 of faces@2; None of all else."""
    from registry.core.text.names import read_reference

    reference = read_reference(text)
    if reference is None:
        return None
    return reference.name if reference.number is None else f"{reference.name}-{reference.number}"


@contextmanager
def open_releases(*texts: str, warn_first: bool = True) -> Iterator[tuple[Home, list[CID]]]:
    """A home that holds the named releases, each by CID or as FILE.car, and their CIDs.

    What is known against them is printed on stderr, unless the command's own answer begins with it (``warn_first``
    False).
    """
    from registry.cli.from_file import opened_with

    with opened_with(list(texts)) as (opened, cids):
        for cid in cids if warn_first else ():
            warn_of(opened, cid)
        yield opened, cids


def warn_of(opened: Home, cid: CID) -> None:
    """Warn on stderr of what is known against a release or a snapshot, before it is used: of one in a file by the file
    and by this home."""
    from registry.cli.from_file import FileHome
    from registry.workflows.releases.warnings import warnings_of

    found = warnings_of(opened, cid)
    if isinstance(opened, FileHome) and not opened.behind.settings.holds_nothing_yet:
        found += warnings_of(opened.behind, cid)
    for line in dict.fromkeys(found):
        warn(line)
