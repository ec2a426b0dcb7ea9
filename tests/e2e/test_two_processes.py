"""Two processes on one database, and one that is killed: a row is registered once, an answer is given once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.api.bulk import register as bulk
from registry.assembly import Home, open_home
from registry.catalog import log_heads, turns
from registry.catalog.database.asking import asked
from registry.catalog.idempotency import Keyed
from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.labeled_images.history import image_history
from registry.catalog.schema import derived
from registry.core.ipld.cid import CID
from registry.settings import read_settings
from registry.workflows.images.registering import register_images, row_groups
from registry.workflows.log import append
from tests.api.conftest import Client, Headers, make_token, picture, send
from tests.catalog.databases import KINDS, fresh_url
from tests.support.logs import log_of
from tests.support.processes.together import SECONDS, START, alone

ROUNDS = 3
Environment = dict[str, str]


@pytest.fixture(params=KINDS)
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Environment]:
    """A home with one image on an empty database."""
    with fresh_url(request.param, tmp_path, request) as url:
        yield {"EMOTIONET_HOME": str(tmp_path / "home"), "EMOTIONET_DATABASE_URL": url}


def opened(environment: Environment) -> Home:
    return open_home(read_settings(environment))


def prepared(environment: Environment) -> tuple[Headers, CID]:
    """A token, and an image that is held and not registered yet."""
    home = opened(environment)
    with TestClient(create_app(home)) as client:
        writer = make_token(home)
        (image,) = send(client, writer, [picture(0)])
    home.close()
    return writer, image


def post(client: Client, headers: Headers, image: CID, label: str, key: str | None) -> Any:
    rows = [{"cid": str(image), "label": label, "contributor": "anna"}]
    more = {"Idempotency-Key": key} if key else {}
    return client.post("/api/v1/images?rows=all", json=rows, headers={**headers, **more}).json()


def rounds(
    environment: Environment, headers: Headers, image: str, keyed: bool, barrier: Barrier, answers: Queue[Any]
) -> None:
    """One of the processes: asks at the same moment as the other, again and again."""
    home = opened(environment)
    with TestClient(create_app(home)) as client:
        for number in range(ROUNDS):
            barrier.wait(SECONDS)
            key = f"round {number}" if keyed else None
            answers.put((number, post(client, headers, CID.parse(image), f"label {number}", key)))
    home.close()


def history(environments: list[Environment], image: CID) -> list[dict[str, Any]]:
    """What was said of an image; the log has no gap, and every entry lies in one of the homes' stores."""
    homes = [opened(one) for one in environments]
    home = homes[0]
    try:
        with home.catalog.read() as db:
            found = images.get_image(db, str(image))
            assert found is not None
            log = log_of(db, home.key.did)
            assert [row["seq"] for row in log] == list(range(len(log)))
            assert all(any(one.store.has(CID.parse(row["cid"])) for one in homes) for row in log)
            return image_history(db, bytes.fromhex(found["sha256"]))
    finally:
        for one in homes:
            one.close()


@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize("homes", [1, 2])
def test_one_row_asked_for_at_once_is_registered_once(
    environment: Environment, homes: int, keyed: bool, tmp_path: Path
) -> None:
    """Of one home, or of two homes with the same key, as replicas of a service are."""
    headers, image = prepared(environment)
    both = [environment, environment]
    if homes == 2:
        shutil.copytree(tmp_path / "home", tmp_path / "replica")
        both[1] = {**environment, "EMOTIONET_HOME": str(tmp_path / "replica")}
    barrier, answers = START.Barrier(2), START.Queue()
    processes = [START.Process(target=rounds, args=(one, headers, str(image), keyed, barrier, answers)) for one in both]
    for process in processes:
        process.start()
    got = [answers.get(timeout=SECONDS) for _ in range(2 * ROUNDS)]
    for process in processes:
        process.join(SECONDS)
    assert [process.exitcode for process in processes] == [0, 0]
    for number in range(ROUNDS):
        one, other = (answer for which, answer in got if which == number)
        new = "registered" if number == 0 else "corrected"
        statuses = sorted(answer["results"][0]["status"] for answer in (one, other))
        assert statuses == ([new, new] if keyed else sorted([new, "unchanged"]))
        assert not keyed or one == other
    assert [row["label"] for row in history(both, image)] == [f"label {number}" for number in range(ROUNDS)]


def rows_wait(home: Home) -> bool:
    """Whether another transaction waits for one that is open."""
    if home.catalog.folder is not None:
        return asked(home.catalog.folder)
    with home.catalog.read() as db:
        mine = "datname = current_database() AND wait_event_type = 'Lock'"
        waits = f"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE {mine})"
        return bool(db.scalar(sa.text(waits)))


