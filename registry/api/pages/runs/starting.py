"""Starting a run through pages: choose, see what it would do and cost, then start it.

Invariants: a recipe is one of the method's own and base weights are published here: a form names no path of this
machine. To estimate and to start are tasks, since both read the whole snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from litestar import Response, get, post
from litestar.params import FromPath

from registry.api.common import Home, Published
from registry.api.gateway.public import Public
from registry.api.hints import with_way
from registry.api.pages.base.common import form_lists, html, language, redirect, writer
from registry.api.pages.base.session import AnyRequest
from registry.api.pages.base.tasks import PATIENCE, ended_task
from registry.api.pages.snapshots.reading import snapshot_of
from registry.api.v1.runs import published_base
from registry.catalog.queries.signed_records import snapshots
from registry.core import records
from registry.core.errors import EmotionetError, InvalidInput, UsageError
from registry.core.ipld.cid import CID
from registry.core.text.amounts import duration, size_text
from registry.core.text.claim_text import split_claim
from registry.evaluation.claims import parse_claim
from registry.evaluation.correction import HOLM
from registry.settings import DEFAULT_METHOD
from registry.web.base.words import Words
from registry.web.pages.runs.run_form import offer
from registry.workflows.parts import Parts
from registry.workflows.runs.estimate_run import estimate_run
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.store.read_content import read_as

MOST_CLAIMS = 32
RECENT = 20  # snapshots to choose from
FIELDS = ("snapshot", "method", "recipe", "base", "final", "unanchored", "correction", "name")
OPTION = "option."
READ = (*FIELDS, OPTION, "metric", "comparator", "threshold", "shown_method", "do")  # in an address too
COMPARATORS = ((">=", "≥"), ("<=", "≤"))
Form = Mapping[str, Any]
Claimed = tuple[str, ...]  # metric, comparator, threshold, as typed


def form_of(given: Mapping[str, list[str]]) -> dict[str, Any]:
    """Fields as text, ``options`` by name, ``claims`` as (metric, comparator, threshold)."""
    found: dict[str, Any] = {name: given.get(name, [""])[0].strip()[:1000] for name in FIELDS}
    found["method"] = found["method"] or DEFAULT_METHOD
    found["correction"] = found["correction"] or HOLM
    found["options"] = {
        name.removeprefix(OPTION): values[0].strip()[:20]
        for name, values in given.items()
        if name.startswith(OPTION) and values[0].strip()
    }
    columns = [given.get(name, [])[:MOST_CLAIMS] for name in ("metric", "comparator", "threshold")]
    found["claims"] = [tuple(part.strip()[:1000] for part in row) for row in zip(*columns, strict=False)]
    return found


def wanted_of(parts: Parts, published: Public, form: Form) -> Wanted:
    """What the form asks for. ``UsageError`` or ``InvalidInput`` for what can't be."""
    method = parts.method(form["method"])
    if form["recipe"] and form["recipe"] not in method.recipes():
        raise InvalidInput(
            f"no recipe is called {form['recipe'][:80]!r}",
            code="unknown_recipe",
            hint=f"use one of {', '.join(method.recipes())}.",
        )
    if form["correction"] not in get_args(records.Correction):
        raise InvalidInput("a correction is holm or none", code="bad_correction", hint="choose one.")
    base = published_base(parts, published, form["base"], method.about().files) if form["base"] else None
    return Wanted(
        recipe=form["recipe"] or None,
        method=form["method"],
        overrides={name: _whole(name, value) for name, value in form["options"].items()},
        base=base,
        claims=tuple(" ".join(claim) for claim in form["claims"] if claim[0] and claim[2]),
        final=form["final"] or None,
        unanchored=bool(form["unanchored"]),
        correction=form["correction"],
        name=form["name"] or None,
    )


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"{name[:40]} must be a whole number, not {text!r}", hint="correct it, or leave it empty.")
    return int(text)


def _wrong_claims(form: Form) -> dict[Claimed, str]:
    """Claims that are none whatever the snapshot is, with what is wrong in each."""
    wrong: dict[Claimed, str] = {}
    for claim in form["claims"]:
        try:
            if claim[0] and claim[2]:
                parse_claim(" ".join(claim))
        except InvalidInput as error:
            wrong[claim] = str(error)
    return wrong


