"""Addresses of releases: publish a completed run, list, read; and models: a release's weights by CID.

Invariants: only published weights are served. Their bytes are verified block by block as they are sent, and their ETag
is the CID, because the content of a CID never changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import HttpMethod, Request, Response, get, post, route
from litestar.params import JSONBody

from registry.api.answers.parts import Bytes, PageOf
from registry.api.answers.releases import JudgedClaims, Model, PictureProof, Release, ReleaseLine
from registry.api.answers.runs import Plan
from registry.api.auth import needs, sends_json
from registry.api.common import PREFIX, Document, Home, Page, Published, page, problems, record
from registry.api.gateway import ranges
from registry.api.gateway.public import Public
from registry.api.serving import heavy, seen
from registry.api.serving.computing import computation_slot, computing
from registry.api.serving.seen import document
from registry.api.v1.snapshots import image_sha256, proof_file
from registry.api.v1.wire import (
    CAR_TYPE,
    CidPath,
    ClaimFilter,
    Cursor,
    ImagePath,
    IssuerFilter,
    Lang,
    Limit,
    ProofFormat,
)
from registry.api.v1.wire_runs import NewClaims, NewRelease
from registry.catalog.queries.signed_records import releases
from registry.content.unixfs import reader
from registry.core import records
from registry.core.errors import NotFound
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.issuers import read_issuer
from registry.core.ports.anchor import FINAL
from registry.core.ports.store import BlockReader
from registry.core.run_view import release_view
from registry.core.text.names import is_reference
from registry.core.weights import MODEL, WEIGHTS, digested
from registry.provenance.picture_proof import verify_proof
from registry.provenance.proof_sentences import document as proof_document
from registry.provenance.release_view import final_weights
from registry.web.base.page import POLICY
from registry.workflows.names.references import with_names
from registry.workflows.names.resolve import run_id
from registry.workflows.parts import Parts
from registry.workflows.releases.publish_release import publish_release, show_release
from registry.workflows.releases.verdicts import with_verdicts
from registry.workflows.runs.list_plans import list_plans
from registry.workflows.store.prove_picture import prove
from registry.workflows.store.read_content import read_as
from registry.workflows.withdrawals.withdrawn import withdrawals_by, withdrawals_of_release


@post(
    "/releases",
    guards=[needs("releases:write"), sends_json],
    responses=problems(404, 409, 415, 422, scoped=True),
    sync_to_thread=True,
    answer=Release,
)
def create_release(home: Home, data: JSONBody[NewRelease]) -> Response[Document]:
    """Publish a completed run, signed; its anchor is submitted, not awaited."""
    done = publish_release(home, run_id(home, data.run), wait=0, name=data.name)
    return Response(done, headers={"Location": f"{PREFIX}/releases/{done['release']}"})


@get("/releases", responses=problems(), sync_to_thread=True, answer=PageOf[ReleaseLine])
def list_releases(home: Home, cursor: Cursor = None, limit: Limit = 100) -> Page:
    """Releases, newest first; `withdrawn` lists the withdrawals of each: by whom, when and why. `verdict` is one line,
    by language: what was claimed, and what became of it."""
    with home.catalog.read() as db:
        found, following = releases.list_releases(db, cursor=cursor, limit=limit)
        found = with_names(home, db, found, "cid")
    back = withdrawals_by(home, found)
    shown = [{**one, "withdrawn": back.get(one["cid"], [])} for one in found]
    return page(with_verdicts(home, shown), following)


_SETTLED = FINAL | {"unverified"}  # anchors that change by what is said alone


@get("/releases/{cid:str}", responses=problems(404, 410, 422), sync_to_thread=True, answer=Release)
def show_one(request: Request[Any, Any, Any], home: Home, published: Published, cid: CidPath) -> Response[Document]:
    """One release with its verdict in sentences, its metrics, claims and anchor."""
    found = show_release(home, record(home, published, cid, "release"))
    return document(request, found, kept=found["anchor"]["status"] in _SETTLED)


@get(
    "/releases/{cid:str}/report",
    responses=problems(404, 410, 422),
    media_type="text/html",
    sync_to_thread=True,
    answer=Bytes(("text/html",), cached=False),
)
def show_report(
    request: Request[Any, Any, Any],
    home: Home,
    published: Published,
    cid: CidPath,
    lang: Lang = "en",
    claim: ClaimFilter = None,
) -> Response[str]:
    """One release as a self-contained HTML page, in English or Spanish. It is audited for the page, which takes
    seconds.

    Claims in the address are judged from the published predictions and shown apart from the plan's.
    """
    release = record(home, published, cid, "release")
    with computation_slot():
        page = computing.run(home, heavy.report, release, lang, tuple(claim or ()))
    if not home.settings.has_evidence_for_others:  # else a chain may change it, or a stamp that comes
        seen.keep(request, seen.RECORDS)
    return Response(page, media_type="text/html", headers={"Content-Security-Policy": POLICY})


@post(
    "/releases/{cid:str}/claims",
    status_code=200,
    guards=[sends_json],
    responses=problems(404, 410, 415, 422),
    sync_to_thread=True,
    answer=JudgedClaims,
)
def claim_later(home: Home, published: Published, cid: CidPath, data: JSONBody[NewClaims]) -> Document:
    """Judge claims after the fact, from the published predictions. Nothing is recorded."""
    release = record(home, published, cid, "release")
    with computation_slot():
        return dict(computing.run(home, heavy.claims, release, tuple(data.claims)))


@get(
    "/releases/{cid:str}/proof/{image:str}",
    responses=problems(404, 410, 422, 502),
    sync_to_thread=True,
    answer=(PictureProof, Bytes((CAR_TYPE,), cached=False)),
)
def prove_use(
    home: Home, published: Published, cid: CidPath, image: ImagePath, fmt: ProofFormat = "json"
) -> Response[Document] | Response[bytes]:
    """Whether a picture was in a release's data, in which folds it was trained on and by which it was judged. With
    `format=car` as a file of at most 256 KiB that checks by itself (docs/proofs.md)."""
    release, key = record(home, published, cid, "release"), image_sha256(home, image)
    data = prove(home, key, [release])
    return proof_file(data, key) if fmt == "car" else Response(proof_document(verify_proof(data)))


@get("/plans", responses=problems(), sync_to_thread=True, answer=PageOf[Plan])
def show_plans(home: Home, issuer: IssuerFilter = None, cursor: Cursor = None, limit: Limit = 100) -> Page:
    """Plans, newest first, with or without a release."""
    return page(*list_plans(home, issuer and read_issuer(issuer), cursor, limit))


@get("/models/{cid:str}", responses=problems(404, 410, 422), sync_to_thread=True, answer=Model)
def show_model(home: Home, published: Published, cid: CidPath) -> Document:
    """The files of a release's final weights, or of weights by their own CID, and the digest of their tensors."""
    weights = _weights(home, published, cid)
    with home.catalog.read() as db:
        known = releases.weights_by_cid(db, weights)
    files = _files(published.public_store(), weights)
    return {
        "cid": str(weights),
        "release": known["release"] if known else None,
        "fold": known["fold"] if known else None,
        "format": known["format"] if known else None,
        "tensors": known["tensors"] if known else None,
        "withdrawn": withdrawals_of_release(home, CID.parse(known["release"])) if known else [],
        "files": [{"name": name, "cid": str(file), "size": size} for name, (file, size) in files.items()],
    }


