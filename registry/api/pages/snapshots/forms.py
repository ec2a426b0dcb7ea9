"""Taking a snapshot through pages: a filter in the address, what it would hold, then the signature.

Invariants: what is shown before is decided by the rule that decides afterwards, and nothing is written for it. A
snapshot is taken by a task, so a large one holds up no page; it is signed at the end, so a task that ends with its
process leaves no half of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from registry.api.common import Home, Published
from registry.api.gateway.public import Public
from registry.api.hints import with_way
from registry.api.pages.base.common import check_form, form_files, html, language, redirect, writer
from registry.api.pages.base.session import AnyRequest
from registry.api.pages.base.tasks import PATIENCE, ended_task
from registry.api.pages.snapshots.reading import snapshot_of
from registry.api.serving.computing import computation_slot
from registry.api.v1.wire import Query
from registry.catalog.queries.labeled_images import image_counts
from registry.core.errors import EmotionetError, InvalidInput, UsageError
from registry.core.ipld.cid import CID
from registry.core.snapshots.rules import RULES
from registry.web.base.words import Words
from registry.web.pages.snapshots.listed import label_bars
from registry.workflows.names.set_name import check_new_name
from registry.workflows.parts import Parts
from registry.workflows.snapshots.preview_snapshot import preview_snapshot
from registry.workflows.snapshots.snapshot_counts import keep_counts
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.snapshots.terms import Terms

TEXTS = ("label", "contributor", "issuer", "subject", "consent")
PAIRS = ("attributes", "rights")
TERMS = ("rule", "trusted", "licences", "require_consent", "override_rights")
CHOSEN = ("images", "snapshot")  # the images that it is chosen among
FIELDS = (*TEXTS, *PAIRS, *TERMS, *CHOSEN, "partial", "classes", "name", "supersedes", "then")
LONGEST = 65_536  # characters of a field
LONGEST_LIST = 1 << 20  # characters: some 15,000 images
IN_ADDRESS = 4000  # characters of a list that an address holds
FORM_BYTES = 4 << 20
LABELS = 60  # that the form offers


def asked(form: Mapping[str, str]) -> dict[str, str]:
    """The form's fields that say something."""
    found = {name: form.get(name, "").strip() for name in FIELDS}
    if len(found["images"]) > LONGEST_LIST:
        raise UsageError("the list is too long for a page", hint="send it to the API: `POST /api/v1/snapshots`.")
    if any(len(value) > LONGEST for name, value in found.items() if name != "images"):
        raise UsageError("a field is too long", hint="shorten it.")
    return {name: value for name, value in found.items() if value}


def query_of(form: Mapping[str, str]) -> dict[str, Any]:
    """The filter as ``take_snapshot`` takes it. ``InvalidInput`` (``bad_query``) for what can be none."""
    given: dict[str, Any] = {name: form[name] for name in TEXTS if name in form}
    given |= {name: _pairs(form[name]) for name in PAIRS if name in form}
    try:
        return msgspec.convert(given, Query).to_query()
    except msgspec.ValidationError as error:
        raise InvalidInput(f"this filter can't be: {error}", code="bad_query") from error


def chosen_of(parts: Parts, published: Public, form: Mapping[str, str]) -> dict[str, Any]:
    """What ``take_snapshot`` chooses among: ``images`` (lines of the list) and ``snapshot``. ``NotFound``."""
    return {
        "images": form["images"].splitlines() if "images" in form else None,
        "snapshot": snapshot_of(parts, published, form["snapshot"]) if "snapshot" in form else None,
    }


def terms_of(form: Mapping[str, str]) -> Terms:
    """The rule and the demands as ``take_snapshot`` takes them; lists a line or a comma apart."""
    return Terms(
        rule=form.get("rule") or None,
        trusted=list(filter(None, map(str.strip, form.get("trusted", "").splitlines()))),
        licences=list(filter(None, map(str.strip, form.get("licences", "").split(",")))),
        consent="require_consent" in form,
        override=form.get("override_rights"),
    )


def _pairs(text: str) -> dict[str, str]:
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not (name and equals and value):
            raise InvalidInput(f"{line[:80]!r} is no name=value", code="bad_query", hint="write one a line: gender=f")
        found[name] = value
    return found


@get("/snapshots/new", include_in_schema=False, sync_to_thread=True, reads=(*FIELDS, "preview"))
def show_form(request: AnyRequest, home: Home, published: Published) -> Response[str]:
    """The form, and what a snapshot of the filter in the address would hold."""
    form = asked(dict(request.query_params.items()))
    if request.query_params.get("preview"):
        return _previewed(request, home, published, form)
    return _form(request, home, form, None, None)


