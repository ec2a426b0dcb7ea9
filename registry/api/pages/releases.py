"""The pages of releases: the list, one release, its judgements, two of them compared; what can be downloaded of it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Redirect, Stream

from registry.api.common import Home, Published
from registry.api.gateway import ranges
from registry.api.gateway.public import Public
from registry.api.pages.base.common import html, language, with_query
from registry.api.pages.base.session import AnyRequest
from registry.api.problems import HttpProblem
from registry.api.serving import heavy
from registry.api.serving.computing import computation_slot, computing
from registry.api.v1.wire import CAR_TYPE, CidPath, Cursor
from registry.content.unixfs import reader
from registry.core import records
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld.cid import CID
from registry.core.run_view import ReleaseView, release_view
from registry.web.base.words import Words
from registry.web.pages.releases.image_table import image_table
from registry.web.pages.releases.judged import ASKED, is_quick, wanted_of
from registry.web.pages.releases.release_list import release_list
from registry.web.pages.releases.release_page import citations_of, own_files, release_page
from registry.web.pages.releases.tools import tools
from registry.workflows.names.resolve import resolve
from registry.workflows.parts import Parts
from registry.workflows.store.export_held import export_pieces


def release_of(parts: Parts, published: Public, text: str) -> CID:
    """The release that an address names: by CID, its beginning, a name. It must be given out."""
    cid = resolve(parts, text, "release")
    published.check(cid)
    return cid


def view_of(parts: Parts, cid: CID) -> ReleaseView:
    """A release with what it rests on. ``InvalidInput`` for what is no release."""
    return release_view(parts.store.get, records.parse_as(records.Release, parts.store.get(cid)))


def origin(request: AnyRequest) -> str:
    """This service's address, as the reader's browser names it."""
    return f"{request.url.scheme}://{request.url.netloc}"


@get("/releases", include_in_schema=False, sync_to_thread=True)
def list_releases(request: AnyRequest, home: Home, cursor: Cursor = None) -> Response[str]:
    """All releases, newest first."""
    items, following = release_list(home, cursor)
    more = with_query(request, cursor=following) if following else None
    return html(request, "pages/releases.html", items=items, next=more)


@get("/releases/{cid:str}", include_in_schema=False, sync_to_thread=True)
def show_release(request: AnyRequest, home: Home, published: Published, cid: CidPath) -> Response[str]:
    """One release."""
    t, release = Words(language(request)), release_of(home, published, cid)
    try:
        fields = release_page(home, release, t)
    except InvalidInput as error:  # a stranger's: what it states can't be shown, but it can be audited
        return html(request, "pages/release_unreadable.html", status=422, release=str(release), error=error)
    return html(request, "pages/release.html", origin=origin(request), **tools(t), **fields)


@get("/releases/{cid:str}/images", include_in_schema=False, sync_to_thread=True, reads=(*ASKED, "start"))
def show_images(request: AnyRequest, home: Home, published: Published, cid: CidPath) -> Response[str]:
    """The judgements of a release that fit what the address asks for."""
    release = release_of(home, published, cid)
    view = view_of(home, release)
    query = dict(request.query_params.items())
    wanted, start = wanted_of(query), _start(query.get("start", "0"))
    with nullcontext() if is_quick(view) else computation_slot():
        table = image_table(home.store.get, view, wanted, start)
    return html(
        request,
        "pages/release_images.html",
        table=table,
        release=str(release),
        name=view.recipe.name,
        **tools(Words(language(request))),
    )


def _start(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise InvalidInput("a page of this list starts at a number", code="bad_filter", hint="start again at 0.")
    return int(text)


@get("/releases/compare", include_in_schema=False, sync_to_thread=True, reads=("a", "b"))
def choose_two(request: AnyRequest, home: Home, published: Published) -> Response[Any]:
    """From a form with two releases to the address of their comparison."""
    a, b = (release_of(home, published, request.query_params.get(name, "").strip()) for name in ("a", "b"))
    return Redirect(f"/releases/{a}/compare/{b}", status_code=303)


@get("/releases/{a:str}/compare/{b:str}", include_in_schema=False, sync_to_thread=True)
def compare_two(request: AnyRequest, home: Home, published: Published, a: CidPath, b: CidPath) -> Response[str]:
    """Two releases on the images that both judged. It is computed, which takes a second or more."""
    t = Words(language(request))
    pair = release_of(home, published, a), release_of(home, published, b)
    with computation_slot():
        fields = computing.run(home, heavy.compared_releases, *pair, t.language)
    return html(request, "pages/release_compare.html", **tools(t), **fields)


@get("/releases/{cid:str}/CITATION.cff", include_in_schema=False, sync_to_thread=True)
def get_citation(home: Home, published: Published, cid: CidPath) -> Response[str]:
    """How to cite a release, as a file."""
    cite = citations_of(home, release_of(home, published, cid))
    headers = {"Content-Disposition": 'attachment; filename="CITATION.cff"'}
    return Response(cite["cff"], media_type="text/plain", headers=headers)


@get("/releases/{cid:str}/file", include_in_schema=False, sync_to_thread=True, reads=("images",))
def get_file(request: AnyRequest, home: Home, published: Published, cid: CidPath) -> Stream:
    """A release as a CAR with all that an offline audit needs; `?images=no` leaves the images out."""
    release = release_of(home, published, cid)
    images = request.query_params.get("images", "yes")
    if images not in ("yes", "no"):
        raise HttpProblem(400, "images is yes or no")
    private, withheld = published.public_store(), published.withheld()

    def hides(one: CID) -> bool:
        return private.hides(one) or one.multihash in withheld

    pieces = export_pieces(home, release, without_images=images == "no", hides=hides)
    name = f"release-{str(release)[-8:]}{'' if images == 'yes' else '-without-images'}.car"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Stream(pieces, media_type=CAR_TYPE, headers=headers)


@get("/releases/{cid:str}/files/{name:str}", include_in_schema=False, sync_to_thread=True)
def get_one_file(
    request: AnyRequest, home: Home, published: Published, cid: CidPath, name: FromPath[str]
) -> Response[Any]:
    """One of a release's own files: those of its final weights by their names, its model card as README.md."""
    found = own_files(home, release_of(home, published, cid)).get(name)
    if found is None:
        raise NotFound(f"this release has no file {name[:100]!r}", hint="its page lists them under downloads.")
    file, size = found
    return ranges.send(
        reader.read_file(published.public_store(), file),
        size,
        etag=str(file),
        media_type="application/octet-stream",
        name=name,
        request_headers={one: request.headers.get(one) for one in ranges.HEADERS},
        head=request.method == "HEAD",
    )


HANDLERS = (list_releases, choose_two, show_release, show_images, compare_two, get_citation, get_file, get_one_file)
