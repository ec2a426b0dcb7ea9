"""A tensors' digest follows from a file's bytes alone, whatever their order; hostile files are refused."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from registry.core import tensors as limits
from registry.core.errors import Untrusted
from registry.core.tensors import MAX_DIMENSIONS, MAX_NAME, digest_of, read, tensors_digest

TENSORS: dict[str, Any] = {
    "b": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a": np.zeros(4, np.float16),
    "c": np.array(3, np.int64),
}


def written(header: object, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return len(text).to_bytes(8, "little") + text + data


F32 = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
EMPTY = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}


def test_the_digest_is_of_these_very_bytes() -> None:
    stated = b'["a","float16",[2]]\n' + b"1234" + b'["b","float32",[1,1]]\n' + b"5678"
    tensors = {"b": np.frombuffer(b"5678", np.float32).reshape(1, 1), "a": np.frombuffer(b"1234", np.float16)}
    assert tensors_digest(save(tensors)) == f"sha256:{hashlib.sha256(stated).hexdigest()}"
    assert digest_of([]) == f"sha256:{hashlib.sha256(b'').hexdigest()}"


def test_tensors_come_by_name_with_where_they_lie() -> None:
    data = written({"b": F32, "a": {**F32, "data_offsets": [4, 8]}}, b"12345678")
    found = read(data)
    assert [(one.name, one.dtype, one.shape, data[one.start : one.end]) for one in found] == [
        ("a", "float32", (1,), b"5678"),
        ("b", "float32", (1,), b"1234"),
    ]


def test_what_is_at_the_bounds_of_a_file_is_within_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(written({})) == []  # the shortest file: a header of two bytes
    assert read(written({"a" * MAX_NAME: EMPTY}))[0].shape == (0,)
    deep = {**F32, "shape": [1] * MAX_DIMENSIONS}
    full = written({"a": deep}, b"1234")
    monkeypatch.setattr(limits, "MAX_FILE", len(full))
    monkeypatch.setattr(limits, "MAX_HEADER", len(full) - 12)
    monkeypatch.setattr(limits, "MAX_TENSORS", 1)
    assert read(full)[0].shape == (1,) * MAX_DIMENSIONS
    for name in ("MAX_FILE", "MAX_HEADER", "MAX_TENSORS"):
        with monkeypatch.context() as narrower:
            narrower.setattr(limits, name, getattr(limits, name) - 1)
            with pytest.raises(Untrusted):
                read(full)


def test_order_and_metadata_change_nothing_and_every_value_does() -> None:
    digest = tensors_digest(save(TENSORS))
    assert tensors_digest(save(dict(sorted(TENSORS.items())), {"made": "today"})) == digest
    others = ({**TENSORS, "a": np.zeros(5, np.float16)}, {**TENSORS, "a": np.zeros(2, np.float32)})
    renamed = {"B" if name == "b" else name: value for name, value in TENSORS.items()}
    changed = {**TENSORS, "b": TENSORS["b"] + 1}
    assert len({digest, *(tensors_digest(save(one)) for one in (*others, renamed, changed))}) == 5


def test_it_is_what_the_training_states() -> None:
    torch = pytest.importorskip("torch")
    from pipeline.weights import save_weights

    tensors = {"x": torch.ones(2, 3), "a": torch.zeros(4, dtype=torch.bfloat16), "n": torch.tensor(3)}
    files, digest = save_weights(tensors, "yolov8n", ("face",), 96)
    assert tensors_digest(files["weights.safetensors"]) == digest


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"numbers",
        (1 << 40).to_bytes(8, "little") + b"{}",
        written(b"{"),
        written([]),
        written({"a": None}),
        (1).to_bytes(8, "little") + b"{}",
        (3).to_bytes(8, "little") + b"{}",
        (1 << 63).to_bytes(8, "little") + b"{}",
        written({"a": {"dtype": "F32", "shape": [1]}}),
        written({"a": {**EMPTY, "more": 1}}),
        written({"a" * (MAX_NAME + 1): EMPTY}),
        written({"a": {**EMPTY, "shape": {"0": 0}}}),
        written({"a": {**EMPTY, "shape": None}}),
        written({"a": {**EMPTY, "data_offsets": {"0": 0, "1": 0}}}),
        written({"a": {**EMPTY, "data_offsets": None}}),
        written({"a": {**EMPTY, "data_offsets": [0, 0, 0]}}),
        written({"a": {**EMPTY, "shape": [0] * (MAX_DIMENSIONS + 1)}}),
        written({"a": {**EMPTY, "dtype": ["F32"]}}),
        written({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}}),
        written({"a": {"dtype": "F99", "shape": [1], "data_offsets": [0, 4]}}, b"1234"),
        written({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, b"1234"),
        written({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"12"),
        written({"a": {"dtype": "F32", "shape": [-1, -1], "data_offsets": [0, 4]}}, b"1234"),
        written({"a": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}, b"1234"),
        written(b"[" * 5000),
        written({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"1234 and what nobody names"),
        written({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, b"12345678"),
        written(
            b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'
        ),
    ],
)
def test_what_is_no_weights_file_is_refused(data: bytes) -> None:
    with pytest.raises(Untrusted, match="not what they claim"):
        tensors_digest(data)
