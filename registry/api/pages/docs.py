"""The API's page: what /schema says, for people, without any script or file from elsewhere."""

from __future__ import annotations

from litestar import Response, get

from registry.api.common import Home
from registry.api.openapi import whole
from registry.api.pages.base.common import html
from registry.api.pages.base.session import AnyRequest
from registry.api.problems import MEDIA_TYPE
from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.signed_records import releases, snapshots
from registry.catalog.queries.training_runs import runs
from registry.web.pages.docs import Examples, grouped, scopes_table
from registry.workflows.parts import Parts


def _examples(parts: Parts) -> Examples:
    """Things of this registry: the newest, and its first image."""
    with parts.catalog.read() as db:
        image, _ = images.list_images(db, limit=1)
        taken, _ = snapshots.list_snapshots(db, limit=1)
        made, _ = runs.list_runs(db, limit=1)
        published, _ = releases.list_releases(db, limit=1)
    known = {
        **({"image": image[0]["sha256"], "image_cid": image[0]["cid"]} if image else {}),
        **({"snapshot": taken[0]["cid"]} if taken else {}),
        **({"run": made[0]["run"]} if made else {}),
        **({"release": published[0]["cid"]} if published else {}),
    }
    return Examples(**known)


@get("/api", include_in_schema=False, sync_to_thread=True)
def show_docs(request: AnyRequest, home: Home) -> Response[str]:
    """Every operation, with examples that run."""
    schema, base = whole(request.app), str(request.base_url).rstrip("/")
    groups = grouped(schema, base, _examples(home))
    fields = {"groups": groups, "scopes": scopes_table(groups), "base": base, "version": schema["info"]["version"]}
    return html(request, "pages/docs.html", **fields, problem_type=MEDIA_TYPE)


HANDLERS = (show_docs,)