@get("/runs/new", include_in_schema=False, sync_to_thread=True, reads=READ)
def show_form(request: AnyRequest, home: Home, published: Published) -> Response[str]:
    """The form."""
    return _page(request, home, published, form_of({name: [value] for name, value in request.query_params.items()}))


def _page(
    request: AnyRequest,
    parts: Parts,
    published: Public,
    form: dict[str, Any],
    *,
    estimate: Mapping[str, Any] | None = None,
    error: str | None = None,
    switched: bool = False,
    wrong: Mapping[Claimed, str] | None = None,
) -> Response[str]:
    """The form as it was filled in, with what came of it."""
    chosen, offered = None, None
    if form["snapshot"]:
        chosen = snapshot_of(parts, published, form["snapshot"])
        record = read_as(parts, records.Snapshot, chosen)
        method = parts.method(form["method"])
        offered = offer(Words(language(request)), method, form["recipe"] or None, record, parts.store.get)
    with parts.catalog.read() as db:
        recent, _ = snapshots.list_snapshots(db, None, RECENT)
    claims = [one for one in form["claims"] if any(one[::2])]
    return html(
        request,
        "pages/run_new.html",
        status=422 if error or wrong else 200,
        form={**form, "claims": [*claims, ("", ">=", "")]},
        snapshot=None if chosen is None else str(chosen),
        offer=offered,
        recent=recent,
        estimate=estimate,
        error=error,
        wrong=wrong or {},
        switched=switched,
        amount=duration,
        bytes=size_text,
        comparators=COMPARATORS,
        journal=not parts.settings.has_evidence_for_others,
    )


@post("/runs/new", status_code=200, include_in_schema=False, sync_to_thread=True)
def send_form(request: AnyRequest, home: Home, published: Published) -> Response[Any]:
    """One more claim, an estimate, or the start of the run."""
    writer(request, "runs:write")
    given = form_lists(request)
    form, do = form_of(given), given.get("do", [""])[0]
    shown = given.get("shown_method", [form["method"]])[0]
    if do == "more" or shown != form["method"]:  # another method has other recipes: none was chosen yet
        return _page(request, home, published, form, switched=shown != form["method"])
    if wrong := _wrong_claims(form):
        return _page(request, home, published, form, wrong=wrong)
    try:
        snapshot = snapshot_of(home, published, form["snapshot"])
        wanted = wanted_of(home, published, form)
    except EmotionetError as error:
        return _page(request, home, published, form, error=with_way(error, page=True))
    work = _starting if do == "start" else _estimating
    task = request.app.state.tasks.begin(lambda: work(home, snapshot, wanted), about=form)
    task.ended_within(2 * PATIENCE)
    return _follow(request, home, published, task.key)


def _starting(parts: Parts, snapshot: CID, wanted: Wanted) -> str:
    return start_run(parts, snapshot, wanted)


def _estimating(parts: Parts, snapshot: CID, wanted: Wanted) -> dict[str, Any]:
    return estimate_run(parts, snapshot, wanted)


@get("/runs/new/{key:str}", include_in_schema=False, sync_to_thread=True)
def follow(request: AnyRequest, home: Home, published: Published, key: FromPath[str]) -> Response[Any]:
    """A run that is being estimated or started."""
    return _follow(request, home, published, key)


def _follow(request: AnyRequest, parts: Parts, published: Public, key: str) -> Response[Any]:
    task = ended_task(request, key, "/runs/new", "pages/run_working.html")
    if isinstance(task, Response):
        return task
    error = task.error()
    if isinstance(error, EmotionetError):
        return _page(request, parts, published, task.about, error=with_way(error, page=True))
    found = task.result()
    if isinstance(found, str):
        return redirect(request, f"/runs/{found}", "runs.said_started")
    t = Words(language(request))
    said = [t.claim(read._asdict()) if (read := split_claim(one)) else one for one in found["claims"]]
    return _page(request, parts, published, task.about, estimate={**found, "claims": said})


HANDLERS = (show_form, send_form, follow)
