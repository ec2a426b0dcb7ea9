"""Seeds, groups and folds; and tensors' digests."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from typing import Any

from registry.core import draw, tensors, weights
from registry.core.ipld.cid import DAG_CBOR, cid_of
from tests.vectors.families.vector import Family, Vector, good

PLAN = bytes(cid_of(b"a plan", DAG_CBOR))
HASH = "0x" + "5a" * 32


def seed(given: Any) -> bytes:
    return draw.draw_seed(given["plan"], given["seed"], given["values"])


def seeds() -> Sequence[Vector]:
    block, drand = bytes.fromhex(HASH[2:]), hashlib.sha256(b"a round's signature").digest()
    return [
        good(seed, "no beacon", {"plan": PLAN, "seed": 2023, "values": []}),
        good(seed, "a block", {"plan": PLAN, "seed": 2023, "values": [block]}),
        good(seed, "a block, then drand", {"plan": PLAN, "seed": 0, "values": [block, drand]}),
        good(seed, "drand, then a block", {"plan": PLAN, "seed": 0, "values": [drand, block]}),
        good(seed, "the largest seed of a plan", {"plan": PLAN, "seed": (1 << 64) - 1, "values": []}),
        Vector("a negative seed", {"plan": PLAN, "seed": -1, "values": []}, refused="bad_seed", why="it is unsigned"),
        Vector(
            "a value of 31 bytes",
            {"plan": PLAN, "seed": 1, "values": [bytes(31)]},
            refused="bad_seed",
            why="32 bytes each",
        ),
    ]


def group_names(given: Any) -> list[list[bytes]]:
    pairs = [(one, other) for one, other in given["pairs"]]
    return [[member, name] for member, name in sorted(draw.union_groups(pairs, given["members"]).items())]


def groups() -> Sequence[Vector]:
    a, b, c, d, e = sorted(hashlib.sha256(b"member %d" % number).digest() for number in range(5))
    return [
        good(group_names, "nobody belongs together", {"members": [a, b], "pairs": []}),
        good(group_names, "a chain", {"members": [a, b, c, d, e], "pairs": [[d, c], [e, d], [b, a]]}),
        good(group_names, "a pair twice, and with itself", {"members": [a, b], "pairs": [[a, b], [b, a], [a, a]]}),
        Vector("a stranger", {"members": [a], "pairs": [[a, b]]}, refused="unknown_member", why="members alone"),
    ]


def drawn(given: Any) -> list[list[Any]]:
    images = {sha256: group for sha256, group, _ in given["images"]}
    labels = {sha256: label for sha256, _, label in given["images"]}
    found = draw.repeated_folds(images, labels, given["k"], given["repeats"], given["seed"])
    return [[sha256, repeat, fold] for (sha256, repeat), fold in found.items()]


def _images(count: int, a_group: int, classes: int, background: int = 0) -> list[list[Any]]:
    """``a_group`` images a group; every ``background``-th shows nothing."""
    found = [hashlib.sha256(b"image %d" % number).digest() for number in range(count)]
    names = {number: min(found[number * a_group : (number + 1) * a_group]) for number in range(-(-count // a_group))}
    return [
        [sha256, names[number // a_group], None if background and number % background == 0 else number % classes]
        for number, sha256 in enumerate(found)
    ]


def folds() -> Sequence[Vector]:
    one, dropped = hashlib.sha256(b"a seed").digest(), _images(8, 2, 2)
    smallest = min(dropped, key=lambda image: image[0])  # kept images whose group is named by one that was dropped
    uneven = [*_images(9, 9, 2), *[[hashlib.sha256(b"more %d" % n).digest()] * 2 + [n % 2] for n in range(6)]]

    def asked(images: list[list[Any]], k: int, repeats: int = 1) -> dict[str, Any]:
        return {"images": images, "k": k, "repeats": repeats, "seed": one}

    few = "too_few_groups"
    return [
        good(drawn, "each image its own group", asked(_images(12, 1, 3), 3)),
        good(drawn, "persons of three images", asked(_images(24, 3, 4), 4)),
        good(drawn, "with pictures that show nothing", asked(_images(20, 2, 3, 4), 3)),
        good(drawn, "three repeats", asked(_images(12, 2, 2), 2, 3)),
        good(drawn, "one large group", asked(uneven, 3)),
        good(drawn, "a group named by a dropped image", asked([one for one in dropped if one != smallest], 2)),
        good(drawn, "one class", asked(_images(6, 1, 1), 3)),
        Vector("two groups for three folds", asked(_images(6, 3, 2), 3), refused=few, why="a fold would be empty"),
        Vector("one fold", asked(_images(6, 1, 2), 1), refused=few, why="k is at least 2"),
    ]


def digest(given: Any) -> str:
    """Of a weights folder's files, of one safetensors file, or of a checkpoint's folder."""
    if "checkpoint" in given:
        return tensors.checkpoint_digest(given["checkpoint"])
    if "folder" in given:
        weights.check_folder(given["folder"])
        return weights.weights_digest(given["folder"])
    return tensors.tensors_digest(given["file"])


def _file(header: Any, data: bytes, pad: int = 0) -> bytes:
    text = (header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()) + b" " * pad
    return struct.pack("<Q", len(text)) + text + data


def _tensor(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def digests() -> Sequence[Vector]:
    data, bad = bytes(range(24)), "hostile_weights"
    header = {"b": _tensor([2, 2], 0, 16), "a": _tensor([2], 16, 24)}
    plain = _file(header, data)
    swapped = _file({"a": _tensor([2], 0, 8), "b": _tensor([2, 2], 8, 24)}, data[16:] + data[:16])
    names = {"é": _tensor([], 0, 4), '"\\': _tensor([1], 4, 5, "U8"), "\U0001f642": _tensor([0], 5, 5, "I64")}
    kinds = {kind: _tensor([1], 0, 0, kind) for kind in tensors.DTYPES}
    at = 0
    for kind, (_, size) in tensors.DTYPES.items():
        kinds[kind]["data_offsets"], at = [at, at + size], at + size
    model = b'{"names":["sad","happy"]}'
    accepted = {
        "two tensors": {"file": plain},
        "the same in another order in the file": {"file": swapped},
        "padding and metadata play no part": {"file": _file({"__metadata__": {"format": "pt"}, **header}, data, 5)},
        "names that are escaped, an empty tensor": {"file": _file(names, data[:5])},
        "every dtype": {"file": _file(kinds, bytes(range(at)))},
        "no tensor": {"file": _file({}, b"")},
        "a folder": {"folder": {"weights.safetensors": plain, "model.json": model}},
        "a folder of another format": {"folder": {"b.bin": b"two", "a.bin": b"one", "model.json": model}},
        "a checkpoint": {"checkpoint": {"state.safetensors": plain, "state.json": b'{"epoch":3}'}},
    }
    twice = b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'
    utf16 = json.dumps({"a": _tensor([1], 0, 1, "U8")}).encode("utf-16")
    refused = {
        "tensors that overlap": (
            {"file": _file({"a": _tensor([2], 0, 8), "b": _tensor([2], 4, 12)}, data[:12])},
            "no overlap",
        ),
        "a gap": ({"file": _file({"a": _tensor([1], 4, 8)}, data[:8])}, "no gap"),
        "bytes that no tensor names": ({"file": _file(header, data + b"x")}, "all bytes are named"),
        "cut off": ({"file": plain[:-1]}, "all bytes are there"),
        "another size than the shape": ({"file": _file({"a": _tensor([3], 0, 8)}, data[:8])}, "shape times size"),
        "a shape that is no integer": ({"file": _file({"a": _tensor([2.0], 0, 8)}, data[:8])}, "integers"),  # type: ignore[list-item]
        "a shape that is true": ({"file": _file({"a": _tensor([True], 0, 4)}, data[:4])}, "integers"),
        "a negative shape": ({"file": _file({"a": _tensor([-1, -2], 0, 8)}, data[:8])}, "from 0"),
        "nine dimensions": ({"file": _file({"a": _tensor([1] * 9, 0, 4)}, data[:4])}, "at most 8"),
        "an unknown dtype": ({"file": _file({"a": _tensor([1], 0, 1, "BOOL")}, b"x")}, "one of seven"),
        "a further key": ({"file": _file({"a": {**_tensor([1], 0, 4), "x": 0}}, data[:4])}, "exactly three keys"),
        "a key twice": ({"file": _file(twice, b"x")}, "two readers would see two files"),
        "a name that is half a surrogate pair": ({"file": _file({"\ud800": _tensor([1], 0, 4)}, data[:4])}, "UTF-8"),
        "a number that JSON does not have": (
            {"file": _file(b'{"__metadata__":{"a":NaN},"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"x")},
            "JSON",
        ),
        "a header in UTF-16": ({"file": _file(utf16, b"x")}, "UTF-8"),
        "a header that is a list": ({"file": _file([], b"")}, "a map"),
        "a header larger than the file": ({"file": struct.pack("<Q", 1 << 40) + b"{}"}, "within the file"),
        "a pickle": ({"file": b"\x80\x04\x95" + bytes(20)}, "no safetensors"),
        "a folder with a further file": (
            {"folder": {"weights.safetensors": plain, "model.json": model, "x.pkl": b""}},
            "two files and no other",
        ),
        "a folder without model.json": ({"folder": {"weights.safetensors": plain}}, "two files"),
        "a class twice": (
            {"folder": {"weights.safetensors": plain, "model.json": b'{"names":["sad","sad"]}'}},
            "names differ",
        ),
        "a checkpoint without its numbers": ({"checkpoint": {"state.safetensors": plain}}, "two files"),
    }
    return [
        *(good(digest, name, given) for name, given in accepted.items()),
        *(Vector(name, given, refused=bad, why=why) for name, (given, why) in refused.items()),
    ]


FAMILIES = (
    Family("seeds", "The plan's CID, its seed, and the beacons' values; expected: the draw's seed.", seed, seeds),
    Family(
        "groups",
        "Images, and pairs that belong together; expected: [image, name of its group], sorted.",
        group_names,
        groups,
    ),
    Family(
        "folds",
        "Kept images as [sha256, group's name, class index or null], k, repeats and the draw's seed; expected: "
        "the rows of "
        "draw.folds.",
        drawn,
        folds,
    ),
    Family(
        "tensors",
        "A safetensors file, a weights folder or a checkpoint's folder (bytes by file's name); expected: its digest.",
        digest,
        digests,
    ),
)
