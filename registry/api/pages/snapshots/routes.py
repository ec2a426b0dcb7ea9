"""Every address of the pages of snapshots."""

from __future__ import annotations

from registry.api.pages.snapshots import copies, downloads, forms, reading

HANDLERS = (*reading.HANDLERS, *forms.HANDLERS, *copies.HANDLERS, *downloads.HANDLERS)