def test_one_row_is_registered_between_two_steps_of_many(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (row_groups, register_images, bulk):
        monkeypatch.setattr(module, "STEP", 5)
    monkeypatch.setattr(row_groups, "LEAST", 5)
    monkeypatch.setattr(row_groups, "HOLD", 0.0)
    monkeypatch.setattr(turns, "QUIET", 1.0)
    monkeypatch.setattr(turns, "LONGEST", float(SECONDS))
    headers, image = prepared(environment)
    home, add = opened(environment), Keyed.add
    small: list[Future[Any]] = []

    with TestClient(create_app(home)) as client, ThreadPoolExecutor(1) as beside:
        many = send(client, headers, [picture(number) for number in range(1, 26)])

        def first_step(self: Keyed, db: Any, contribution: CID) -> None:
            add(self, db, contribution)
            if not small:
                small.append(beside.submit(post, client, headers, image, "one", None))
                until = time.monotonic() + SECONDS
                while not rows_wait(home) and time.monotonic() < until:
                    time.sleep(0.01)

        monkeypatch.setattr(Keyed, "add", first_step)
        rows = [{"cid": str(cid), "label": "many", "contributor": "anna"} for cid in many]
        done = client.post("/api/v1/images", json=rows, headers={**headers, "Idempotency-Key": "many"}).json()
        assert done["registered"] == 25
        assert small[0].result(SECONDS)["registered"] == 1
    with home.catalog.read() as db:
        counts = db.scalars(sa.select(derived.contributions.c.count).order_by(derived.contributions.c.ordinal)).all()
    home.close()
    assert counts == [5, 1, 5, 5, 5, 5]


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def then_die(work: Callable[..., Any]) -> Callable[..., Any]:
    def worked(*given: Any) -> None:
        work(*given)
        die()

    return worked


# Where the process is killed: before the work, within the transaction, after it, after the store has the entry.
MOMENTS: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "key kept, nothing done": (Keyed, "counts", lambda _: die),
    "answer written, not committed": (Keyed, "finish", then_die),
    "committed, the store knows nothing": (append, "_put_pending", lambda _: die),
    "in the store, still pending": (log_heads, "drop_pending", lambda _: die),
    "all but the answer on the wire": (append, "_put_pending", then_die),
}


def killed(environment: Environment, headers: Headers, image: str, moment: str) -> None:
    module, name, change = MOMENTS[moment]
    home = opened(environment)
    setattr(module, name, change(getattr(module, name)))
    with TestClient(create_app(home)) as client:
        post(client, headers, CID.parse(image), "feliz", "once")


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_retry_after_a_kill_gets_the_answer(environment: Environment, moment: str) -> None:
    headers, image = prepared(environment)
    assert alone(killed, environment, headers, str(image), moment) == -signal.SIGKILL
    home = opened(environment)
    committed = not moment.startswith(("answer written", "key kept"))
    with TestClient(create_app(home)) as client:
        assert post(client, headers, image, "triste", None)["results"][0]["status"] == (
            "corrected" if committed else "registered"
        )
        again = post(client, headers, image, "feliz", "once")
        assert again["results"][0]["status"] == ("registered" if committed else "corrected")
        assert post(client, headers, image, "feliz", "once") == again
    home.close()
    labels = [row["label"] for row in history([environment], image)]
    assert labels == (["feliz", "triste"] if committed else ["triste", "feliz"]), json.dumps(labels)


def small_steps(change: Callable[[Any, str, Any], None]) -> None:
    """Two rows a step, on however fast a machine."""
    for module in (row_groups, register_images, bulk):
        change(module, "STEP", 2)
    change(row_groups, "LEAST", 2)
    change(row_groups, "HOLD", 0.0)


def killed_between_steps(environment: Environment, headers: Headers, rows: list[dict[str, str]]) -> None:
    home = opened(environment)
    small_steps(setattr)
    setattr(row_groups.Pace, "took", die)  # noqa: B010  # the first step is there, the second has not begun
    with TestClient(create_app(home)) as client:
        client.post("/api/v1/images", json=rows, headers={**headers, "Idempotency-Key": "once"})


def test_a_retry_after_a_kill_between_two_steps_goes_on(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, _ = prepared(environment)
    home = opened(environment)
    small_steps(monkeypatch.setattr)
    with TestClient(create_app(home)) as client:
        cids = sorted(send(client, headers, [picture(number) for number in range(5)]), key=lambda cid: cid.digest)
        rows = [{"cid": str(cid), "label": "feliz", "contributor": "anna"} for cid in cids]
        process = START.Process(target=killed_between_steps, args=(environment, headers, rows))
        process.start()
        process.join(SECONDS)
        assert process.exitcode == -signal.SIGKILL
        keyed = {**headers, "Idempotency-Key": "once"}
        assert client.post("/api/v1/images", json=rows[:4], headers=keyed).status_code == 422  # another body
        beside = [post(client, headers, cid, "triste", None)["corrected"] for cid in cids[1:3]]
        assert beside == [1, 0]  # the first two were registered, the third is new by this
        again = client.post("/api/v1/images", json=rows, headers=keyed)
        assert (again.json()["registered"], again.json()["corrected"]) == (4, 1)
        assert client.post("/api/v1/images", json=rows, headers=keyed).content == again.content
    home.close()
    labels = [[row["label"] for row in history([environment], cid)] for cid in cids]
    assert labels == [["feliz"], ["feliz", "triste"], ["triste", "feliz"], ["feliz"], ["feliz"]]
