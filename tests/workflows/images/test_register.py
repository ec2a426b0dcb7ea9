"""Registering: what is new, what is unchanged, what is refused; and that nobody's name is in a record."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from registry.assembly import Home
from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.labeled_images.history import image_history
from registry.core import records
from registry.core.errors import NotFound, UsageError
from registry.core.ipld.cid import CID
from registry.core.table import tables
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.images.registering.relabel import relabel
from registry.workflows.log import append as appending
from registry.workflows.log.append import append
from registry.workflows.store.find_records import look_up
from registry.workflows.store.read_content import show
from tests.support.logs import log_of
from tests.support.pictures import jpeg
from tests.workflows.conftest import Folder


def test_a_folder_is_registered_once(opened: Home, labeled: Folder) -> None:
    folder = labeled()
    first = import_source(opened, str(folder))
    assert (first["rows"], first["registered"], first["unchanged"], first["images"]) == (24, 24, 0, 24)
    assert first["rejected"] == []
    again = import_source(opened, str(folder))
    assert again["root"] == first["root"]
    assert (again["registered"], again["unchanged"], again["contribution"]) == (0, 24, None)


def test_a_dry_run_keeps_nothing(opened: Home, labeled: Folder) -> None:
    import_source(opened, str(labeled()), dry_run=True)
    assert list(opened.store.cids()) == []
    assert not opened.settings.home.exists() or not list(opened.settings.home.glob("catalog*"))


def test_another_label_is_a_correction_and_the_old_one_stays(opened: Home, labeled: Folder) -> None:
    folder = labeled()
    first = import_source(opened, str(folder))
    text = (folder / "labels.csv").read_text().replace("face_000.jpg,triste", "face_000.jpg,feliz")
    (folder / "labels.csv").write_text(text)
    done = import_source(opened, str(folder))
    assert (done["registered"], done["corrected"], done["unchanged"]) == (0, 1, 23)
    contribution = records.parse_as(records.Contribution, opened.store.get(CID.parse(done["contribution"])))
    (row,) = tables.rows_as_dicts(contribution.rows, opened.store.get)
    assert row["label"] == "feliz"
    assert str(CID.decode(row["replaces"])) == first["contribution"]
    with opened.catalog.read() as db:
        assert [old["label"] for old in image_history(db, row["sha256"])] == ["triste", "feliz"]


def test_bad_rows_are_named_and_void_nothing(opened: Home, labeled: Folder) -> None:
    rows = (
        "missing.jpg,feliz,anna,\n"
        "../../outside.jpg,feliz,anna,\n"
        "face_001.jpg,,anna,\n"
        ",feliz,anna,\n"
        "face_002.jpg,triste,anna,\n"  # feliz above: both are refused
    )
    folder = str(labeled(rows=rows))
    dry = import_source(opened, folder, dry_run=True)
    done = import_source(opened, folder)
    assert (dry["rejected"], dry["registered"]) == (done["rejected"], done["registered"])
    codes = sorted(bad["code"] for bad in done["rejected"])
    assert codes == [
        "contradicting_labels",
        "contradicting_labels",
        "empty_label",
        "missing_file",
        "no_file_or_cid",
        "path_outside",
    ]
    assert done["rows"] == 29
    assert done["registered"] == 23
    assert all(bad["row"] and bad["reason"] for bad in done["rejected"])


def test_a_dry_run_refuses_what_only_the_end_of_registering_refuses(opened: Home, tmp_path: Path) -> None:
    header = "file,label,contributor,subject,signature,attr.age,source.age\n"
    wrong = f"0x{'11' * 64}1b"
    did = "did:pkh:eip155:1:0xab5801a7d398351b8be11c439e05c5b3259aec9b"
    rows = ["a.jpg,feliz,ana,,,,self\n", f"b.jpg,feliz,{did},,{wrong},,\n", f"c.jpg,feliz,{did},Ana,{wrong},,\n"]
    rows += ["d.jpg,feliz,ana,,,30,self\n", "d.jpg,feliz,ana,,,31,self\n", "e.jpg,feliz,ana,Ana,,30,self\n"]
    rows += ["f.jpg,feliz,ana,,,30,guessed\n"]
    rows += [f"g.jpg,feliz,ana,,,{n % 7},\n" for n in range(1001)]
    for name in "abcdefg":
        (tmp_path / f"{name}.jpg").write_bytes(jpeg(ord(name)))
    (tmp_path / "labels.csv").write_text(header + "".join(rows), encoding="utf-8")
    dry, done = import_source(opened, str(tmp_path), dry_run=True), import_source(opened, str(tmp_path))
    assert (dry["rejected"], dry["registered"]) == (done["rejected"], 1)
    assert [bad["code"] for bad in done["rejected"]] == [
        *("source_of_nothing", "bad_row_signature", "subject_not_pseudonym", "contradicting_rows"),
        *("contradicting_rows", "unknown_source", *["too_many_rows_of_one_image"] * 1001),
    ]


def test_equal_bytes_under_two_names_with_two_labels_contradict(opened: Home, labeled: Folder) -> None:
    folder = labeled(4)
    (folder / "copy.jpg").write_bytes((folder / "images" / "face_000.jpg").read_bytes())
    with (folder / "labels.csv").open("a") as handle:
        handle.write("copy.jpg,feliz,anna,\n")
    done = import_source(opened, str(folder))
    assert [bad["code"] for bad in done["rejected"]] == ["contradicting_labels"] * 2
    assert done["registered"] == 3


def test_nobodys_name_is_in_any_block_but_the_source(opened: Home, labeled: Folder) -> None:
    done = import_source(opened, str(labeled()))
    contribution = records.parse_as(records.Contribution, opened.store.get(CID.parse(done["contribution"])))
    subjects = {row["subject"] for row in tables.rows_as_dicts(contribution.rows, opened.store.get)}
    assert len(subjects) == 12
    for cid in opened.store.cids():
        block = opened.store.get(cid)
        if block.startswith(b"file,label") or b"labels.csv" in block or b"face_0" in block:
            continue  # the private source's own blocks
        assert b"Person" not in block


def test_a_source_that_is_nothing_is_wrong_usage(opened: Home, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder, a file or a CID"):
        import_source(opened, str(tmp_path / "nowhere"))
    with pytest.raises(NotFound, match="not held here"):
        import_source(opened, "bafybeiekcfudfqjznylycq344k3hu7e4lniwary6ywaudlb2nccw2m3oqq")


def test_relabel_needs_an_image_and_keeps_history(opened: Home, labeled: Folder) -> None:
    import_source(opened, str(labeled(4)))
    with opened.catalog.read() as db:
        (page, _) = images.list_images(db, limit=1)
    done = relabel(opened, page[0]["sha256"], " happy ", "ben")
    assert (done["label"], done["registered"]) == ("happy", 1)
    assert relabel(opened, page[0]["cid"], "happy", "ben")["unchanged"] == 1
    with pytest.raises(NotFound):
        relabel(opened, "00" * 32, "happy")


def test_an_equal_record_is_appended_once(opened: Home) -> None:
    first = append(
        opened,
        opened.key,
        records.Withdrawal(target=b"x" * 32, reason="test", remedy="notice", effective="2026-01-01T00:00:00Z"),
    )
    again = append(
        opened,
        opened.key,
        records.Withdrawal(target=b"x" * 32, reason="test", remedy="notice", effective="2026-01-01T00:00:00Z"),
    )
    assert (first.entry, first.new, again.new) == (again.entry, True, False)
    with opened.catalog.read() as db:
        log = log_of(db, opened.key.did)
    assert [row["seq"] for row in log] == [0, 1]
    assert log[0]["record_type"] == "issuer"


def test_an_entry_that_was_pending_at_a_crash_is_finished_first(opened: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    one = records.Withdrawal(target=b"x" * 32, reason="one", remedy="notice", effective="2026-01-01T00:00:00Z")
    two = records.Withdrawal(target=b"x" * 32, reason="two", remedy="notice", effective="2026-01-01T00:00:00Z")
    append(opened, opened.key, msgspec.structs.replace(one, reason="zero"))

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(appending, "_put_pending", crash)
        with pytest.raises(KeyboardInterrupt):
            append(opened, opened.key, one)
    assert append(opened, opened.key, two).new
    first = append(opened, opened.key, one)
    assert not first.new
    assert opened.store.has(first.entry)
    with opened.catalog.read() as db:
        assert [row["seq"] for row in log_of(db, opened.key.did)] == [0, 1, 2, 3]


def test_a_name_is_shown_and_found_by_what_it_names(opened: Home) -> None:
    target = append(opened, opened.key, records.Issuer(chains=(("eip155:1", "0x" + "0" * 40),))).record
    said = append(opened, opened.key, records.Name(name="faces", target=bytes(target)))
    told = append(opened, opened.key, records.Profile(name="us", url="https://example.org", contact=None))
    assert show(opened, said.record)["name"] == "faces"
    assert show(opened, told.record)["url"] == "https://example.org"
    found = [(one["record"], one["type"], one["relation"]) for one in look_up(opened, str(target))]
    assert (str(said.record), "name", "names") in found
