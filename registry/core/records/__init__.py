"""The records: one frozen type for each record type, and one canonical encoding.

A field of type ``CID`` is a link and goes along (a record's closure is what its links reach); a
field named ``..._cid`` or documented as *named*, of type ``bytes``, holds CID bytes and is only named.
There are no floats: counts are integers, scores are integers in millionths, boxes in records are
integers in hundredths of a pixel of the upright original, metrics are decimal strings of six places.

Invariants: ``parse(encode(r)) == r``; ``parse`` refuses any bytes that ``encode`` would not have
written (every field present, no other field, canonical dag-cbor); a field that holds a time holds
RFC 3339 UTC to the second and a day that exists, checked whenever a record is made or read.
"""

from __future__ import annotations

from registry.core.records.base import Part as Part
from registry.core.records.base import Record as Record
from registry.core.records.base import check_time as check_time
from registry.core.records.base_weights import BaseSeen as BaseSeen
from registry.core.records.base_weights import Origin as Origin
from registry.core.records.base_weights import Seen as Seen
from registry.core.records.codec import TYPES as TYPES
from registry.core.records.codec import cid as cid
from registry.core.records.codec import encode as encode
from registry.core.records.codec import parse as parse
from registry.core.records.codec import parse_as as parse_as
from registry.core.records.codec import to_value as to_value
from registry.core.records.codec import type_of as type_of
from registry.core.records.data import Contribution as Contribution
from registry.core.records.data import Preprocessing as Preprocessing
from registry.core.records.data import Snapshot as Snapshot
from registry.core.records.data import Use as Use
from registry.core.records.figures import Claim as Claim
from registry.core.records.figures import Figure as Figure
from registry.core.records.figures import GroupTest as GroupTest
from registry.core.records.figures import Metric as Metric
from registry.core.records.figures import Note as Note
from registry.core.records.figures import Optimistic as Optimistic
from registry.core.records.figures import Overfitting as Overfitting
from registry.core.records.figures import Spread as Spread
from registry.core.records.figures import Verdict as Verdict
from registry.core.records.log import EVM as EVM
from registry.core.records.log import WITNESS as WITNESS
from registry.core.records.log import Block as Block
from registry.core.records.log import Entry as Entry
from registry.core.records.log import Evidence as Evidence
from registry.core.records.log import Issuer as Issuer
from registry.core.records.log import Keys as Keys
from registry.core.records.naming import Name as Name
from registry.core.records.naming import Profile as Profile
from registry.core.records.release import REMEDIES as REMEDIES
from registry.core.records.release import Attempts as Attempts
from registry.core.records.release import Audit as Audit
from registry.core.records.release import AuditCheck as AuditCheck
from registry.core.records.release import AuditSample as AuditSample
from registry.core.records.release import Release as Release
from registry.core.records.release import Remedy as Remedy
from registry.core.records.release import Weights as Weights
from registry.core.records.release import Withdrawal as Withdrawal
from registry.core.records.training import EVM_BLOCK as EVM_BLOCK
from registry.core.records.training import REFIT as REFIT
from registry.core.records.training import Beacon as Beacon
from registry.core.records.training import Checkpoint as Checkpoint
from registry.core.records.training import Correction as Correction
from registry.core.records.training import DrandRound as DrandRound
from registry.core.records.training import Draw as Draw
from registry.core.records.training import Environment as Environment
from registry.core.records.training import Evaluation as Evaluation
from registry.core.records.training import EvmBlock as EvmBlock
from registry.core.records.training import LossNames as LossNames
from registry.core.records.training import MethodRef as MethodRef
from registry.core.records.training import Plan as Plan
from registry.core.records.training import Recipe as Recipe
from registry.core.records.training import Training as Training
from registry.core.table.columns import CHOSEN as CHOSEN
from registry.core.table.columns import CONTRIBUTION_ROWS as CONTRIBUTION_ROWS
from registry.core.table.columns import CURVES as CURVES
from registry.core.table.columns import EXCLUDED as EXCLUDED
from registry.core.table.columns import FOLDS as FOLDS
from registry.core.table.columns import HISTORY as HISTORY
from registry.core.table.columns import PREDICTIONS as PREDICTIONS
from registry.core.table.columns import PREPARED as PREPARED
from registry.core.table.columns import SEEN as SEEN
from registry.core.table.columns import SNAPSHOT_ITEMS as SNAPSHOT_ITEMS
