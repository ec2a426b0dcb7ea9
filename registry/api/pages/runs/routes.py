"""Every address of the pages of runs."""

from __future__ import annotations

from registry.api.pages.runs import comparing, forms, reading, starting

HANDLERS = (*reading.HANDLERS, *forms.HANDLERS, *comparing.HANDLERS, *starting.HANDLERS)
