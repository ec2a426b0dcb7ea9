"""The pages on which images are registered: send files, look at what would be said, sign.

Invariants: an upload belongs to the token that began it; nothing is signed before its preview was shown and confirmed;
checking and importing work in the background and are watched by a page that asks again. Whatever importing leaves when
it is killed is made whole by confirming again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from typing import IO, Annotated, Any, cast

from litestar import Response, get, post
from litestar.params import PathParameter

from registry.api.auth import speaker as speaker_of
from registry.api.common import Home
from registry.api.hints import for_http
from registry.api.pages.base.common import check_form, form_files, form_lists, html, redirect, writer
from registry.api.pages.base.session import AnyRequest, signed_in
from registry.api.pages.base.tasks import PATIENCE, Task, Tasks
from registry.api.pages.images import thumbnails_of
from registry.api.problems import HttpProblem
from registry.core.errors import EmotionetError, InvalidInput, NotFound
from registry.web.pages import register as pages
from registry.web.pages.next_steps import snapshot_form
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.images.thumbnails import NoPicture
from registry.workflows.images.uploading.preview_upload import preview_upload
from registry.workflows.images.uploading.upload import Upload
from registry.workflows.images.uploading.uploads import MAX_FILE, Uploads

UploadPath = Annotated[str, PathParameter(min_length=1, max_length=64, description="an upload's id")]
SCOPE = "images:write"
log = logging.getLogger("registry.api")
MIB = 1 << 20
FORM_BYTES = 512 * MIB  # of a form without JavaScript, all files together
BATCH_BYTES = MAX_FILE + MIB
MAX_ASKED = 1000  # files of one question what is here already


class Watched:
    """How far a task is, for the page that watches it."""

    done, total = 0, 0

    def __call__(self, what: str, done: int, total: int) -> None:
        """``Progress``."""
        self.done, self.total = done, total


@get("/register", include_in_schema=False, sync_to_thread=True)
def show_start(request: AnyRequest, home: Home) -> Response[str]:
    """Where to begin, and what is unfinished."""
    found = signed_in(request)
    mine = Uploads(home).of(found.token) if found is not None and found.may(SCOPE) else []
    return html(request, "pages/register.html", **pages.start(mine))


@post(
    "/register",
    status_code=303,
    request_max_body_size=FORM_BYTES,
    include_in_schema=False,
    sync_to_thread=True,
)
def begin(request: AnyRequest, home: Home) -> Response[Any]:
    """A new upload, with the files that the form brings."""
    token = writer(request, SCOPE).token
    check_form(request)
    uploads = Uploads(home)
    upload = uploads.begin(token)
    refused = uploads.add(upload, _files(request))
    if refused:
        name, error = refused[0]
        fields = {"count": str(len(refused)), "name": name[:60], "reason": str(error)[:200]}
        return redirect(request, f"/register/{upload.id}", "register.refused", **fields)
    return redirect(request, f"/register/{upload.id}")


def _files(request: AnyRequest) -> Iterator[tuple[str, IO[bytes]]]:
    """The form's files by their names; ``path`` says the names of a module, which knows the folders too."""
    paths = form_lists(request).get("path", [])
    for place, (_, one) in enumerate(form_files(request)):
        yield (paths[place] if paths else one.filename), cast(IO[bytes], one.file)


def _upload(request: AnyRequest, home: Home, identity: str) -> Upload:
    return Uploads(home).get(identity, writer(request, SCOPE).token)


@post("/register/{identity:str}/held", status_code=200, include_in_schema=False, sync_to_thread=True)
def ask_held(request: AnyRequest, home: Home, identity: UploadPath) -> dict[str, list[str]]:
    """Which of these files must be sent: of the others the bytes are here."""
    upload = _upload(request, home, identity)
    try:
        asked = json.loads(check_form(request).get("files", ""))
        named = [(str(one["path"]), str(one["sha256"])) for one in asked[:MAX_ASKED]]
    except (ValueError, TypeError, KeyError) as error:
        raise HttpProblem(400, "files is a JSON list of path and sha256") from error
    return {"missing": Uploads(home).missing(upload, named, partial(_original, request))}


def _original(request: AnyRequest, digest: str) -> bytes | None:
    """The bytes of an image that is shown here to everybody."""
    try:
        return thumbnails_of(request).original(digest)
    except (NotFound, NoPicture):
        return None


