"""The journal: the contract, many processes, crashes, and a file that was damaged."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.core.errors import InvalidInput, Unavailable, Untrusted
from registry.core.ports.anchor import Anchors
from registry.provenance.anchors.journal import Journal
from tests.provenance.anchor_contract import AnchorContract, Reopen, digest
from tests.support.processes.together import START

ME, YOU = "0x" + "ab" * 20, "0x" + "cd" * 20
NOON = "2026-11-23T12:00:00Z"


class TestJournal(AnchorContract):
    """The contract that every place to anchor keeps."""

    FINAL = KIND = "journal"
    CHAIN = "journal"
    ON_CHAIN = False

    @pytest.fixture
    def anchors(self, tmp_path: Path) -> Anchors:
        return Journal(tmp_path / "new" / "journal.jsonl", ME)

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Reopen:
        return lambda: Journal(tmp_path / "new" / "journal.jsonl", ME)

    @pytest.fixture
    def other(self, tmp_path: Path) -> Anchors:
        return Journal(tmp_path / "new" / "journal.jsonl", YOU)

    @pytest.fixture
    def unreachable(self, tmp_path: Path) -> Anchors:
        return Journal(tmp_path, ME)  # a folder lies where the file should


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def journal(path: Path, at: str = NOON, publisher: str = ME) -> Journal:
    return Journal(path, publisher, lambda: at)


def test_the_time_is_the_one_it_was_given_first(path: Path) -> None:
    assert journal(path).submit(digest("a")).time == NOON
    assert journal(path, "2026-11-23T13:00:00Z").submit(digest("a")).time == NOON
    assert journal(path, "2026-11-23T13:00:00Z").submit(digest("b")).time == "2026-11-23T13:00:00Z"


def test_a_clock_that_tells_no_time_writes_nothing(path: Path) -> None:
    with pytest.raises(InvalidInput):
        journal(path, "noon").submit(digest("a"))
    assert journal(path).status(digest("a")).status == "none"


def test_addresses_are_the_same_in_any_case(path: Path) -> None:
    journal(path, publisher=ME.upper().replace("X", "x")).submit(digest("a"))
    assert journal(path, publisher=YOU).status(digest("a"), ME.upper().replace("X", "x")).status == "journal"


def test_the_file_is_one_json_object_a_line(path: Path) -> None:
    for text in "abc":
        journal(path).submit(digest(text))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["digest"] for line in lines] == [digest(text).hex() for text in "abc"]
    assert {(line["publisher"], line["time"]) for line in lines} == {(ME, NOON)}
    assert path.stat().st_mode & 0o077 == 0


def test_asking_makes_no_file(path: Path) -> None:
    assert journal(path).status(digest("a")).status == "none"
    assert not path.exists()


def test_waiting_ends_when_another_process_submits(path: Path) -> None:
    later = threading.Timer(0.2, lambda: journal(path).submit(digest("a")))
    later.start()
    assert journal(path).wait(digest("a"), 10).status == "journal"
    later.join()


@pytest.mark.parametrize("place", ["file/journal", "folder"])
def test_a_place_that_can_not_be_written_is_unavailable(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    for ask in (journal(tmp_path / place).submit, journal(tmp_path / place).status):
        with pytest.raises(Unavailable):
            ask(digest("a"))


# --- crashes and damage -----------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [1, 20, -1])
def test_a_torn_last_line_is_cut_off_and_reported(path: Path, keep: int, caplog: pytest.LogCaptureFixture) -> None:
    for text in "ab":
        journal(path).submit(digest(text))
    whole = path.read_bytes()
    end = whole.index(b"\n") + 1
    path.write_bytes(whole[:end] + whole[end:][:keep])
    reader = journal(path)
    assert reader.status(digest("a")).status == "journal"
    assert reader.status(digest("b")).status == "none"
    with caplog.at_level(logging.WARNING):
        assert reader.submit(digest("b")).status == "journal"
    assert "crash" in caplog.text
    assert path.read_bytes() == whole
    assert journal(path).status(digest("b")).status == "journal"


def test_a_reader_that_is_ahead_of_a_replaced_file_reads_it_anew(path: Path) -> None:
    reader = journal(path)
    for text in "ab":
        reader.submit(digest(text))
    path.unlink()
    assert reader.status(digest("a")).status == "none"
    journal(path).submit(digest("c"))
    assert reader.status(digest("c")).status == "journal"
    assert reader.status(digest("a")).status == "none"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_changed_in_a_complete_line_is_untrusted(path: Path, data: st.DataObject) -> None:
    path.unlink(missing_ok=True)
    for text in "abc":
        journal(path).submit(digest(text))
    whole = bytearray(path.read_bytes())
    end = whole[:-1].rindex(b"\n")  # the last line may be torn; all before it may not
    whole[data.draw(st.integers(0, end))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    for ask in (journal(path).status, journal(path).submit):
        with pytest.raises(Untrusted) as caught:
            ask(digest("a"))
        assert caught.value.code == "journal_damaged"


@pytest.mark.parametrize("gone", [0, 1])
def test_a_line_that_was_taken_out_is_untrusted(path: Path, gone: int) -> None:
    for text in "abc":
        journal(path).submit(digest(text))
    lines = path.read_bytes().splitlines(keepends=True)
    del lines[gone]
    path.write_bytes(b"".join(lines))
    with pytest.raises(Untrusted):
        journal(path).status(digest("c"))


def _submit_all(path: Path, publisher: str, texts: list[str]) -> None:
    own = journal(path, publisher=publisher)
    for text in texts:
        own.submit(digest(text))


def test_two_processes_at_once_write_each_digest_once(path: Path) -> None:
    shared = [str(number) for number in range(40)]
    writers = [START.Process(target=_submit_all, args=(path, ME, order)) for order in (shared, shared[::-1])]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert len(path.read_text().splitlines()) == 40
    assert all(journal(path).status(digest(text)).status == "journal" for text in shared)


def test_many_threads_share_one_journal(path: Path) -> None:
    own = journal(path)
    threads = [
        threading.Thread(target=lambda n=n: [own.submit(digest(str(n % 5))) for _ in range(5)]) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(path.read_text().splitlines()) == 5


WRITER = """
import sys
from pathlib import Path
from registry.provenance.anchors.journal import Journal
from tests.provenance.anchor_contract import digest
own = Journal(Path(sys.argv[1]), sys.argv[2])
for number in range(100000):
    own.submit(digest(str(number)))
    print(number, flush=True)
"""


def test_what_was_answered_survives_kill_9(path: Path) -> None:
    root = Path(__file__).parents[2]
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), ME], cwd=root, stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        assert writer.stdout.readline()
        time.sleep(0.05)
        os.kill(writer.pid, signal.SIGKILL)
        answered = int((writer.stdout.read().splitlines() or ["0"])[-1])
        writer.stdout.close()
        writer.wait()
        reader = journal(path)
        assert {reader.status(digest(str(number))).status for number in range(answered + 1)} == {"journal"}
    assert journal(path).submit(digest("after")).status == "journal"
