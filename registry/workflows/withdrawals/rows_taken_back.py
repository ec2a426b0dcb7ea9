"""Which rows were taken back, by what is known here: by the entries that are indexed, and by those that came in a file
and only have their place in the catalog."""

from __future__ import annotations

from registry.catalog.queries.signed_records import withdrawals
from registry.workflows.parts import Parts
from registry.workflows.withdrawals.withdrawn import known_row_withdrawals, known_withdrawals


class RowsTakenBack:
    """A container of (image, issuer, contributor), by the rule of ``withdrawn_rows``: by a withdrawal of the row, of
    all of its contributor's, or of its image, that the contribution's issuer or the contributor signed."""

    def __init__(self, parts: Parts) -> None:
        with parts.catalog.read() as db:
            self._rows = {
                (one["issuer"], one["contributor"], one["sha256"]) for one in known_row_withdrawals(parts, db)
            }
            signed = known_withdrawals(parts, db)
            images = withdrawals.images_of(db, {one.target for one in signed})
        self._images = {(images[one.target], one.issuer) for one in signed if one.target in images}

    def __contains__(self, row: object) -> bool:
        if not isinstance(row, tuple) or not (self._rows or self._images):
            return False
        sha256, issuer, contributor = row
        image = sha256.hex()
        of_rows = {(issuer, contributor, ""), (issuer, contributor, image)}
        return not (of_rows.isdisjoint(self._rows) and {(image, issuer), (image, contributor)}.isdisjoint(self._images))
