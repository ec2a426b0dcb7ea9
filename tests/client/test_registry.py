"""The client's methods against a real server: each of them once."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.assembly import Home
from registry.client import Journal, Registry, file_item, labeled
from registry.core.errors import Conflict, InvalidInput, NotFound
from tests.api.conftest import LABELS, picture, served
from tests.support.forgery import simulated_release


def test_from_files_to_a_run_and_back(server: str, token: str, home: Home, tmp_path: Path) -> None:
    paths = []
    for number in range(8):
        paths.append(tmp_path / f"{number}.jpg")
        paths[-1].write_bytes(picture(number))
    said: list[tuple[str, int, int]] = []

    def progress(what: str, done: int, total: int, note: str = "") -> None:
        said.append((what, done, total))

    with Registry(server, token) as registry:
        items = [file_item(path, LABELS[number % 4], contributor="anna") for number, path in enumerate(paths)]
        sent = registry.register(items, progress=progress)
        assert (sent.registered, sent.images, sent.rejected) == (8, 8, {})
        assert said[-1] == ("rows sent", 8, 0)
        again = registry.register([item.row for item in items])
        assert (again.unchanged, again.images) == (8, 0)
        image = registry.image(items[0].row.cid)
        assert (image.status, image.label, image.contributors) == ("stored", "triste", ["anna"])
        assert registry.fetch(items[0].row.cid) == picture(0)
        assert sum(1 for _ in registry.images(label="triste")) == 2
        registry.relabel(items[0].row.cid, "feliz", contributor="bert")
        first = registry.create_snapshot(name="faces")
        assert (first.count, registry.snapshot("faces").snapshot) == (7, first.snapshot)
        assert sum(1 for _ in registry.snapshot_items(first.snapshot)) == first.count
        assert registry.fetch_block(first.snapshot)
        assert registry.withdraw(items[1].row.cid, "mine").withdrawal
        second = registry.create_snapshot()
        assert [one["change"] for one in registry.snapshot_difference(first.snapshot, second.snapshot)] == ["removed"]
        run = registry.start_run(second.snapshot, recipe="simulated", method="simulated")
        assert registry.cancel_run(run.run).status == "cancelled"
        assert registry.wait_for_run(run.run).run == next(iter(registry.runs())).run
        with pytest.raises(Conflict) as caught:
            registry.publish_release(run.run)
        assert caught.value.code
        assert list(registry.releases()) == []


def test_a_release_is_read_and_audited(tmp_path: Path) -> None:
    with simulated_release(tmp_path) as (home, entry, view), served(home) as address, Registry(address) as registry:
        release = registry.release("latest")
        assert (release.entry, release.snapshot) == (str(entry), str(view.preprocessing.snapshot))
        assert registry.release(release.release).claims[0]["verdict"]
        assert [one["cid"] for one in registry.releases()] == [release.release]
        report = registry.audit(release.release, level=2)
        assert (report.holds, report.issuer) == (True, release.issuer)
        run = next(iter(registry.runs()))
        assert (registry.wait_for_run(run.run).status, run.release) == ("completed", release.release)
        with pytest.raises(NotFound):
            registry.audit("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku")


def test_a_table_of_cids_is_registered_once_across_two_scripts(server: str, token: str, tmp_path: Path) -> None:
    path = tmp_path / "1.jpg"
    path.write_bytes(picture(1))
    table, journal = tmp_path / "cids.csv", tmp_path / "journal.jsonl"
    with Registry(server, token) as registry:
        item = file_item(path, "feliz")
        registry.register([item])
        table.write_text(f"cid,label,contributor\n{item.row.cid},triste,bert\n")
        kept = Journal(journal, "table")
        assert registry.register_table(table, kept).registered == 1
        kept.close()
        kept = Journal(journal, "table")
        assert registry.register_table(table, kept).registered == 1  # as the journal knows it: nothing was asked
        kept.close()
        assert registry.register_table(table).unchanged == 1
        table.write_text("file,label\n1.jpg,feliz\n")
        with pytest.raises(InvalidInput, match="not a CID"):
            registry.register_table(table)
        with pytest.raises(InvalidInput):
            labeled("nonsense", "feliz")
