"""A published model on a picture of one's own: computed once, shown once, kept nowhere.

Invariants: the picture lies in a file of its own for as long as the computation takes, whatever becomes of it; nothing
is written into the catalog or the store; the answer is never cached.
"""

from __future__ import annotations

import base64
import shutil
import tempfile
from pathlib import Path
from typing import Any

from litestar import Response, post
from litestar.datastructures import UploadFile

from registry.api.common import Home, Published
from registry.api.pages.base.common import check_form, form_files, html, language, writer
from registry.api.pages.base.session import AnyRequest
from registry.api.pages.releases import release_of, view_of
from registry.api.serving.computing import computation_slot
from registry.api.v1.wire import MIB, CidPath
from registry.core.errors import EmotionetError, InvalidInput
from registry.core.ipld.cid import CID
from registry.imaging.decode import MAX_BYTES
from registry.web.base.words import Words
from registry.web.pages.releases.tools import tools
from registry.workflows.methods import is_named
from registry.workflows.parts import Parts
from registry.workflows.releases.predict import predict
from registry.workflows.releases.predicted_picture import draw_all


@post(
    "/releases/{cid:str}/predict",
    status_code=200,
    include_in_schema=False,
    request_max_body_size=MAX_BYTES + MIB,
    sync_to_thread=True,
)
def predict_one(request: AnyRequest, home: Home, published: Published, cid: CidPath) -> Response[str]:
    """Run a release's final weights on a picture that is sent along."""
    writer(request, "runs:write")
    check_form(request)
    files = form_files(request)
    if not files:
        raise InvalidInput("no picture was chosen", code="no_file", hint="choose one and send the form again.")
    release = release_of(home, published, cid)
    view = view_of(home, release)
    with computation_slot():
        found, picture = _predicted(home, release, files[0][1])
    return html(
        request,
        "pages/release_predict.html",
        release=str(release),
        view=view,
        name=view.recipe.name,
        can_predict=is_named(view.plan.method.id),
        found=found,
        picture=picture,
        **tools(Words(language(request))),
    )


def _predicted(parts: Parts, release: CID, file: UploadFile) -> tuple[dict[str, Any], str | None]:
    """The document of ``predict``, and the picture with its boxes as a data URI; the file is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="emotionet-predict-") as folder:
        path = Path(folder) / "picture"
        with path.open("wb") as out:
            file.file.seek(0)
            shutil.copyfileobj(file.file, out)
        (found,) = predict(parts, release, [path])
        if found["error"] is not None:
            said = found["error"]["detail"].replace(str(path), "the picture")
            return {**found, "error": {**found["error"], "detail": said}}, None
        return found, _drawn(found, Path(folder) / "drawn")


def _drawn(found: dict[str, Any], folder: Path) -> str | None:
    """The picture with its boxes as a data URI; None of one that the method reads and we can't draw on."""
    try:
        (drawn,) = draw_all([found], folder)
    except EmotionetError:
        return None
    return "data:image/png;base64," + base64.b64encode(drawn.read_bytes()).decode()


HANDLERS = (predict_one,)
