"""What is private is to strangers as what is not here, at every address that takes a CID."""

from __future__ import annotations

from pathlib import Path

from litestar.testing import TestClient

from registry.api.app import create_app
from registry.core.ipld.cid import CID
from tests.support.forgery import simulated_release

TAKES = ("cid", "identity", "digest", "image", "release", "snapshot", "audit", "other", "plan")
FORMS = ({"Accept": "application/json"}, {"Accept": "text/html"}, {"Accept": "application/vnd.ipld.raw"})


def test_a_private_folder_is_to_strangers_as_what_is_not_here(tmp_path: Path) -> None:
    with simulated_release(tmp_path) as made:
        app = create_app(made.home)
        with made.home.catalog.read() as db:
            root = str(db.exec_driver_sql("SELECT root FROM sources WHERE private").scalar())
        private = CID.parse(root)
        absent = CID.v1(private.codec, bytes(32))
        different, asked = list[tuple[str, object, object]](), 0
        with TestClient(app, raise_server_exceptions=False) as client:
            for route in app.routes:
                path = str(getattr(route, "path_format", ""))
                names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
                if "GET" not in getattr(route, "methods", ()) or not names or names[0] not in TAKES:
                    continue
                for form in FORMS:
                    said = []
                    for cid in (private, absent):
                        filled = path.replace("{form}", "csv")
                        address = "/".join(str(cid) if part.startswith("{") else part for part in filled.split("/"))
                        answer = client.get(address, headers={**form, "X-Request-ID": "one"}, follow_redirects=False)
                        body = answer.text.replace(str(cid), "CID").replace(cid.digest.hex(), "DIGEST")
                        said.append((answer.status_code, body))
                    asked += 1
                    if said[0] != said[1]:
                        different.append((path, said[0], said[1]))
        assert asked > 30
        assert different == []
