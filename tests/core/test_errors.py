"""What the system refuses, and what is not installed, ends in a sentence with a way out."""

from __future__ import annotations

import errno

import pytest

from registry.core import extras
from registry.core.errors import InvalidInput, NewerVersion, Unavailable, not_done, not_read, not_written, with_hint
from registry.core.recipe_versions import newest, read_values
from registry.core.unusable import refuse_unusable


def refused(number: int, path: str | None = None) -> OSError:
    return OSError(number, "said the system", path)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (not_written("x", refused(errno.ENOSPC)), "disk_full", "make room"),
        (not_written("x", refused(errno.EACCES)), "not_written", "give this user access"),
        (not_written("x", refused(errno.ENOENT)), "not_written", "make its folder first"),
        (not_read("x", refused(errno.ENOENT)), "not_read", "check the path"),
        (not_read("x", refused(errno.EISDIR)), "not_read", "name a file"),
        (not_done(refused(errno.ENOSPC, "full/disk")), "disk_full", "make room"),
        (not_done(refused(errno.EACCES, "a/file")), "not_done", "give this user access"),
    ],
)
def test_what_the_system_refuses_has_a_code_and_a_way_out(error: Unavailable, code: str, said: str) -> None:
    assert (error.code, said in (error.hint or ""), "said the system" in str(error)) == (code, True, True)


def test_a_file_is_named_where_the_system_names_one() -> None:
    assert "a/file" in str(not_done(refused(errno.EACCES, "a/file")))
    assert "full/disk" in str(not_done(refused(errno.ENOSPC, "full/disk")))
    assert str(not_done(OSError("without a number"))).endswith(": without a number")
    assert not_done(refused(errno.EIO)).hint == not_done(OSError("odd")).hint  # of neither is a way out known


def test_a_sentence_and_its_way_out_are_one_text() -> None:
    assert with_hint(InvalidInput("this is none", hint="write another.")) == "this is none: write another"
    assert with_hint(Unavailable("not now", hint="")) == "not now"


def test_what_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extras.EXTRAS, "postgres", ("json", "no_such_library"))
    with pytest.raises(Unavailable, match="a database needs no_such_library") as caught:
        extras.need("postgres", "a database")
    assert "json" not in str(caught.value)
    assert "emotionet[postgres]" in (caught.value.hint or "")
    monkeypatch.setitem(extras.EXTRAS, "postgres", ("json",))
    extras.need("postgres", "a database")


@pytest.mark.parametrize("error", [ValueError(), TypeError(), KeyError(), AttributeError(), ZeroDivisionError()])
def test_a_strangers_value_that_can_not_be_used_is_their_records_fault(error: Exception) -> None:
    with pytest.raises(InvalidInput) as caught, refuse_unusable():
        raise error
    assert caught.value.code == "bad_evaluation"


def test_an_old_recipe_has_the_values_that_its_version_meant() -> None:
    lacked = ({"training": {"warm": 0}}, {"state": "none", "training": {"again": 1}})
    old = {"training": {"epochs": 2}}
    assert newest(lacked) == 3
    assert read_values("m", 1, old, lacked) == {"training": {"epochs": 2, "warm": 0, "again": 1}, "state": "none"}
    assert read_values("m", 2, old, lacked) == {"training": {"epochs": 2, "again": 1}, "state": "none"}
    assert read_values("m", 3, old, lacked) == old == {"training": {"epochs": 2}}
    with pytest.raises(NewerVersion):
        read_values("m", 4, old, lacked)
    for version, values in ((0, old), (2, {"state": "kept"}), (1, {"training": {"warm": 3}})):
        with pytest.raises(InvalidInput) as caught:
            read_values("m", version, values, lacked)
        assert caught.value.code == "bad_recipe"
