"""A gateway that has images which nobody sent: `python -m bench.far_images PORT`."""

from __future__ import annotations

import sys
import time

from registry.content.stores.memory import MemoryStore
from registry.core.ipld.cid import CID, RAW, cid_of
from tests.api.conftest import picture
from tests.support.processes.gateway import Gateway, serving

FAR = "bench.far_images"
COUNT, FIRST = 1_000, 10_000  # as ``picture`` counts them


def far_image(number: int) -> tuple[CID, bytes]:
    """A small picture, and its CID."""
    data = picture(FIRST + number)
    return cid_of(data, RAW), data


def main(port: int) -> None:
    """Serve all until killed."""
    blocks = MemoryStore()
    for number in range(COUNT):
        cid, data = far_image(number)
        blocks.put(cid, data)
    with serving(Gateway(blocks), port=port):
        while True:
            time.sleep(60)


if __name__ == "__main__":
    main(int(sys.argv[1]))
