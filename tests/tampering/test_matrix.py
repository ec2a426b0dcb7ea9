"""A sample of the tampering matrix, and honest files that raise no alarm.

The sample has one variant of each of some classes (what, field, how, by whom), of which there are about 7,000 a kind of
release. ``make tampering`` tries more.
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

CLASSES, SEED = 1000, 3
SAMPLE = {"plain": 150, "rich": 80, "stamped": 80, "kept": 80}


@pytest.fixture(scope="module", params=SAMPLE)
def sealed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    with KINDS[request.param](tmp_path_factory.mktemp("tampering")) as made, remembering() as patch:
        rerun_in_this_process(patch)
        yield made


def test_honest_files_raise_no_alarm(sealed: Sealed) -> None:
    assert false_alarms(sealed) == []


def test_what_was_tampered_with_is_found(sealed: Sealed, tmp_path: Path) -> None:
    count = SAMPLE[sealed.name]
    outcome = try_all(sealed, chosen(sealed, CLASSES, SEED), tmp_path, most=count)
    print(outcome)
    assert outcome.missed == []
    assert outcome.tried == count
