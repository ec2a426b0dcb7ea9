"""Level 4's checks of data: items follow from contributions, and the preprocessing's rows follow from items.

No record shows that an image's bytes were missing, or why the query was chosen: for these the reasons name the issuer
as the only source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from registry.core.errors import NotFound
from registry.core.ipld.cid import CID
from registry.core.labeling.boxes import boxes_within, full_frame
from registry.core.records import Contribution, Snapshot, parse_as
from registry.core.snapshots.classes import classes_of
from registry.core.snapshots.query import IMAGES, SNAPSHOT, chosen_images
from registry.core.snapshots.snapshot import resolve_rows, row_identity, rows_of_contribution, select, split
from registry.core.table import tables
from registry.core.text.cleaning import counted
from registry.provenance.checks.results import Check, Failed, NotChecked, equal, run
from registry.provenance.checks.target.subject import Subject
from registry.provenance.checks.target.withdrawals import Withdrawals

Row = Mapping[str, Any]


def checks(subject: Subject) -> Iterator[Check]:
    """All checks of this module."""
    yield run("4.items", partial(items, subject))
    yield run("4.prepared", partial(prepared, subject))


def items(subject: Subject) -> str:
    """4.items: the snapshot's rule, run again over the contributions it names, gives the same two tables; no correction
    is undone, and what is left out as withdrawn was taken back by who may."""
    if not subject.is_release and not subject.is_snapshot:
        raise NotChecked("only a release or a snapshot has items")
    snapshot = subject.snapshot
    if snapshot.use is None and snapshot.v > 1:
        raise Failed("the snapshot does not say what was asked of images' rights, as its version must")
    rows = list(_rows(subject, snapshot.contributions))
    stated = list(tables.iterate(snapshot.items, subject.get))
    excluded = list(tables.iterate(snapshot.excluded, subject.get))
    taken_back = {row[0] for row in excluded if row[1] == "withdrawn"}
    missing = {row[0] for row in excluded if row[1] == "no_bytes"}
    newest = resolve_rows(rows)
    counted_rows = _that_count(subject, newest, taken_back, stated, excluded)
    wanted, aside = split(counted_rows, snapshot.query, chosen_images(snapshot.query, subject.get))
    found, left_out = select(
        wanted,
        classes_of(snapshot.classes, snapshot.aliases),
        snapshot.rule,
        taken_back,
        missing,
        trusted=snapshot.trusted,
        use=snapshot.use,
        aside=aside,
    )
    both = {row[0] for row in stated} & {row[0] for row in excluded}
    if both:
        raise Failed(f"image {min(both).hex()} is both an item and excluded")
    _same_rows("items", stated, found)
    _same_rows("excluded", excluded, left_out)
    equal("count", snapshot.count, len(stated))
    _no_correction_undone(rows, newest)
    _taken_back(subject, rows, taken_back)
    return "; ".join([_said(snapshot, len(stated), len(excluded), len(missing)), *_chosen(subject)])


def _that_count(
    subject: Subject, newest: list[Row], whole: set[bytes], stated: list[Any], excluded: list[Any]
) -> list[Row]:
    """The newest rows without those that were taken back. When a snapshot was taken, later withdrawals were not known:
    of an image's withdrawn rows the first by time are left out, as many as its stated row shows; of an image that was
    taken back ``whole`` none."""
    withdrawals = Withdrawals(subject)
    if not withdrawals.any_of_rows:
        return newest
    gone = {row_identity(row): one for row in newest if (one := withdrawals.of_row(*row_identity(row))) is not None}
    by_image: dict[bytes, list[Row]] = {}
    for row in newest:
        by_image.setdefault(row["sha256"], []).append(row)
    said: dict[bytes, Any] = {row[0]: list(row) for row in [*stated, *excluded]}
    kept: list[Row] = []
    for sha256, group in by_image.items():
        order = sorted(
            (row for row in group if row_identity(row) in gone), key=lambda row: gone[row_identity(row)].issued_at
        )
        if sha256 in whole or not order:
            kept += group
            continue
        choices = [[row for row in group if row not in order[:count]] for count in range(len(order) + 1)]
        kept += next((one for one in choices if _decides(subject, one) == said.get(sha256)), choices[-1])
    return kept


def _decides(subject: Subject, rows: list[Row]) -> list[Any] | None:
    """The row of one image in either table, by the snapshot's rule; None where it has none."""
    snapshot = subject.snapshot
    wanted, aside = split(rows, snapshot.query, chosen_images(snapshot.query, subject.get))
    classes = classes_of(snapshot.classes, snapshot.aliases)
    found, left_out = select(wanted, classes, snapshot.rule, trusted=snapshot.trusted, use=snapshot.use, aside=aside)
    return next(iter([*found, *left_out]), None)


def _said(snapshot: Snapshot, items: int, excluded: int, missing: int) -> str:
    said = f"{counted(items, 'item')}, {excluded} excluded"
    if snapshot.use is not None and snapshot.use.override is not None:
        said += "; images that say no of their use are in, for the reason that the snapshot states"
    return f"{said}; only the issuer states that the bytes of {missing} were missing" if missing else said


