"""Predictions that nobody made, with figures, verdicts, claims and card that follow: level 7 alone can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import structs

from registry.core import records
from registry.core.ipld.cid import CID, RAW, cid_of
from registry.core.run_view import release_view
from registry.core.snapshots.image_rights import image_rights
from registry.core.table import tables
from registry.evaluation.correction import release_claims
from registry.evaluation.result import to_record
from registry.exports.card.card import model_card
from registry.provenance.checks.level6.card import _base
from registry.provenance.release_view import evaluate_draw, final_threshold
from registry.workflows.methods import installed
from tests.tampering.forger import Forger
from tests.tampering.sealed import File, subject_of

Rows = list[list[Any]]
COLUMNS = records.PREDICTIONS.columns


class Invented:
    """Of one release."""

    def __init__(self, forger: Forger) -> None:
        self._forger = forger
        found = [(cid, one) for cid, one in forger.values.items() if isinstance(one, dict)]
        self._release = next(cid for cid, one in found if one.get("type") == "release")
        self._view = release_view(self._get, records.parse_as(records.Release, self._get(self._release)))

    def _get(self, cid: CID) -> bytes:
        return self._forger.blocks[cid]

    def __iter__(self) -> Iterator[tuple[str, Callable[[], File]]]:
        rows = [list(row) for row in tables.iterate(self._view.evaluation.predictions, self._get)]
        for name, change in CHANGES.items():
            yield name, self._made([change(row) for row in rows])
            for number in range(len(rows)):
                one = [change(row) if at == number else row for at, row in enumerate(rows)]
                yield f"{name}, of one image", self._made(one)

    def _made(self, rows: Rows) -> Callable[[], File]:
        def make() -> File:
            return self._forged(rows)

        return make

    def _forged(self, rows: Rows) -> File:
        fresh: dict[CID, bytes] = {}
        view, release = self._view, self._view.release

        def get(cid: CID) -> bytes:
            return fresh[cid] if cid in fresh else self._get(cid)

        def put(record: records.Record) -> CID:
            fresh[records.cid(record)] = records.encode(record)
            return records.cid(record)

        table = tables.build(records.PREDICTIONS, rows, fresh.__setitem__)
        trainings = view.evaluation.trainings
        result = evaluate_draw(get, release.draw, table, trainings)
        curves = tables.build(records.CURVES, result.curves, fresh.__setitem__)
        judged = to_record(release.draw, table, trainings, curves, result)
        assert release.attempts is not None
        claims = release_claims(view.plan, judged, release.attempts.count)
        made = structs.replace(release, evaluation=put(judged), claims=claims)
        card = self._card(made, get)
        fresh[cid_of(card, RAW)] = card
        value = records.to_value(structs.replace(made, card=cid_of(card, RAW)))
        return self._forger.forge({self._release: value}, fresh, signer=self._forger.sealed.key)

    def _card(self, made: records.Release, get: Callable[[CID], bytes]) -> bytes:
        view = release_view(get, made)
        usage = installed(view.plan.method.id).usage(view.recipe.values, final_threshold(view))
        base = _base(subject_of(self._forger.sealed.file)[1])
        return model_card(view, image_rights(view.snapshot, get), base, usage).encode()


def _detected(row: list[Any], detections: list[Any]) -> list[Any]:
    at = COLUMNS.index("detections")
    return [*row[:at], detections, *row[at + 1 :]]


def _certain(row: list[Any]) -> list[Any]:
    """The truth, found with certainty."""
    truth, boxes = row[COLUMNS.index("truth")], row[COLUMNS.index("boxes")] or [[0, 0, 1000, 1000]]
    return _detected(row, [] if truth is None else [[truth, 999_999, *boxes[0]]])


def _nothing(row: list[Any]) -> list[Any]:
    return _detected(row, [])


def _surer(row: list[Any]) -> list[Any]:
    found = row[COLUMNS.index("detections")]
    return _detected(row, [[one[0], min(1_000_000, one[1] + 1), *one[2:]] for one in found])


def _moved(row: list[Any]) -> list[Any]:
    found = row[COLUMNS.index("detections")]
    return _detected(row, [[*one[:2], one[2] + 1, *one[3:]] for one in found])


CHANGES: dict[str, Callable[[list[Any]], list[Any]]] = {
    "the truth each time": _certain,
    "nothing seen": _nothing,
    "surer by a millionth": _surer,
    "boxes moved": _moved,
}
