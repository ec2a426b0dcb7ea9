"""The pages of audits: start one, watch its checks, read the reports of those that were made here.

Invariants: at most ``AT_ONCE`` audits are under way in this process, and as many files come in; a file that was sent is
deleted when its audit has ended, however it ended; levels beyond those that are free need a token.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread
from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from registry.api.common import Home, Published
from registry.api.pages.base.common import check_form, form_files, html, language, redirect, with_query, writer
from registry.api.pages.base.session import AnyRequest
from registry.api.pages.releases import release_of
from registry.api.serving import auditing
from registry.api.serving.computing import AT_ONCE
from registry.api.serving.followers import Events, stream
from registry.api.serving.heavy import Asked
from registry.api.v1.audits import FREE_LEVEL
from registry.api.v1.wire import AuditPath
from registry.api.v1.wire_runs import MOST_SAMPLED
from registry.core.errors import InvalidInput
from registry.provenance.checks.run_levels import MAX_LEVEL
from registry.provenance.checks.target.deep import USUALLY, DeepOptions
from registry.web.base.words import Words
from registry.web.pages.audits import audit_list, audit_page, in_words
from registry.workflows.audit.keep_audit import begin_audit, show_audit, under_way
from registry.workflows.parts import Parts

FILE_BYTES = 256 << 20  # of a CAR that is sent, and its form
POLL_SECONDS = 0.3
_uploads = threading.BoundedSemaphore(AT_ONCE)


@get("/audits", include_in_schema=False, sync_to_thread=True, reads=("target", "cursor"))
def list_audits(request: AnyRequest, home: Home) -> Response[str]:
    """The forms that start one, and those that were made here."""
    query = request.query_params
    items, following = audit_list(home, query.get("target") or None, query.get("cursor") or None)
    more = with_query(request, cursor=following) if following else None
    return html(
        request,
        "pages/audits.html",
        items=items,
        next=more,
        target=query.get("target", ""),
        levels=range(1, MAX_LEVEL + 1),
        free=FREE_LEVEL,
        most=MOST_SAMPLED,
        megabytes=FILE_BYTES >> 20,
    )


@post("/audits", status_code=303, include_in_schema=False, sync_to_thread=True)
def start_audit(request: AnyRequest, home: Home, published: Published) -> Response[Any]:
    """Audit a release that is held here; the page of the audit follows its checks."""
    form = check_form(request)
    level = _level(form.get("level", ""))
    if level is not None and level > FREE_LEVEL:
        writer(request, "admin")
    target = release_of(home, published, form.get("target", "").strip())
    deep = _deep(form.get("sample", "").strip(), level)
    known = under_way(home, target, level) if deep == USUALLY else None
    if known is not None:
        return redirect(request, f"/audits/{known}")
    auditing.take(auditing.AUDITS)
    name = form.get("target", "").strip()[:256]
    begun = auditing.start(home, lambda: begin_audit(home, target, name, level), Asked(str(target), level, deep))
    return redirect(request, f"/audits/{begun}")


@post(
    "/audits/file",
    status_code=303,
    include_in_schema=False,
    request_max_body_size=FILE_BYTES,
    sync_to_thread=True,
)
def send_file(request: AnyRequest, home: Home) -> Response[Any]:
    """Audit a CAR file that is sent along; it is deleted when the audit has ended."""
    auditing.take(_uploads, "other files are coming in: try again in a moment")
    try:
        form, files = check_form(request), form_files(request)
        if not files:
            raise InvalidInput("no file was chosen", code="no_file", hint="choose a .car file.")
        level = _level(form.get("level", ""))
        if level is not None and level > FREE_LEVEL:
            writer(request, "admin")
        deep = _deep(form.get("sample", "").strip(), level)
        auditing.take(auditing.AUDITS)
        name, path = _name(files[0][1]), _copy(files[0][1])
    finally:
        _uploads.release()
    ended = partial(shutil.rmtree, path.parent, ignore_errors=True)
    asked = Asked(str(path), level, deep, name=name)
    audit = auditing.start(home, lambda: begin_audit(home, None, name, level), asked, ended)
    return redirect(request, f"/audits/{audit}")


def _level(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:3]) <= MAX_LEVEL):
        raise InvalidInput(f"a level is a number from 1 to {MAX_LEVEL}", code="bad_level", hint="choose one.")
    return int(text)


def _deep(sample: str, level: int | None) -> DeepOptions:
    """How many images the deeper levels look at; an empty field asks for what is usual."""
    if not sample or level is None or level <= FREE_LEVEL:
        return USUALLY
    if not (sample.isascii() and sample.isdigit() and 1 <= int(sample[:8]) <= MOST_SAMPLED):
        raise InvalidInput(
            f"a sample is a number from 1 to {MOST_SAMPLED}", code="bad_sample", hint="correct it, or leave it empty."
        )
    return DeepOptions(sample=int(sample))


def _name(file: UploadFile) -> str:
    """What a file is called, without a folder, on one line."""
    name = "".join(letter for letter in Path(file.filename.replace("\\", "/")).name if letter.isprintable())
    return name[:120] or "release.car"


def _copy(file: UploadFile) -> Path:
    """The file's bytes in a file of ours, in a folder of its own."""
    path = Path(tempfile.mkdtemp(prefix="emotionet-sent-")) / "sent.car"
    with path.open("wb") as out:
        file.file.seek(0)
        shutil.copyfileobj(file.file, out)
    return path


@get("/audits/{audit:str}", include_in_schema=False, sync_to_thread=True)
def show(request: AnyRequest, home: Home, audit: AuditPath) -> Response[str]:
    """One audit with the checks that were made so far."""
    return html(request, "pages/audit.html", **audit_page(home, audit, Words(language(request))))


@get("/audits/{audit:str}/events", include_in_schema=False, sync_to_thread=True)
def follow(request: AnyRequest, home: Home, audit: AuditPath) -> ServerSentEvent:
    """An audit's checks as server-sent events, in the reader's language: ``check`` each, ``end`` when it is over."""
    show_audit(home, audit)
    return stream(request, _events(home, audit, Words(language(request))), "open the page again later")


async def _events(parts: Parts, audit: str, t: Words) -> Events:
    told = 0
    while True:
        found = await to_thread.run_sync(show_audit, parts, audit)
        for check in found["checks"][told:]:
            told += 1
            said = {**in_words(t, check), "state": t.known("site_state", check["result"])}
            yield ServerSentEventMessage(data=json.dumps(said, ensure_ascii=False), event="check", id=str(told))
        if found["status"] != "running":
            yield ServerSentEventMessage(data=found["status"], event="end")
            return
        await anyio.sleep(POLL_SECONDS)


HANDLERS = (list_audits, start_audit, send_file, show, follow)
