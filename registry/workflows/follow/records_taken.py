"""Take in what the verified entries of a followed log say, one after the other, in the order of the log.

Invariants: all blocks of records and tables below an entry are fetched and verified before anything of it is indexed,
by the function that indexes this home's own; pictures and weights stay where they are until somebody needs them. Each
entry is one transaction: a killed pass goes on where it ended. What is refused keeps its place in the log, and its
reason; what may be a gateway's fault is tried again. An issuer of whom too much was refused is listened to no longer.
Nothing of this home's own is changed by another's log: see ``may_take_back``.
"""

from __future__ import annotations

from contextlib import suppress

from registry.catalog import follows
from registry.catalog.database.database import Connection
from registry.catalog.database.engines import translated
from registry.catalog.index.indexing import index_entry, note_entry
from registry.catalog.marks import settle
from registry.catalog.queries.signed_records import entries, withdrawals
from registry.content.sources.fetch import Limits, fetch
from registry.core import log, records
from registry.core.errors import EmotionetError, InvalidInput, NewerVersion, NotFound, Unavailable, Untrusted
from registry.core.ipld.cid import CID, DAG_CBOR, RAW
from registry.core.ports.store import BlockReader
from registry.core.progress import Progress, silent
from registry.core.table import tables
from registry.workflows.parts import Parts
from registry.workflows.withdrawals.remove_bytes import apply_withdrawal

LIMITS = Limits(bytes=8 << 30, blocks=4_000_000, links=20_000_000, depth=512)  # of one entry
_SILENT = 3  # entries in a row that can't be fetched, until the rest is left for another time
_LINKED = frozenset({DAG_CBOR})


def take_records(parts: Parts, issuer: str, source: BlockReader, progress: Progress = silent) -> bool:
    """Index what the log says; whether nothing is left to be tried again."""
    with parts.catalog.read() as db:
        waiting = follows.waiting(db, issuer)
    whole, silent_for = True, 0
    for done, entry in enumerate(waiting, 1):
        problem = _taken(parts, entry, source)
        with parts.catalog.write() as db:
            follows.accept(db, issuer, str(entry))
            if problem is not None:
                error, again = problem
                follows.refuse(db, issuer, str(entry), error.code, str(error), parts.now(), again=again)
                whole &= not again
            if follows.count(db, issuer) >= follows.MOST:
                return False
        silent_for = silent_for + 1 if problem and isinstance(problem[0], Unavailable) else 0
        if silent_for == _SILENT:
            return False
        progress("records", done, len(waiting))
    if waiting:
        settle(parts.catalog)
    return whole


def index_followed(parts: Parts, db: Connection) -> None:
    """In the transaction of a rebuild: the logs that are followed, up to where they were verified, as far as the store
    holds them. What can't be indexed now waits for the next pass, whose reasons are listed."""
    get = parts.store.get
    for row in follows.every(db):
        if (head := follows.head(db, row["issuer"])) is None:
            continue
        try:
            found = [cid for cid, _ in log.walk_back(head[0], None, get)][::-1]
        except EmotionetError:
            continue
        for cid in found:
            with suppress(EmotionetError), db.begin_nested():
                note_entry(db, cid, get)
            with suppress(EmotionetError), translated(), db.begin_nested():
                _index_one(parts, db, cid, log.read_entry(cid, get))


def _taken(parts: Parts, cid: CID, source: BlockReader) -> tuple[EmotionetError, bool] | None:
    """Fetch and index one entry's record; what is wrong with it, and whether it is tried again."""
    entry = log.read_entry(cid, parts.store.get)
    try:
        fetch(source, parts.store, entry.record, LIMITS, codecs=_LINKED)
    except (NotFound, Unavailable, Untrusted) as error:  # whoever sends it can be at fault
        return error, True
    except InvalidInput as error:
        return error, error.code not in ("too_large", "too_deep")
    try:
        _index(parts, cid, entry)
    except (NewerVersion, Unavailable, NotFound) as error:
        return error, True
    except EmotionetError as error:
        return error, error.code == "may_not"
    return None


def _index(parts: Parts, cid: CID, entry: records.Entry) -> None:
    with parts.catalog.write() as db:
        record = _index_one(parts, db, cid, entry)
    if isinstance(record, records.Withdrawal):
        apply_withdrawal(parts, cid)


def _index_one(parts: Parts, db: Connection, cid: CID, entry: records.Entry) -> records.Record:
    record = records.parse(parts.store.get(entry.record))
    if isinstance(record, records.Withdrawal):
        _check_may(db, entry, record)
    elif isinstance(record, records.Contribution):
        _check_names(parts, record)
    index_entry(db, cid, parts.store.get)
    return record


def _check_names(parts: Parts, record: records.Contribution) -> None:
    """``Untrusted`` where a row calls bytes by the CID of others, as far as the CID alone tells."""
    for row in tables.rows_as_dicts(record.rows, parts.store.get):
        named = row.get("cid")
        cid = CID.decode(named) if isinstance(named, bytes) else None
        if cid is not None and cid.codec == RAW and cid.digest != row.get("sha256"):
            raise Untrusted(f"a row says of {cid} that its sha256 is another", code="malformed_rows")


def _check_may(db: Connection, entry: records.Entry, record: records.Withdrawal) -> None:
    """``Untrusted`` ``may_not`` unless the signer may take any of this back here."""
    if not may_take_back(db, entry.issuer, record):
        raise Untrusted(
            f"{entry.issuer} takes back what others said, or what nobody here knows: that has no effect here",
            code="may_not",
        )


def may_take_back(db: Connection, issuer: str, record: records.Withdrawal) -> bool:
    """Whether a followed issuer's withdrawal is taken in: of its own records; of rows as the record itself says; of an
    image of which it said a row, or is a row's contributor. It takes these rows back, and the image where nothing else
    is left (``queries.signed_records.withdrawn_rows``): nobody takes an image of this home back by registering it,
    too."""
    if record.target is None or record.contributor is not None:
        return issuer in (record.issuer, record.contributor)
    name = record.target.hex() if len(record.target) == 32 else str(CID.decode(record.target))
    if len(record.target) != 32 and entries.entry_of(db, CID.decode(record.target), issuer) is not None:
        return True
    if len(record.target) != 32 and entries.issuer_of(db, CID.decode(record.target)) == issuer:
        return True
    return withdrawals.speaks_of_any(db, set(withdrawals.images_of(db, [name]).values()), issuer)
