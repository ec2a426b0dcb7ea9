"""A registry over HTTP, for scripts: typed, patient, and it believes nothing that it can check.

Invariants: the server is never imported (no litestar, no sqlalchemy). A request that wrote, or may have written, is
repeated with the same body and the same Idempotency-Key, so what was acknowledged is there once. What is fetched is
hashed before it is given out. A token is sent to its server alone, never over plain HTTP but to this machine.
"""

from registry.client.connection import Patience
from registry.client.journal import Journal
from registry.client.registry import Registry
from registry.client.sending import Sent, file_item, labeled
from registry.client.uploading import Item

__all__ = ["Item", "Journal", "Patience", "Registry", "Sent", "file_item", "labeled"]
