"""Heavy work in processes of their own: the same answers and errors, asked once, and a process that dies costs one."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from registry.api.serving import heavy
from registry.api.serving.computing import NICE, Computing
from registry.assembly import Home
from registry.core.errors import EmotionetError, InvalidInput, NewerVersion, NotFound, Unavailable
from registry.core.ipld.cid import CID
from registry.provenance.checks.target.deep import USUALLY
from tests.support.forgery import Released, simulated_release

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with simulated_release(tmp_path_factory.mktemp("computing")) as released:
        yield released


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Computing]:
    found = Computing()
    found.use_processes()
    with pytest.MonkeyPatch.context() as patch:
        # the processes are given functions of this file, and an install has no tests
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
        yield found
    found.close()


def priority(_home: Home) -> int:
    return os.nice(0)


def die(_home: Home) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(_home: Home) -> None:
    raise NewerVersion("plan", 9)


def break_down(_home: Home) -> None:
    raise ZeroDivisionError("a defect")


def test_an_answer_is_the_same_wherever_it_is_computed(made: Released, elsewhere: Computing) -> None:
    release = _release(made)
    here = Computing()
    asked = (release, None, None, USUALLY)
    found = elsewhere.run(made.home, heavy.audit, *asked)
    assert found == here.run(made.home, heavy.audit, *asked)
    assert found["holds"]
    given = (CID.parse(release), "en", ("macro_f1 >= 0.5",))
    assert elsewhere.run(made.home, heavy.report, *given) == here.run(made.home, heavy.report, *given)
    judged = (CID.parse(release), ("macro_f1 >= 0.5",))
    assert elsewhere.run(made.home, heavy.claims, *judged) == here.run(made.home, heavy.claims, *judged)
    assert elsewhere.run(made.home, priority) >= NICE


def _release(made: Released) -> str:
    with made.home.catalog.read() as db:
        return str(db.exec_driver_sql("SELECT cid FROM releases").scalar())


def test_an_error_of_the_work_is_raised_as_it_is(made: Released, elsewhere: Computing) -> None:
    with pytest.raises(NewerVersion) as newer:
        elsewhere.run(made.home, refuse)
    assert (newer.value.version, newer.value.code, newer.value.hint) == (9, "newer_version", NewerVersion("", 9).hint)
    assert str(newer.value) == str(NewerVersion("plan", 9))
    with pytest.raises(InvalidInput) as bad:
        elsewhere.run(made.home, heavy.claims, CID.parse(_release(made)), ("nonsense",))
    assert bad.value.code == "bad_claim"
    with pytest.raises(RuntimeError, match="ZeroDivisionError: a defect"):
        elsewhere.run(made.home, break_down)


def test_a_process_that_dies_costs_its_own_answer_alone(made: Released, elsewhere: Computing) -> None:
    with pytest.raises(Unavailable) as raised:
        elsewhere.run(made.home, die)
    assert raised.value.code == "computation_ended"
    assert elsewhere.run(made.home, priority) >= NICE


def test_every_error_of_ours_passes_between_processes() -> None:
    for error in (NotFound("not here", code="gone", hint="look."), NewerVersion("plan", 9)):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), again.code, again.hint) == (type(error), str(error), error.code, error.hint)


def waiting_at(found: Computing, key: tuple[str, ...]) -> int:
    condition: Any = getattr(found._under_way.get(key), "_condition", None)
    return len(condition._waiters) if condition else 0


def test_the_same_question_is_answered_once_while_it_is_answered_and_anew_after_that() -> None:
    found, gate, asked = Computing(), threading.Event(), list[int]()

    def answer() -> int:
        asked.append(1)
        gate.wait(30)
        return len(asked)

    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(found.once, ("q", "mark"), answer) for _ in range(8)]
        until = time.monotonic() + 30
        while time.monotonic() < until and waiting_at(found, ("q", "mark")) < 7:
            time.sleep(0.005)
        assert found.once(("q", "something new was said"), lambda: "another") == "another"
        gate.set()
        assert {one.result(30) for one in waiting} == {1}
    assert found.once(("q", "mark"), answer) == 2  # nothing is kept


def test_an_error_is_told_and_not_kept() -> None:
    found = Computing()

    def fail() -> int:
        raise NotFound("not here")

    with pytest.raises(EmotionetError, match="not here"):
        found.once(("q",), fail)
    assert found.once(("q",), lambda: 7) == 7
