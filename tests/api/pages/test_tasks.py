"""Work that a page does not wait for."""

from __future__ import annotations

import threading

import pytest

from registry.api.pages.base import tasks as module
from registry.api.pages.base.tasks import Tasks
from registry.api.problems import HttpProblem


def test_one_key_is_under_way_once() -> None:
    tasks, go = Tasks(), threading.Event()
    first = tasks.begin(lambda: go.wait(20), key="a")
    assert tasks.begin(lambda: "never", key="a") is first
    assert not first.ended_within(0.01)
    go.set()
    assert first.ended_within(20)
    assert first.result() is True
    again = tasks.begin(lambda: "again", key="a")
    assert again.ended_within(20)
    assert again.result() == "again"


def test_a_task_that_fails_keeps_its_error() -> None:
    tasks = Tasks()
    task = tasks.begin(lambda: 1 // 0, about={"a": "b"})
    assert task.ended_within(20)
    assert isinstance(task.error(), ZeroDivisionError)
    assert tasks.get(task.key) is task
    assert task.about == {"a": "b"}
    with pytest.raises(ZeroDivisionError):
        task.result()


def test_how_much_waits_and_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING", 3)
    monkeypatch.setattr(module, "REMEMBERED", 2)
    tasks, go = Tasks(), threading.Event()
    waiting = [tasks.begin(lambda: go.wait(20)) for _ in range(3)]
    with pytest.raises(HttpProblem) as caught:
        tasks.begin(lambda: None)
    assert caught.value.status_code == 503
    go.set()
    assert all(one.ended_within(20) for one in waiting)
    newest = tasks.begin(lambda: None, key="newest")
    assert newest.ended_within(20)
    assert tasks.get(waiting[0].key) is None
    assert tasks.get("newest") is newest


def test_a_process_does_not_wait_for_its_tasks() -> None:
    tasks, go = Tasks(), threading.Event()
    tasks.begin(lambda: go.wait(20), key="long")
    (thread,) = (one for one in threading.enumerate() if one.name == "task long")
    assert thread.daemon
    go.set()
