"""`python -m bench.fetch`: 5,000 small images from a local gateway with 20 ms of added delay, and one after the other.

One after the other is measured on a sample of the same images, by the same client.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bench.measure import seconds
from registry.content.sources.fetch import fetch
from registry.content.sources.gateway import GatewayClient
from registry.content.stores.embedded import EmbeddedStore
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs import importer
from tests.support.processes.gateway import Gateway, serving

COUNT, SAMPLE, BYTES, DELAY = 5000, 100, 20 << 10, 0.02


def main() -> None:
    """Print both and the ratio."""
    source = MemoryStore()
    added = {f"{number}.jpg": importer.add_bytes(source, os.urandom(BYTES)) for number in range(COUNT)}
    entries = {name: (one.cid, one.tsize) for name, one in added.items()}
    root = importer.add_directory(source, entries).cid
    with tempfile.TemporaryDirectory(prefix="emotionet-bench-", dir=Path.cwd()) as name:
        with serving(Gateway(source, delay=DELAY)) as gateway:
            client = GatewayClient([gateway.url])
            store = EmbeddedStore(Path(name))
            ours = seconds(lambda: fetch(client, store, root))
            sample = [one.cid for one in added.values()][:SAMPLE]
            alone = seconds(lambda: [client.get(cid) for cid in sample]) * COUNT / SAMPLE
            client.close()
        store.close()
    print(f"fetch {COUNT} images of 20 KiB, flushed  {ours:7.2f} s")
    print(f"one after the other                     {alone:7.2f} s   ratio {alone / ours:5.1f}")


if __name__ == "__main__":
    main()
