"""Level 1: the blocks."""

from __future__ import annotations

from registry.provenance.checks.listing.row import Listed

ROWS = (
    Listed(
        "1.file",
        "the file is whole",
        "the CAR format, and the roots that the file names",
        "the file is cut off, is no CAR, or names no target: get it again",
        "listed only where it fails; that a whole file is the right one, `--issuer` shows",
    ),
    Listed(
        "1.blocks",
        "every block hashes to its CID",
        "the hash in each block's CID",
        "a block was damaged or exchanged on its way or on disk",
        "that the CID you started from is the one you meant",
    ),
    Listed(
        "1.complete",
        "no linked block is missing",
        "every link from the roots, the images aside",
        "a block is missing (not checked where a home has a part of what others signed); of a file it also counts "
        "blocks that no record links to",
        "whether what nothing links to ever existed",
    ),
    Listed(
        "1.images",
        "every image is present and matches its row",
        "sha256 and size in the snapshot's rows; withdrawals by who may withdraw",
        "an image has other bytes than its row, or is missing without a withdrawal that excuses it",
        "what a picture shows, and that its label is right",
    ),
    Listed(
        "1.records",
        "every record is canonical and has the type that its place requires",
        "the schema of each type, and the types that each link may lead to",
        "a record of an unknown or wrong type, a link in a field that may not hold one, a name that is no CID",
        "that what a record says is true",
    ),
    Listed(
        "1.tables",
        "every table is sorted and has the columns and value types of its kind",
        "the table's own key, boundaries and counts",
        "rows out of order, other columns, a cell of another type, an image both kept and dropped",
        "rows that were never written",
    ),
)
