"""Where an IPFS node's RPC is asked, as people write it.

Invariant: what is neither a multiaddr nor an http(s) URL is refused before anything is asked.
"""

from __future__ import annotations

import re

from registry.core.errors import UsageError

_ADDRESS = re.compile(r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.\-]{1,253})(?::(?P<port>[0-9]{1,5}))?/?")


def multiaddress(text: str) -> str:
    """A multiaddr from EMOTIONET_IPFS_API, which may be an http(s) URL too. ``UsageError`` for anything else."""
    if re.fullmatch(r"/(ip4|ip6|dns|dns4|dns6)/[^/\s]{1,253}/tcp/[0-9]{1,5}(/https?)?", text):
        return text
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise UsageError(
            f"EMOTIONET_IPFS_API is {text!r}, which is not the address of an IPFS node",
            hint="write it like /ip4/127.0.0.1/tcp/5001 or http://host:5001.",
        )
    kind = "ip4" if re.fullmatch(r"[0-9.]+", found["host"]) else "dns"
    port = found["port"] or ("443" if found["scheme"] == "https" else "80")
    return f"/{kind}/{found['host']}/tcp/{port}/{found['scheme']}"