def _chosen(subject: Subject) -> Iterator[str]:
    """Whose images a query lists; ``Failed`` where the snapshot that it names is at hand and has others."""
    query = subject.snapshot.query
    if IMAGES not in query:
        return
    if SNAPSHOT not in query:
        yield "the issuer chose the images by name"
        return
    cid = CID.parse(query[SNAPSHOT])
    try:
        source = parse_as(Snapshot, subject.get(cid))
        listed = frozenset(row[0] for row in tables.iterate(source.items, subject.get))
    except NotFound:
        yield f"only the issuer states that the images are those of the snapshot {cid}, which is not at hand"
        return
    if listed != chosen_images(query, subject.get):
        raise Failed(f"the images that the query lists are not those of the snapshot {cid}, which it names")
    yield f"chosen among the images of the snapshot {cid}"


def _rows(subject: Subject, contributions: Sequence[Any]) -> Iterator[Row]:
    """Every row, and the contribution that it stands in."""
    for place, cid in enumerate(contributions):
        contribution = parse_as(Contribution, subject.get(cid))
        for row in rows_of_contribution(contribution, subject.get, place):
            yield {**row, "contribution": bytes(cid)}


def _same_rows(what: str, stated: list[Any], found: list[list[Any]]) -> None:
    one, other = [list(row) for row in stated], sorted(found, key=lambda row: row[0])
    for left, right in zip(one, other, strict=False):
        if left != right:
            raise Failed(f"{what}: image {left[0].hex()} does not follow from the contributions")
    if len(one) != len(other):
        raise Failed(f"{what}: {len(one)} are stated, {len(other)} follow from the contributions")


def _no_correction_undone(rows: Sequence[Row], newest: Sequence[Row]) -> None:
    """Contributions count in the order in which the snapshot names them: a row that another one says to replace must
    not come last."""
    replaced = {(row_identity(row), row["replaces"]) for row in rows if row["replaces"] is not None}
    for row in newest:
        if (row_identity(row), row["contribution"]) in replaced:
            raise Failed(f"the snapshot uses a label of image {row['sha256'].hex()} that a later row corrects")


def _taken_back(subject: Subject, rows: Sequence[Row], images: set[bytes]) -> None:
    """Each was withdrawn by a signed entry of who may: otherwise hard images could be left out so."""
    if not images:
        return
    names: dict[bytes, tuple[set[bytes], set[str]]] = {}
    for row in rows:
        if row["sha256"] in images:
            found = names.setdefault(row["sha256"], (set(), set()))
            found[0].add(row["cid"])
            found[1].add(row["contributor"])
    withdrawals = Withdrawals(subject)
    for sha256 in sorted(images):
        cids, contributors = names.get(sha256, (set(), set()))
        if withdrawals.of_image(sha256, cids, contributors) is None:
            raise Failed(f"image {sha256.hex()} is excluded as withdrawn, but nobody who may withdraw it has done so")


def prepared(subject: Subject) -> str:
    """4.prepared: by the plan's recipe, one row an item; a group is named by its smallest member; one person, and equal
    pixels, are in one group; boxes are those of the items."""
    if not subject.is_release:
        raise NotChecked("only a release has prepared images")
    release = subject.release
    equal("recipe of the preprocessing", str(release.preprocessing.recipe), str(release.plan.recipe))
    rows: list[Any] = list(subject.rows(release.preprocessing.output))
    listed: dict[Any, Any] = {row["sha256"]: row for row in subject.rows(release.snapshot.items)}
    equal("images", sorted(row["sha256"].hex() for row in rows), sorted(key.hex() for key in listed))
    members: dict[Any, list[Any]] = {}
    together: dict[Any, set[Any]] = {}
    for row in rows:
        members.setdefault(row["group"], []).append(row["sha256"])
        person = listed[row["sha256"]]["subject"]
        if person is not None:
            together.setdefault(("one person is", person), set()).add(row["group"])
        if row["reason"] is None:
            together.setdefault(("images with equal pixels are", row["pixels"]), set()).add(row["group"])
            _check_boxes(row, listed[row["sha256"]])
    if any(min(found) != name for name, found in members.items()):
        raise Failed("a group is not named by its smallest member")
    for (what, _), found in together.items():
        if len(found) > 1:
            raise Failed(f"{what} in two groups")
    return f"{counted(len(members), 'group')} of persons and near-duplicates"


def _check_boxes(row: Row, item: Row) -> None:
    """What a kept image's boxes must be, as far as its source says; where a detector put one only pixels can tell."""
    wide, high, source = row["width"], row["height"], row["box_source"]
    given = [list(box) for box in item["boxes"]]
    within = [list(box) for box in boxes_within(given, wide, high)]
    name = row["sha256"].hex()
    if item["label"] is None:
        holds = source == "nothing" and not row["boxes"]
    elif source == "supplied":
        holds = bool(given) and row["boxes"] in (within, given)
    elif source == "full_frame":
        holds = not within and row["boxes"] == [list(full_frame(wide, high))]
    else:
        holds = source == "detector" and not within and len(row["boxes"]) == 1
    if not holds:
        raise Failed(f"the boxes of image {name}, with the source {str(source)[:20]!r}, do not follow from its item")
