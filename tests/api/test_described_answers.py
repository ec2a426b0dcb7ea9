"""What is asked of the API as its description says is answered as it says: schemathesis, on both databases.

Few examples of each address here; `make schemathesis` asks more. What is asked is drawn from the description itself, so
that new addresses are asked by themselves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from registry.api.app import create_app
from registry.api.v1.wire import CAR_TYPE
from registry.assembly import open_home
from registry.core.ipld import car
from registry.core.ipld.cid import RAW, cid_of
from registry.settings import read_settings
from tests.api.conftest import fill, make_token
from tests.catalog.databases import KINDS, fresh_url
from tests.support.described import Described

EXAMPLES = int(os.environ.get("EMOTIONET_EXAMPLES") or 1)
UNFIT = [positive_data_acceptance]  # a drawn cursor, claim or CID is well formed by its schema, and none of ours
_SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def _car(data: bytes) -> bytes:
    """A CAR with one block, which the API takes."""
    cid = cid_of(data, RAW)
    return b"".join(car.pieces([cid], [(cid, data)]))


CARS = st.one_of(st.binary(max_size=64), st.binary(max_size=64).map(_car))
schemathesis.openapi.media_type(CAR_TYPE, CARS)


@pytest.fixture(params=KINDS)
def asked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Described]:
    """The API of a home with a few images."""
    with fresh_url(request.param, tmp_path, request) as url:
        given = {"EMOTIONET_HOME": str(tmp_path / "home"), "EMOTIONET_DATABASE_URL": url}
        home = open_home(read_settings(given))
        with Described(create_app(home), raise_server_exceptions=False) as client:
            client.headers["x-writer"] = make_token(home)["Authorization"]
            fill(client, make_token(home), 3)
            yield client
        home.close()


def _ask(operation: Any, headers: dict[str, str]) -> None:
    @_SETTINGS
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(headers=headers, excluded_checks=UNFIT)

    ask()


# what the asking library leaves open
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("signed_in", [False, True])
def test_what_is_answered_was_described(asked: Described, signed_in: bool) -> None:
    schema = schemathesis.openapi.from_asgi("/schema", asked.app)
    headers = {"Authorization": asked.headers["x-writer"]} if signed_in else {}
    tried = 0
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]  # its Result is one of two classes
        tried += 1

        _ask(operation, headers)
    assert tried > 30