@route(
    "/models/{cid:str}/weights",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    responses=problems(404, 410, 416, 422),
    sync_to_thread=True,
    answer=Bytes(("application/octet-stream",), partial=True),
)
def get_weights(request: Request[Any, Any, Any], home: Home, published: Published, cid: CidPath) -> Response[Any]:
    """The bytes of weights.safetensors, or of the one file beside model.json: Range, If-None-Match, ETag is the
    file's CID, immutable."""
    weights = _weights(home, published, cid)
    shown = published.public_store()
    files = _files(shown, weights)
    name, *more = digested(files)
    if more:
        raise NotFound(f"{weights} holds several files: {', '.join(files)}", hint=f"fetch them: /ipfs/{weights}/NAME.")
    file, size = files[name]
    return ranges.send(
        reader.read_file(shown, file),
        size,
        etag=str(file),
        media_type="application/octet-stream",
        name=name,
        request_headers={name: request.headers.get(name) for name in ranges.HEADERS},
        head=request.method == "HEAD",
    )


def _weights(parts: Parts, published: Public, text: str) -> CID:
    """The directory of weights that a release's (or its entry's) CID, or its own, names."""
    cid = record(parts, published, text, *(("release",) if is_reference(text) else ()))
    if cid.codec != DAG_CBOR:
        return cid
    release = read_as(parts, records.Release, cid)
    weights = final_weights(release_view(parts.store.get, release)).cid
    published.check(weights)
    return weights


def _files(store: BlockReader, weights: CID) -> Mapping[str, tuple[CID, int]]:
    """Files of a weights directory: CID and size in bytes. ``NotFound`` if it is none."""
    found = reader.list_directory(store, weights) if reader.is_directory(store, weights) else {}
    if WEIGHTS not in found and (MODEL not in found or not digested(found)):
        raise NotFound(f"{weights} holds no weights", hint="GET /api/v1/releases lists what is published.")
    return {name: (entry.cid, reader.file_size(store, entry.cid)) for name, entry in found.items()}


HANDLERS = (
    *(create_release, list_releases, show_one, show_report, claim_later, prove_use),
    *(show_plans, show_model, get_weights),
)
