"""Every address of the pages of runs."""

from __future__ import annotations

from registry.api.pages.runs import forms, reading

HANDLERS = (*reading.HANDLERS, *forms.HANDLERS)
