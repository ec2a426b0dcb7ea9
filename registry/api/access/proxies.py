"""Whose word about a client's address counts: that of the proxies which the settings name, and nobody else's.

Invariant: without such a setting the address is that of the connection, whatever a header says. uvicorn by itself would
believe every program of this machine.
"""

from __future__ import annotations

from typing import Any

from registry.settings import Settings


def server_options(settings: Settings) -> dict[str, Any]:
    """What uvicorn is given, whoever starts it."""
    trusted = list(settings.trusted_proxies)
    return {"proxy_headers": bool(trusted), "forwarded_allow_ips": trusted}
