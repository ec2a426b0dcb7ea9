"""What is asked of the API as its description says, or as it forbids, is answered as it says: schemathesis, on both
databases, with a token and without.

Few examples of each address here; `make schemathesis` asks more. What is asked is drawn from the description itself, so
that new addresses are asked by themselves.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

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
BEYOND = {  # why a request that fits its schema may be refused: what no schema can say
    "asked_twice": "one of two fields, not both",
    "bad_bitmap": "a text that is no base64",
    "bad_classes": "a text that is no file of classes",
    "bad_labels": "a text that is no CSV",
    "bad_text": "a text with a control character, or of blanks alone (by Unicode's categories, which patterns lack)",
    "bad_note": "a text that is no signed note (which a witness answers with 400)",
    "bad_proof": "a text that is no proof with a checkpoint",
    "bad_query": "signals and texts have their own grammar",
    "car_truncated": "bytes that are no CAR",
    "malformed_car": "bytes that are no CAR",
    "empty": "a filter, or terms, that no image here meets",
    "idempotency_key_reused": "a key that an earlier request had",
    "invalid_cid": "a text that is no CID, name or beginning of one",
    "no_images_named": "a list of images of which none is here",
    "not_acceptable": "a gateway that gives only what can be verified must be asked for it (Accept, or format)",
    "may_not_withdraw": "an image of somebody else",
    "not_a_claim": "a text that is no claim",
    "unknown_recipe": "a recipe of no method",
    "usage": "two parameters that belong together",
}
ROW_BY_ROW = "POST /api/v1/images"  # answers 200 and says of each row that is wrong what is wrong: the rest counts
REFUSED = (400, 406, 415, 422)
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


def _begun(app: Any) -> Any:
    """The application, which its client begins and ends: two lifespans of one wait for each other for ever."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise RuntimeError("begun by somebody else")
        await app(scope, receive, send)

    return answer


def _ask(operation: Any, mode: GenerationMode, headers: dict[str, str]) -> None:
    @_SETTINGS
    @given(case=operation.as_strategy(mode))
    def ask(case: Any) -> None:
        if mode is GenerationMode.POSITIVE and case.query:
            case.query.pop("cursor", None)  # which only an answer gives
        answer = case.call(headers=headers)
        case.validate_response(answer, headers=headers, excluded_checks=_unfit(operation.label, answer))

    with contextlib.suppress(Unsatisfiable) if mode is GenerationMode.NEGATIVE else contextlib.nullcontext():
        ask()  # where any text is a parameter's, none is wrong


def _unfit(label: str, answer: Any) -> list[Any]:
    """The checks whose own idea of a status is narrower than HTTP's, or than what a schema can say."""
    if answer.status_code == 413 or (
        answer.status_code == 200 and label == ROW_BY_ROW
    ):  # a body that violates its schema by its length
        return [negative_data_rejection]
    if answer.status_code not in REFUSED:
        return []
    head = answer.request.method == "HEAD"  # which has no document
    return [positive_data_acceptance] if head or answer.json()["code"] in BEYOND else []


def _modes(operation: Any) -> list[GenerationMode]:
    """What takes nothing can't be asked wrongly."""
    takes = operation.body or list(operation.iter_parameters())
    return list(GenerationMode) if takes else [GenerationMode.POSITIVE]


# what the asking library leaves open
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("signed_in", [False, True])
def test_what_is_answered_was_described(asked: Described, signed_in: bool) -> None:
    schema = schemathesis.openapi.from_asgi("/schema", _begun(asked.app))
    headers = {"Authorization": asked.headers["x-writer"]} if signed_in else {}
    tried, failed = 0, []
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]  # its Result is one of two classes
        tried += 1
        for mode in _modes(operation):
            try:
                _ask(operation, mode, headers)
            except BaseExceptionGroup as group:  # of one address: the others are asked all the same
                failed.append(f"{operation.label}: {group}")
    assert not failed, "\n\n".join(failed)
    assert tried > 30
