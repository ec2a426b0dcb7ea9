"""Addresses of audits and of what they rest on: check a release, lineage, lookups, anchors.

Invariants: a target is a CID, never a path; without a token only levels 1 to 4 and 6 are checked, which
read what is held here; few audits run at once, because each costs seconds of computing.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody

from registry.api.answers.audits import AuditLine, KeptAudit, Lineage, Mention, Prov, PublishedAudit, Report
from registry.api.answers.parts import Anchor, PageOf
from registry.api.auth import authorize, sends_json
from registry.api.common import PREFIX, Document, Home, Page, Published, page, problems, record
from registry.api.serving import auditing, heavy
from registry.api.serving.computing import computation_slot, computing
from registry.api.serving.seen import document
from registry.api.v1.wire import AuditPath, CidPath, Cursor, ImagePath, Limit, LineageFormat, Target
from registry.api.v1.wire_runs import NewAudit
from registry.catalog.queries import kept_audits
from registry.core import records
from registry.core.errors import UsageError
from registry.core.ipld.cid import CID
from registry.core.issuers import read_issuer
from registry.core.records import to_value
from registry.exports.prov import prov_json
from registry.provenance.checks.target.deep import DeepOptions
from registry.workflows.audit.keep_audit import begin_audit, show_audit, with_status
from registry.workflows.log.anchor_documents import anchor_status
from registry.workflows.names.resolve import find, resolve
from registry.workflows.parts import Parts
from registry.workflows.store.find_records import is_digest, look_up_page, record_lineage
from registry.workflows.store.lineage_status import lineage_with_status
from registry.workflows.store.typed_source import names_content

_QUEUED = {202: ResponseSpec(dict[str, Any], description="It is under way: see Location", generate_examples=False)}
FREE_LEVEL = 4  # asked for alone; without a level 6 is checked too


@post(
    "/audits",
    status_code=200,
    guards=[sends_json],
    responses=problems(401, 403, 404, 410, 415, 422) | _QUEUED,
    sync_to_thread=True,
    answer=(Report, KeptAudit),
)
def create_audit(
    request: Request[Any, Any, Any], home: Home, published: Published, data: JSONBody[NewAudit]
) -> Response[Document]:
    """Check what a release claims. Without `level`: 1 to 4 and 6. Deeper, or to publish it, needs an admin token.

    Up to level 4, and without a level, the report is the answer. Who asks the same while such an audit is under way has
    its answer, unless something new was said; none is kept after that. Levels from 5 take minutes or hours: the answer
    is 202, and `Location` says how far the audit is and, when it is `done`, what it found.
    """
    is_deep = data.level is not None and data.level > FREE_LEVEL
    if data.publish or is_deep:
        authorize(request, home, "admin")
    target = find(home, data.target)
    record(home, published, str(target))
    deep = DeepOptions(data.sample, data.all, data.fold, data.epochs)
    if is_deep:
        return _queued(home, target, data, deep)
    asked = (str(target), data.level, data.issuer and read_issuer(data.issuer), deep, data.publish)

    def answer() -> Document:
        with computation_slot():
            return dict(computing.run(home, heavy.audit, *asked))

    key = ("audit", id(home), *asked, request.app.state.watch.marks().said)
    return Response(dict(computing.once(key, answer)), status_code=200)


def _queued(home: Home, target: CID, data: NewAudit, deep: DeepOptions) -> Response[Document]:
    """Begin an audit of hours. It is kept, so it answers no question that somebody else might answer otherwise."""
    if data.issuer is not None:
        raise UsageError("an audit of the deeper levels takes no issuer", hint="compare `issuer` of its report.")
    auditing.take(auditing.AUDITS)
    asked = heavy.Asked(str(target), data.level, deep, data.publish)
    audit = auditing.start(home, lambda: begin_audit(home, target, data.target, data.level), asked)
    return Response(show_audit(home, audit), status_code=202, headers={"Location": f"{PREFIX}/audits/{audit}"})


@get("/audits", responses=problems(404, 422), sync_to_thread=True, answer=(PageOf[PublishedAudit], PageOf[AuditLine]))
def list_audits(home: Home, target: Target = None, cursor: Cursor = None, limit: Limit = 100) -> Page:
    """Every published audit of a target, by any signer, oldest first. Without a target: audits that were made here and
    kept, newest first, signed or not; `/audits/{id}` has the report of each."""
    if target is None:
        with home.catalog.read() as db:
            kept, following = kept_audits.list_audits(db, cursor=cursor, limit=limit)
        return page([with_status(one, home.now()) for one in kept], following)
    wanted = str(resolve(home, target))
    found, following = look_up_page(home, wanted, only="audit", cursor=cursor, limit=limit)
    return page([_audit(home, one) for one in found], following)


def _audit(parts: Parts, found: dict[str, Any]) -> Document:
    audit = records.parse_as(records.Audit, parts.store.get(CID.parse(found["record"])))
    return {
        "audit": found["record"],
        "issuer": found["issuer"],
        "time": found["time"],
        "levels": list(audit.levels),
        "checks": [to_value(check) for check in audit.checks],
    }


@get("/audits/{audit:str}", responses=problems(404), sync_to_thread=True, answer=KeptAudit)
def show_one_audit(home: Home, audit: AuditPath) -> Document:
    """An audit that was made here, of what is held or, through the pages, of a file: its checks so far, and its report
    when it is whole. `status`: running, done, failed or interrupted."""
    return show_audit(home, audit)


@get("/lineage/{cid:str}", responses=problems(404, 422), sync_to_thread=True, answer=(Lineage, Prov))
def show_lineage(
    request: Request[Any, Any, Any], home: Home, cid: CidPath, form: LineageFormat = "json"
) -> Response[Document]:
    """What a record came from and what came from it: nodes and edges, or all of it as W3C PROV-JSON."""
    found = lineage_with_status(home, record_lineage(home, resolve(home, cid)))
    kept = all(node["type"] != "image" and node["status"] != "not held" for node in found["nodes"])
    shown = prov_json(found["nodes"], found["edges"]) if form == "prov" else found
    return document(request, shown, kept=kept)  # else a row, or a block, may come without a word that is waited for


@get("/lookup/{digest:str}", responses=problems(404, 422), sync_to_thread=True, answer=PageOf[Mention])
def look_up_digest(home: Home, digest: ImagePath, cursor: Cursor = None, limit: Limit = 100) -> Page:
    """Every record that names or holds a CID, an image's sha256 or the digest of tensors, or what a name stands for,
    oldest first."""
    exact = is_digest(digest) or names_content(digest)
    wanted = digest if exact else str(resolve(home, digest))
    return page(*look_up_page(home, wanted, cursor=cursor, limit=limit))


@get("/anchors/{cid:str}", responses=problems(404, 410, 422), sync_to_thread=True, answer=Anchor)
def show_anchor(home: Home, published: Published, cid: CidPath) -> Document:
    """Where an entry's own anchor stands; a record is taken for its entry."""
    target = find(home, cid)
    record(home, published, str(target))
    return anchor_status(home, target)


HANDLERS = (create_audit, list_audits, show_one_audit, show_lineage, look_up_digest, show_anchor)