@post(
    "/snapshots/new/check",
    status_code=200,
    request_max_body_size=FORM_BYTES,
    include_in_schema=False,
    sync_to_thread=True,
)
def check(request: AnyRequest, home: Home, published: Published) -> Response[Any]:
    """The same for a form with a list that no address holds, or a file of it; of any other the address says it."""
    writer(request, "snapshots:write")
    sent = check_form(request)
    lists = [sent.get("images", ""), *(_text_of(one.file.read(LONGEST_LIST + 1)) for _, one in form_files(request))]
    form = asked({**sent, "images": "\n".join(filter(None, map(str.strip, lists)))})
    if len(form.get("images", "")) <= IN_ADDRESS:
        return redirect(request, f"/snapshots/new?{urlencode({'preview': '1', **form})}")
    return _previewed(request, home, published, form)


def _text_of(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("the list is not UTF-8", code="not_text", hint="write a CID a line.") from error


def _previewed(request: AnyRequest, home: Parts, published: Public, form: dict[str, str]) -> Response[str]:
    found, error = None, None
    form.pop("partial", None)  # which what is found here says
    try:
        query_of(form)
        if "name" in form:
            check_new_name(form["name"])
        if "supersedes" in form:
            snapshot_of(home, published, form["supersedes"])
        with computation_slot():
            classes, chosen = form.get("classes", "emociones"), chosen_of(home, published, form)
            found = preview_snapshot(home, classes=classes, query=query_of(form), terms=terms_of(form), **chosen)
    except EmotionetError as raised:
        error = with_way(raised, page=True)
    return _form(request, home, form | ({"partial": "1"} if found and found["rejected"] else {}), found, error)


def _form(
    request: AnyRequest, parts: Parts, form: Mapping[str, str], found: Mapping[str, Any] | None, error: str | None
) -> Response[str]:
    with parts.catalog.read() as db:
        labels = [one.value for one in image_counts.most(db, "label", LABELS)]
    bars = label_bars(Words(language(request)), found) if found else []
    return html(
        request,
        "pages/snapshot_new.html",
        status=422 if error else 200,
        form={name: form.get(name, "") for name in FIELDS},
        found=found,
        bars_of_labels=bars,
        error=error,
        labels=labels,
        rules=[(rule.rpartition("-v")[0], rule) for rule in RULES],
    )


@post(
    "/snapshots/new",
    status_code=303,
    request_max_body_size=FORM_BYTES,
    include_in_schema=False,
    sync_to_thread=True,
)
def take(request: AnyRequest, home: Home, published: Published) -> Response[Any]:
    """Take the snapshot that the form describes: mostly done at once, else its task is watched on a page of its own."""
    writer(request, "snapshots:write")
    form = asked(check_form(request))
    supersedes = snapshot_of(home, published, form["supersedes"]) if "supersedes" in form else None
    query = query_of(form)
    if "name" in form:
        check_new_name(form["name"])
    chosen = chosen_of(home, published, form)
    task = request.app.state.tasks.begin(lambda: _take(home, form, query, chosen, supersedes), about=form)
    task.ended_within(PATIENCE)
    return _follow(request, home, published, task.key)


def _take(
    parts: Parts,
    form: Mapping[str, str],
    query: Mapping[str, Any],
    chosen: Mapping[str, Any],
    supersedes: CID | None,
) -> CID:
    classes = form.get("classes", "emociones")
    terms, name, partial = terms_of(form), form.get("name"), "partial" in form
    done = take_snapshot(
        parts, classes=classes, query=query, terms=terms, supersedes=supersedes, name=name, partial=partial, **chosen
    )
    snapshot = CID.parse(done["snapshot"])
    keep_counts(parts, snapshot)
    return snapshot


@get("/snapshots/new/{key:str}", include_in_schema=False, sync_to_thread=True)
def follow(request: AnyRequest, home: Home, published: Published, key: FromPath[str]) -> Response[Any]:
    """A snapshot that is being taken."""
    return _follow(request, home, published, key)


def _follow(request: AnyRequest, parts: Parts, published: Public, key: str) -> Response[Any]:
    task = ended_task(request, key, "/snapshots/new", "pages/snapshot_working.html")
    if isinstance(task, Response):
        return task
    error = task.error()
    if error is None:
        taken = task.result()
        to = f"/runs/new?snapshot={taken}" if task.about.get("then") == "train" else f"/snapshots/{taken}"
        return redirect(request, to, "snapshots_new.said_taken")
    if not isinstance(error, EmotionetError):
        raise error
    if request.method == "POST":
        return _form(request, parts, task.about, None, with_way(error, page=True))
    kept = {name: value for name, value in task.about.items() if len(value) <= IN_ADDRESS}
    back = f"/snapshots/new?{urlencode(kept)}"
    return html(request, "pages/snapshot_working.html", state="failed", back=back, error=with_way(error, page=True))


HANDLERS = (show_form, check, take, follow)
