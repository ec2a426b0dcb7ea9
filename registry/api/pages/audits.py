"""The pages of audits: start one, watch its checks, read the reports of those that were made here.

Invariants: at most ``AT_ONCE`` audits are under way in this process, and as many files come in; a file that was sent is
deleted when its audit has ended, however it ended; levels beyond those that are free need a token.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import threading
from collections.abc import Callable
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
from registry.api.problems import HttpProblem
from registry.api.serving import heavy
from registry.api.serving.computing import AT_ONCE, computing
from registry.api.serving.followers import Events, stream
from registry.api.v1.audits import FREE_LEVEL
from registry.api.v1.wire import AuditPath
from registry.core.errors import EmotionetError, InvalidInput
from registry.provenance.checks.run_levels import MAX_LEVEL
from registry.web.base.words import Words
from registry.web.pages.audits import audit_list, audit_page, in_words
from registry.workflows.audit.keep_audit import begin_audit, show_audit, under_way
from registry.workflows.parts import Parts

FILE_BYTES = 256 << 20  # of a CAR that is sent, and its form
POLL_SECONDS = 0.3
_slots, _uploads = threading.BoundedSemaphore(AT_ONCE), threading.BoundedSemaphore(AT_ONCE)
_log = logging.getLogger("registry.api")


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
    known = under_way(home, target, level)
    if known is not None:
        return redirect(request, f"/audits/{known}")
    _take(_slots, "other audits are under way: try again in a moment")
    name = form.get("target", "").strip()[:256]
    return redirect(
        request, f"/audits/{_start(home, lambda: begin_audit(home, target, name, level), str(target), level)}"
    )


@post(
    "/audits/file",
    status_code=303,
    include_in_schema=False,
    request_max_body_size=FILE_BYTES,
    sync_to_thread=True,
)
def send_file(request: AnyRequest, home: Home) -> Response[Any]:
    """Audit a CAR file that is sent along; it is deleted when the audit has ended."""
    _take(_uploads, "other files are coming in: try again in a moment")
    try:
        form, files = check_form(request), form_files(request)
        if not files:
            raise InvalidInput("no file was chosen", code="no_file", hint="choose a .car file.")
        level = _level(form.get("level", ""))
        if level is not None and level > FREE_LEVEL:
            writer(request, "admin")
        _take(_slots, "other audits are under way: try again in a moment")
        name, path = _name(files[0][1]), _copy(files[0][1])
    finally:
        _uploads.release()
    ended = partial(shutil.rmtree, path.parent, ignore_errors=True)
    audit = _start(home, lambda: begin_audit(home, None, name, level), str(path), level, name, ended)
    return redirect(request, f"/audits/{audit}")


def _take(slots: threading.BoundedSemaphore, busy: str) -> None:
    if not slots.acquire(timeout=1):
        raise HttpProblem(503, busy, headers={"Retry-After": "10"})


def _level(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:3]) <= MAX_LEVEL):
        raise InvalidInput(f"a level is a number from 1 to {MAX_LEVEL}", code="bad_level", hint="choose one.")
    return int(text)


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


def _start(
    home: Home,
    begin: Callable[[], str],
    target: str,
    level: int | None,
    name: str | None = None,
    ended: Callable[[], object] = lambda: None,
) -> str:
    """Begin an audit in a thread of its own, which holds the slot that was taken; the audit's id."""

    def work() -> None:
        try:
            computing.run(home, heavy.carry_out_audit, audit, target, level, name)
        except EmotionetError:
            pass  # what ended it is kept, and its page says it
        except Exception as error:
            _log.error("audit %s ended because of a defect", audit, exc_info=error)
        finally:
            _slots.release()
            ended()

    try:
        audit = begin()
    except BaseException:
        _slots.release()
        ended()
        raise
    threading.Thread(target=work, name=f"audit-{audit}", daemon=True).start()
    return audit


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
