"""Address of a release's exports that other programs check.

Invariant: what is served follows from the records alone; nothing is signed for whoever asks.
"""

from __future__ import annotations

from litestar import Response, get

from registry.api.answers.parts import Bytes
from registry.api.common import Home, Published, problems, record
from registry.api.serving.computing import computation_slot
from registry.api.v1.wire import CidPath, ClaimNumber, ReleaseFormat
from registry.exports.attest.forms import claim_manifest, document
from registry.exports.attest.names import PRML
from registry.workflows.releases.export_release import source_of

CYCLONEDX_TYPE, YAML_TYPE = "application/vnd.cyclonedx+json", "application/yaml"


@get(
    "/releases/{cid:str}/export",
    responses=problems(404, 410, 422),
    media_type=CYCLONEDX_TYPE,
    sync_to_thread=True,
    answer=Bytes((CYCLONEDX_TYPE, YAML_TYPE), cached=False),
)
def export_one(
    home: Home, published: Published, cid: CidPath, fmt: ReleaseFormat = "cyclonedx", claim: ClaimNumber = 1
) -> Response[bytes]:
    """A release as CycloneDX, or one of its claims as a PRML manifest (docs/exports.md). Formats that its issuer signs
    are made by the command alone."""
    release = record(home, published, cid, "release")
    with computation_slot():
        source = source_of(home, release)
        data = claim_manifest(source, claim) if fmt == PRML else document(fmt, source)
    name, kind = ("claim.prml.yaml", YAML_TYPE) if fmt == PRML else ("release.cdx.json", CYCLONEDX_TYPE)
    return Response(data, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


HANDLERS = (export_one,)
