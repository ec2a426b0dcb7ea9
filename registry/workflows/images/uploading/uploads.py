"""Files that somebody sends to be registered: staged in the home until they are imported, or given up.

Invariants: nothing that is staged is in the store, the catalog or any record; only the token that began an upload sees
it; every size is bounded while it comes in; a name never leaves its upload's folder, and no link is made but to the
upload's own bytes. Bytes lie by their sha256 (``bytes/``), names are hard links to them (``files/``), so the same bytes
are sent once. What nobody touched for ``KEPT_HOURS`` is deleted.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from registry.core.errors import Conflict, InvalidInput, NotFound, not_written
from registry.files import single_writer_file
from registry.workflows.images.uploading.upload import Upload
from registry.workflows.images.uploading.upload_names import checked_parts
from registry.workflows.parts import Parts

MAX_FILE = 64 << 20
MAX_FILES = 20_000
MAX_UPLOAD = 4 << 30
MAX_UPLOADS = 50  # of all tokens together, each of up to MAX_UPLOAD
OF_A_TOKEN = 10
KEPT_HOURS = 48
_PIECE = 1 << 20
_ID = re.compile("[A-Za-z0-9_-]{22}")
_SHA256 = re.compile("[0-9a-f]{64}")
_SKIPPED = (".DS_Store", "Thumbs.db", "desktop.ini")


class Uploads:
    """The uploads of one home."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._folder = parts.settings.home / "uploads"

    def begin(self, token: str) -> Upload:
        """Begin an upload of a token, after deleting what nobody touched for long. ``Conflict``: there are too many."""
        self.clean()
        known = list(self._all())
        if len(known) >= MAX_UPLOADS or sum(one.token == token for one in known) >= OF_A_TOKEN:
            raise Conflict(
                "too many uploads are unfinished", code="too_many_uploads", hint="finish or discard one of them first."
            )
        made = Upload(secrets.token_urlsafe(16), token, self._parts.now(), Path())
        folder = self._folder / made.id
        try:
            for name in ("files", "bytes"):
                (folder / name).mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise not_written(folder, error) from error
        upload = Upload(made.id, token, made.begun, folder)
        self._write(upload)
        return upload

    def get(self, identity: str, token: str) -> Upload:
        """One of this token's. ``NotFound`` otherwise."""
        found = self._read(self._folder / identity) if _ID.fullmatch(identity) else None
        if found is None or found.token != token:
            raise NotFound("there is no such upload: it was finished long ago, or discarded", hint="begin a new one.")
        return found

    def of(self, token: str) -> list[Upload]:
        """All uploads that a token began, newest first."""
        return sorted((one for one in self._all() if one.token == token), key=lambda one: one.begun, reverse=True)

    def _all(self) -> Iterator[Upload]:
        with suppress(FileNotFoundError):
            for folder in sorted(self._folder.iterdir()):
                if (found := self._read(folder)) is not None:
                    yield found

    def _read(self, folder: Path) -> Upload | None:
        try:
            known = json.loads((folder / "upload.json").read_bytes())
            return Upload(folder.name, known["token"], known["begun"], folder, known["done"])
        except (OSError, ValueError, KeyError):
            return None

    def _write(self, upload: Upload) -> None:
        with single_writer_file(upload.folder / "upload.json", mode=0o600) as stream:
            stream.write(json.dumps({"token": upload.token, "begun": upload.begun, "done": upload.done}).encode())

    def add(self, upload: Upload, files: Iterable[tuple[str, IO[bytes]]]) -> list[tuple[str, InvalidInput]]:
        """Take files by their names; those that were refused, and why. What only a desktop makes is left out.

        A name that is there already gets the new bytes, but not one that comes twice here.
        """
        count, size = upload.measure()
        refused, seen = [], set[Path]()
        for name, stream in files:
            try:
                place = self._place(upload, name)
                if place is None:
                    continue
                if place in seen:
                    raise _twice(name)
                seen.add(place)
                if count >= MAX_FILES:
                    raise InvalidInput(f"more than {MAX_FILES} files", code="too_many_files", hint="import in parts.")
                size += self._take(upload, name, place, stream, min(MAX_FILE, MAX_UPLOAD - size))
                count += 1
            except InvalidInput as error:
                refused.append((name, error))
        os.utime(upload.folder / "upload.json")
        return refused

    def _take(self, upload: Upload, name: str, place: Path, stream: IO[bytes], limit: int) -> int:
        """Take one file; how many bytes it has."""
        scratch, digest, taken = upload.folder / f"{secrets.token_hex(8)}.part", hashlib.sha256(), 0
        try:
            with scratch.open("xb") as out:
                while piece := stream.read(_PIECE):
                    taken += len(piece)
                    if taken > limit:
                        raise _too_large(name)
                    digest.update(piece)
                    out.write(piece)
            scratch.replace(upload.bytes / digest.hexdigest())
            self._link(upload, digest.hexdigest(), place)
        except OSError as error:
            raise not_written("the upload", error) from error
        finally:
            scratch.unlink(missing_ok=True)
        return taken

    def missing(
        self, upload: Upload, named: Iterable[tuple[str, str]], original: Callable[[str], bytes | None]
    ) -> list[str]:
        """Of files by name and sha256 those whose bytes must be sent; the others have their names here afterwards.

        Bytes are here if they were sent before, or if ``original`` gives them.
        """
        count, size = upload.measure()
        asked = []
        for name, sha256 in named:
            try:
                place = self._place(upload, name)
                if place is None:
                    continue
                known = upload.bytes / sha256 if _SHA256.fullmatch(sha256) else None
                data = original(sha256) if known is not None and not known.is_file() else None
                if data is not None and hashlib.sha256(data).hexdigest() == sha256:
                    size += self._take(upload, name, place, io.BytesIO(data), MAX_UPLOAD - size)
                if known is None or not known.is_file() or count >= MAX_FILES:
                    asked.append(name)
                    continue
                self._link(upload, sha256, place)
                count += 1
            except InvalidInput:  # which sending it says
                asked.append(name)
        return asked

    def _place(self, upload: Upload, name: str) -> Path | None:
        """Where a name lies; None for what is left out. ``InvalidInput`` for a name that no upload has."""
        parts = checked_parts(name)
        return None if parts[-1] in _SKIPPED else upload.files.joinpath(*parts)

    def _link(self, upload: Upload, sha256: str, place: Path) -> None:
        beside = upload.folder / f"{secrets.token_hex(8)}.link"
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            beside.hardlink_to(upload.bytes / sha256)
            beside.replace(place)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise InvalidInput(
                f"{place.name} is a file and a folder at once", code="bad_name", hint="rename one of them."
            ) from error
        finally:
            beside.unlink(missing_ok=True)

    def finish(self, upload: Upload, done: dict[str, Any]) -> None:
        """Keep what importing gave, and let go of the files."""
        self._write(Upload(upload.id, upload.token, upload.begun, upload.folder, done))
        for name in ("files", "bytes"):
            shutil.rmtree(upload.folder / name, ignore_errors=True)

    def discard(self, upload: Upload) -> None:
        """Give it up."""
        shutil.rmtree(upload.folder, ignore_errors=True)

    def clean(self) -> None:
        """Delete what nobody touched for long, and what a killed process left."""
        limit = time.time() - KEPT_HOURS * 3600
        with suppress(FileNotFoundError):
            for folder in self._folder.iterdir():
                with suppress(FileNotFoundError):
                    told = folder / "upload.json"
                    if (told if told.exists() else folder).stat().st_mtime < limit:
                        shutil.rmtree(folder, ignore_errors=True)


def _twice(name: str) -> InvalidInput:
    return InvalidInput(
        f"two of these files are called {name[:100]!r}, and only the first was taken",
        code="name_twice",
        hint="send the folders that they lie in, or rename one of them.",
    )


def _too_large(name: str) -> InvalidInput:
    return InvalidInput(
        f"{name[:100]} is larger than what is taken here",
        code="too_large",
        hint=f"a file may have {MAX_FILE >> 20} MiB, an upload {MAX_UPLOAD >> 30} GiB: import it on the server itself.",
    )
