"""Pages of images: the grid, one image, its thumbnails; another label, and taking it back."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Response, get, post
from litestar.params import QueryParameter

from registry.api.auth import speaker
from registry.api.common import Home
from registry.api.pages.base.common import check_form, html, language, redirect, writer
from registry.api.pages.base.session import AnyRequest, signed_in
from registry.api.problems import HttpProblem
from registry.api.v1.wire import ImagePath
from registry.catalog.queries.labeled_images import images as queries
from registry.catalog.queries.signed_records import lineage
from registry.core.errors import InvalidInput, NotFound
from registry.core.text import cleaning
from registry.web.base.words import Words
from registry.web.pages import images
from registry.web.pages.placeholders import placeholder
from registry.workflows.images.registering.relabel import relabel
from registry.workflows.images.registering.speaker import Speaker
from registry.workflows.images.thumbnails import NoPicture, Thumbnails, Withdrawn
from registry.workflows.names.find_image import find_image
from registry.workflows.references.show_reference import waiting_image
from registry.workflows.withdrawals.who_asks import check_asks_image
from registry.workflows.withdrawals.withdraw import withdraw

Side = Annotated[Literal["160", "320", "640"], QueryParameter(name="size")]
KEPT = "private, max-age=604800, immutable"  # by the reader's browser alone: a shared cache would outlive a withdrawal
REMEDIES = ("notice", "remove_bytes", "retrain")
TOUCHED = 50
NOBODY = Speaker(anybody=False)


@get("/images", include_in_schema=False, sync_to_thread=True, reads=(*images.ASKED, "cursor"))
def show_grid(request: AnyRequest, home: Home, disputed: Annotated[bool, QueryParameter()] = False) -> Response[str]:
    """The catalog's images, filtered by what the address says; ``disputed`` is read as the document reads it."""
    query = {**dict(request.query_params.items()), "disputed": "true" if disputed else ""}
    return html(request, "pages/images.html", **images.grid(home, query))


@get("/images/{identity:str}", include_in_schema=False, sync_to_thread=True)
def show_image(request: AnyRequest, home: Home, identity: ImagePath) -> Response[str]:
    """One image; of one whose bytes have yet to come, how far that is."""
    try:
        sha256 = find_image(home, identity)
    except NotFound:
        if (waiting := waiting_image(home, identity)) is None:
            raise
        return html(request, "pages/image_waiting.html", image=waiting)
    found = signed_in(request)
    who = speaker(found.caller) if found is not None else NOBODY
    return html(request, "pages/image.html", **images.image(home, thumbnails_of(request), sha256, who))


def thumbnails_of(request: AnyRequest) -> Thumbnails:
    """The maker and cache of thumbnails of the home that is served."""
    found: Thumbnails = request.app.state.thumbnails
    return found


@get("/images/{identity:str}/thumbnail", include_in_schema=False, sync_to_thread=True)
def show_thumbnail(request: AnyRequest, identity: ImagePath, size: Side = "320") -> Response[bytes]:
    """A small picture as WebP, or a drawing that says why there is none: of what was withdrawn with 410, and as a
    problem (``HttpProblem``) for who asks for no picture."""
    try:
        sha256, data = thumbnails_of(request).get(identity, int(size))
    except Withdrawn as error:
        if "image/" in request.headers.get("accept", ""):
            drawn = placeholder("withdrawn")
            return Response(drawn, status_code=410, media_type="image/svg+xml", headers={"Cache-Control": "no-cache"})
        raise HttpProblem(410, f"{error}: no picture of it is given out") from error
    except NoPicture as error:
        return Response(placeholder(error.code), media_type="image/svg+xml", headers={"Cache-Control": "no-cache"})
    etag = f'W/"{sha256}-{size}"'  # another version of Pillow would make other bytes of the same picture
    headers = {"ETag": etag, "Cache-Control": KEPT, "Cross-Origin-Resource-Policy": "same-origin"}
    if request.headers.get("if-none-match", "").strip() == etag:
        return Response(b"", status_code=304, headers=headers, media_type="image/webp")
    return Response(data, media_type="image/webp", headers=headers)


def _here(home: Home, identity: str) -> str:
    """The sha256 of an image of the catalog."""
    with home.catalog.read() as db:
        found = queries.get_image(db, identity)
    if found is None:
        raise NotFound(f"{identity[:100]} is not an image of this catalog", hint="see /images.")
    return str(found["sha256"])


@post("/images/{identity:str}/label", status_code=303, include_in_schema=False, sync_to_thread=True)
def add_label(request: AnyRequest, home: Home, identity: ImagePath) -> Response[None]:
    """Correct a contributor's label, or give one in another name; the old one stays in the history."""
    who = speaker(writer(request, "images:write"))
    form = check_form(request)
    sha256 = _here(home, identity)
    contributor = images.contributor_named(home, home.key.did, sha256, form, who)
    done = relabel(home, sha256, form.get("label", ""), contributor, speaker=who)
    said, values = images.relabeled(home, home.key.did, Words(language(request)), done, contributor)
    return redirect(request, f"/images/{sha256}", said, **values)


@get("/images/{identity:str}/withdraw", include_in_schema=False, sync_to_thread=True)
def ask_withdrawal(request: AnyRequest, home: Home, identity: ImagePath) -> Response[str]:
    """What taking it back touches, before it is confirmed."""
    check_asks_image(home, speaker(writer(request, "withdrawals:write")), _here(home, identity))
    return _withdrawal(request, home, identity, None)


def _withdrawal(request: AnyRequest, home: Home, identity: str, wrong: str | None) -> Response[str]:
    sha256, form = _here(home, identity), {"reason": "", "remedy": REMEDIES[0]}
    with home.catalog.read() as db:
        image = queries.get_image(db, sha256)
        touched = lineage.touched(db, sha256)
    if wrong is not None:
        form |= check_form(request)
    fields = {"image": image, "touched": touched[:TOUCHED], "more": max(0, len(touched) - TOUCHED), "form": form}
    status = 422 if wrong else 200
    return html(request, "pages/withdraw_image.html", status=status, wrong=wrong, remedies=REMEDIES, **fields)


@post("/images/{identity:str}/withdraw", status_code=303, include_in_schema=False, sync_to_thread=True)
def withdraw_image(request: AnyRequest, home: Home, identity: ImagePath) -> Response[None] | Response[str]:
    """Take it back."""
    who = speaker(writer(request, "withdrawals:write"))
    form, sha256 = check_form(request), _here(home, identity)
    check_asks_image(home, who, sha256)
    remedy = form.get("remedy", REMEDIES[0])
    if remedy not in REMEDIES:
        raise HttpProblem(400, "the remedy is one of notice, remove_bytes and retrain")
    try:
        cleaning.clean("reason", form.get("reason", ""))
    except InvalidInput as error:
        return _withdrawal(request, home, identity, str(error))
    withdraw(home, sha256, form["reason"], remedy=remedy)  # type: ignore[arg-type]
    return redirect(request, f"/images/{sha256}", "images_page.withdrawn_now")


HANDLERS = (show_grid, show_image, show_thumbnail, add_label, ask_withdrawal, withdraw_image)