@post(
    "/register/{identity:str}/files",
    status_code=200,
    request_max_body_size=BATCH_BYTES,
    include_in_schema=False,
    sync_to_thread=True,
)
def add_files(request: AnyRequest, home: Home, identity: UploadPath) -> Response[Any]:
    """More files: from a module, which reads the answer, or from the form of the upload's page."""
    upload = _upload(request, home, identity)
    fields = check_form(request)
    refused = Uploads(home).add(upload, _files(request))
    told = [{"name": name, "reason": str(error), "hint": for_http(error.hint, page=True)} for name, error in refused]
    if "path" in fields:
        return Response({"refused": told}, status_code=200)
    return redirect(request, f"/register/{upload.id}")


@get("/register/{identity:str}", include_in_schema=False, sync_to_thread=True, reads=("map.",))
def show_upload(request: AnyRequest, home: Home, identity: UploadPath) -> Response[str]:
    """What it would register, how far checking or importing is, or what was registered."""
    upload = _upload(request, home, identity)
    if upload.done is not None:
        return _done(request, home, upload, upload.done)
    tasks: Tasks = request.app.state.tasks
    importing = tasks.get(f"import {upload.id}")
    if importing is not None:
        importing.ended_within(1.0)
        if not importing.done:
            return _watching(request, upload, importing, "importing")
        upload = _upload(request, home, identity)
        if upload.done is not None:
            return _done(request, home, upload, upload.done)
    return _preview(request, home, upload, tasks, _failed(importing))


def _done(request: AnyRequest, home: Home, upload: Upload, done: dict[str, Any]) -> Response[str]:
    steps = {"snapshot": snapshot_form(home, done), "train": snapshot_form(home, done, then="train")}
    return html(request, "pages/register_done.html", upload=upload, done=done, steps=steps)


def _failed(importing: Task | None) -> dict[str, Any] | None:
    """Why the last try ended badly; what nobody foresaw is logged, and not shown."""
    error = importing.error() if importing is not None else None
    if error is None:
        return None
    if isinstance(error, EmotionetError):
        return {"reason": str(error), "hint": for_http(error.hint, page=True)}
    log.error("importing an upload failed", exc_info=error)
    return {"reason": "something went wrong here, and it is in the server's log", "hint": "try again, or report it."}


def _watching(request: AnyRequest, upload: Upload, task: Task, what: str) -> Response[str]:
    return html(request, "pages/register_watch.html", upload=upload, what=what, watched=task.about)


def _preview(
    request: AnyRequest, home: Home, upload: Upload, tasks: Tasks, failed: dict[str, Any] | None
) -> Response[str]:
    count, size = upload.measure()
    mapping = pages.mapping(request.query_params)
    fields: dict[str, Any] = {"upload": upload, "count": count, "size": size, "mapping": mapping, "failed": failed}
    if not count:
        return html(request, "pages/register_preview.html", found=None, **fields)
    speaker = speaker_of(writer(request, SCOPE))
    told = json.dumps([upload.id, upload.stamp(), sorted(mapping.items()), speaker.name, speaker.anybody])
    watched = Watched()
    task = tasks.begin(
        lambda: preview_upload(home, upload.source(), mapping, watched, speaker),
        key=f"preview {sha256(told.encode()).hexdigest()}",
        about=watched,
    )
    if not task.ended_within(PATIENCE):
        return _watching(request, upload, task, "checking")
    found = task.result()
    return html(request, "pages/register_preview.html", **fields, **pages.preview(found))


@post("/register/{identity:str}", status_code=303, include_in_schema=False, sync_to_thread=True)
def confirm(request: AnyRequest, home: Home, identity: UploadPath) -> Response[None]:
    """Sign what the preview showed, or give the upload up."""
    upload = _upload(request, home, identity)
    form = check_form(request)
    if form.get("do") == "discard":
        Uploads(home).discard(upload)
        return redirect(request, "/register", "register.discarded")
    mapping, watched, speaker = pages.mapping(form), Watched(), speaker_of(writer(request, SCOPE))
    if upload.done is None:

        def work() -> None:
            source = str(upload.source())
            done = import_source(home, source, mapping=mapping, progress=watched, speaker=speaker)
            if done["problem"] is None or done["registered"]:
                Uploads(home).finish(upload, pages.kept(done))
                return
            raise InvalidInput(done["problem"]["reason"], hint=done["problem"]["hint"])

        request.app.state.tasks.begin(work, key=f"import {upload.id}", about=watched)
    return redirect(request, pages.at(upload, mapping))


HANDLERS = (show_start, begin, ask_held, add_files, show_upload, confirm)
