"""The fourteen vectors of IPIP-499, made from their seeds as Kubo's own tests make them.

Sources: specs.ipfs.tech/ipips/ipip-0499 (CIDs), Kubo's test/cli/cid_profiles_test.go (seeds, names and sizes).
"""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from Crypto.Cipher import ChaCha20

from registry.content.stores.memory import NullSink
from registry.content.unixfs import importer

V0, V1 = "unixfs-v0-2015", "unixfs-v1-2025"
ALPHABET = "abcdefghijklmnopqrstuvwxyz01234567890-_"
CHUNK = {V0: 256 << 10, V1: 1 << 20}
LINKS = {V0: 174, V1: 1024}


class Seeded(io.RawIOBase):
    """ChaCha20's stream under sha256 of the seed, ``size`` bytes of it."""

    def __init__(self, seed: str, size: int) -> None:
        self._cipher: Any = ChaCha20.new(key=hashlib.sha256(seed.encode()).digest(), nonce=bytes(12))
        self._left = size

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        self._left -= wanted
        return bytes(self._cipher.encrypt(bytes(wanted)))


@pytest.mark.parametrize(
    ("profile", "seed", "size", "cid"),
    [
        (V0, "chunk-v0-seed", CHUNK[V0], "QmWmRj3dFDZdb6ABvbmKhEL6TmPbAfBZ1t5BxsEyJrcZhE"),
        (V0, "chunk-v0-seed", CHUNK[V0] + 1, "QmYyLxtzZyW22zpoVAtKANLRHpDjZtNeDjQdJrcQNWoRkJ"),
        (V0, "v0-seed", CHUNK[V0] * LINKS[V0], "QmUbBALi174SnogsUzLpYbD4xPiBSFANF4iztWCsHbMKh2"),
        (V0, "v0-seed", CHUNK[V0] * LINKS[V0] + 1, "QmV81WL765sC8DXsRhE5fJv2rwhS4icHRaf3J9Zk5FdRnW"),
        (V1, "chunk-v1-seed", CHUNK[V1], "bafkreiacndfy443ter6qr2tmbbdhadvxxheowwf75s6zehscklu6ezxmta"),
        (V1, "chunk-v1-seed", CHUNK[V1] + 1, "bafybeigmix7t42i6jacydtquhet7srwvgpizfg7gjbq7627d35mjomtu64"),
        (V1, "v1-2025-seed", CHUNK[V1] * LINKS[V1], "bafybeihmf37wcuvtx4hpu7he5zl5qaf2ineo2lqlfrapokkm5zzw7zyhvm"),
        (V1, "v1-2025-seed", CHUNK[V1] * LINKS[V1] + 1, "bafybeibdsi225ugbkmpbdohnxioyab6jsqrmkts3twhpvfnzp77xtzpyhe"),
    ],
)
def test_files_at_and_above_every_threshold(profile: str, seed: str, size: int, cid: str) -> None:
    stream: Any = Seeded(seed, size)
    added = importer.add_file(NullSink(), stream, profile, digest=False)
    assert (str(added.cid), added.size) == (cid, size)


def test_a_small_file_has_the_published_cid() -> None:
    for profile, cid in (
        (V0, "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD"),
        (V1, "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"),
    ):
        assert str(importer.add_bytes(NullSink(), b"hello world", profile).cid) == cid


@pytest.mark.parametrize(
    ("profile", "files", "length", "last", "cid"),
    [
        (V0, 4096, 30, 30, "QmX5GtRk3TSSEHtdrykgqm4eqMEn3n2XhfkFAis5fjyZmN"),  # 262,144 bytes of names and CIDs
        (V0, 4033, 31, 31, "QmeMiJzmhpJAUgynAcxTQYek5PPKgdv3qEvFsdV3XpVnvP"),  # 262,145
        (V1, 4766, 11, 21, "bafybeic3h7rwruealwxkacabdy45jivq2crwz6bufb5ljwupn36gicplx4"),  # a block of 262,144 bytes
        (V1, 4766, 11, 22, "bafybeiegvuterwurhdtkikfhbxcldohmxp566vpjdofhzmnhv6o4freidu"),  # 262,145
    ],
)
def test_directories_at_and_above_the_threshold(profile: str, files: int, length: int, last: int, cid: str) -> None:
    letters = Seeded(f"hamt-{profile}", 1 << 20)
    one = importer.add_bytes(NullSink(), b"x", profile)
    names = [
        "".join(ALPHABET[byte % len(ALPHABET)] for byte in letters.read(last if number == files - 1 else length))
        for number in range(files)
    ]
    entries = dict.fromkeys(names, (one.cid, one.tsize))
    assert len(entries) == files
    assert str(importer.add_directory(NullSink(), entries, profile).cid) == cid
