"""Addresses of withdrawals: of an image, a snapshot, a release, or of what a contributor said."""

from __future__ import annotations

from typing import Any

from litestar import Request, post
from litestar.params import JSONBody

from registry.api.answers.images import Withdrawn
from registry.api.auth import needs, sends_json, speaker
from registry.api.common import Document, Home, Published, problems, record
from registry.api.v1.wire import AnyWithdrawal, ImagePath, NewWithdrawal
from registry.catalog.tokens import Caller
from registry.core.errors import NotFound, UsageError
from registry.core.issuers import read_issuer
from registry.workflows.images import show_image as showing
from registry.workflows.names.find_image import find_image
from registry.workflows.withdrawals.who_asks import check_asks_image, check_asks_record, check_asks_rows
from registry.workflows.withdrawals.withdraw import withdraw, withdraw_rows


@post(
    "/images/{identity:str}/withdrawal",
    status_code=201,
    guards=[needs("withdrawals:write"), sends_json],
    responses=problems(404, 415, 422, scoped=True),
    sync_to_thread=True,
    answer=Withdrawn,
)
def withdraw_image(
    request: Request[Caller, str, Any], home: Home, identity: ImagePath, data: JSONBody[NewWithdrawal]
) -> Document:
    """Withdraw an image: it is no longer served and enters no new snapshot. The answer lists all that it touches:
    snapshots, releases, runs, and files that left this registry, each with its remedy. With `remove_bytes` the bytes
    are gone from this registry when the answer comes. A token that is bound to a contributor withdraws an image of
    which nobody else said anything.
    """
    image = showing.image_or_waiting(home, identity)
    check_asks_image(home, speaker(request.user), image)
    return _withdraw(home, image, data)


@post(
    "/withdrawals",
    status_code=201,
    guards=[needs("withdrawals:write"), sends_json],
    responses=problems(404, 415, 422, scoped=True),
    sync_to_thread=True,
    answer=Withdrawn,
)
def withdraw_anything(
    request: Request[Caller, str, Any], home: Home, published: Published, data: JSONBody[AnyWithdrawal]
) -> Document:
    """Withdraw an image, a snapshot or a release (`target`), or what a contributor said. The answer lists all that it
    touches. A token that is bound to a contributor withdraws what that contributor said, and nothing else."""
    who = speaker(request.user)
    if data.contributor is not None:
        check_asks_rows(who, data.contributor, data.issuer and read_issuer(data.issuer), home.key.did)
        image = None if data.target is None else find_image(home, data.target)
        whose = {"image": image, "issuer": data.issuer and read_issuer(data.issuer)}
        how = {"remedy": data.remedy, "retrain": data.retrain, "dry_run": data.dry_run}
        return withdraw_rows(home, data.contributor, data.reason, **whose, **how)  # type: ignore[arg-type]
    if data.issuer is not None:  # half of a row would take the whole image back
        raise UsageError("an issuer alone says nothing of whose rows these are", hint="give `contributor`, too.")
    if data.target is None:
        raise UsageError("name a target or a contributor", hint="give `target`, `contributor` or both.")
    try:
        target = showing.image_or_waiting(home, data.target)
    except NotFound:
        target = str(record(home, published, data.target))
        check_asks_record(who)
    else:
        check_asks_image(home, who, target)
    return _withdraw(home, target, data)


def _withdraw(home: Home, target: str, data: NewWithdrawal) -> Document:
    return withdraw(home, target, data.reason, remedy=data.remedy, retrain=data.retrain, dry_run=data.dry_run)


HANDLERS = (withdraw_anything, withdraw_image)
