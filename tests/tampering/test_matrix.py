"""A sample of the tampering matrix, and honest files that raise no alarm.

The sample is of what an outsider changes, and of what the holder of the key changes of that which follows from other
records. ``make tampering`` tries all, the issuer's own statements too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.children import rerun_in_this_process
from tests.tampering.matrix import chosen, false_alarms, try_all
from tests.tampering.releases import KINDS
from tests.tampering.remembered import remembering
from tests.tampering.sealed import Sealed
from tests.tampering.variants import HOLDER, OUTSIDER, Variant

CLASSES, SEED = 1000, 3
SAMPLE = {"plain": 150, "rich": 100}
FOLLOWS = ("evaluation", "evaluation.predictions", "evaluation.curves", "draw", "draw.folds", "snapshot.items")


def sampled(one: Variant) -> bool:
    return (one.by == OUTSIDER and one.what != "evidence") or (one.by == HOLDER and one.what in FOLLOWS)


@pytest.fixture(scope="module", params=SAMPLE)
def sealed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    with KINDS[request.param](tmp_path_factory.mktemp("tampering")) as made, remembering() as patch:
        rerun_in_this_process(patch)
        yield made


def test_honest_files_raise_no_alarm(sealed: Sealed) -> None:
    assert false_alarms(sealed) == []


def test_what_was_tampered_with_is_found(sealed: Sealed, tmp_path: Path) -> None:
    count = SAMPLE[sealed.name]
    outcome = try_all(sealed, filter(sampled, chosen(sealed, CLASSES, SEED)), tmp_path, most=count)
    print(outcome)
    assert outcome.missed == []
    assert outcome.tried == count
