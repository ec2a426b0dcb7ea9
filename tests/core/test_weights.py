"""What is a weights folder or a checkpoint, by its files alone, and what it is known by."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from safetensors.numpy import save

from registry.core import weights
from registry.core.errors import Untrusted
from registry.core.tensors import MAX_NAME, NUMBERS, STATE, checkpoint_digest, tensors_digest
from registry.core.weights import (
    MAX_CLASSES,
    MAX_FILES,
    MAX_MODEL,
    MODEL,
    WEIGHTS,
    check_folder,
    digested,
    read_model,
    weights_digest,
)

TENSORS = save({"a": np.ones(2, np.float32)})
NAMES = b'{"names": ["a", "b"]}'


def model(names: object) -> bytes:
    return json.dumps({"names": names}).encode()


def test_a_folder_of_safetensors_is_known_by_its_tensors() -> None:
    assert check_folder({WEIGHTS: TENSORS, MODEL: NAMES}) == {"names": ["a", "b"]}
    assert weights_digest({WEIGHTS: TENSORS, MODEL: NAMES}) == tensors_digest(TENSORS)


def test_another_folder_is_known_by_the_bytes_of_its_files() -> None:
    files = {"b.bin": b"two", "a.bin": b"one", MODEL: NAMES}
    assert check_folder(files)["names"] == ["a", "b"]
    wanted = hashlib.sha256(b'["a.bin",3]\none["b.bin",3]\ntwo').hexdigest()
    assert weights_digest(files) == f"files-sha256:{wanted}"
    assert weights_digest({**files, MODEL: b"other"}) == f"files-sha256:{wanted}"


@pytest.mark.parametrize(
    "files",
    [
        {},
        {MODEL: NAMES},
        {WEIGHTS: TENSORS},
        {"a.bin": b"one", "b.bin": b"two"},
        {WEIGHTS: TENSORS, MODEL: NAMES, "more.py": b""},
        {WEIGHTS: b"none", MODEL: NAMES},
        {MODEL: NAMES, **{f"{number}.bin": b"" for number in range(MAX_FILES)}},
        {"a.bin": b"one", MODEL: b" " * (MAX_MODEL + 1)},
        {"a.bin": b"one", MODEL: b"\xff"},
        {"a.bin": b"one", MODEL: b'{"names": ["a"], "names": ["b"]}'},
        {"a.bin": b"one", MODEL: b"[" * 100_000},
        {"a.bin": b"one", MODEL: b"[]"},
        {"a.bin": b"one", MODEL: model("ab")},
        {"a.bin": b"one", MODEL: model([])},
        {"a.bin": b"one", MODEL: model([str(number) for number in range(MAX_CLASSES + 1)])},
        {"a.bin": b"one", MODEL: model([1])},
        {"a.bin": b"one", MODEL: model(["a" * (MAX_NAME + 1)])},
        {"a.bin": b"one", MODEL: model(["a", "a"])},
    ],
    ids=lambda files: ",".join(files)[:40],
)
def test_what_is_no_weights_folder_is_refused(files: dict[str, bytes]) -> None:
    with pytest.raises(Untrusted) as caught:
        check_folder(files)
    assert caught.value.code == "hostile_weights"


def test_what_is_at_the_bounds_is_within_them() -> None:
    files = {f"{number}.bin": b"" for number in range(MAX_FILES - 1)}
    names = [f"{number}".ljust(MAX_NAME, "x") for number in range(MAX_CLASSES)]
    assert check_folder({**files, MODEL: model(names)})["names"] == names
    least = model(["a"])
    assert check_folder({"0.bin": b"", MODEL: least})["names"] == ["a"]
    assert read_model(least.ljust(MAX_MODEL))["names"] == ["a"]


def test_a_file_of_another_method_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"a.bin": b"1" * len(NAMES), MODEL: NAMES}
    monkeypatch.setattr(weights, "MAX_FILE", len(NAMES))
    assert check_folder(files)["names"] == ["a", "b"]
    with pytest.raises(Untrusted, match="more than"):
        check_folder({**files, "a.bin": b"1" * (len(NAMES) + 1)})


def test_the_digest_names_the_files_that_it_is_of() -> None:
    assert digested([WEIGHTS, MODEL]) == [WEIGHTS]
    assert digested(["b.bin", MODEL, "a.bin"]) == ["a.bin", "b.bin"]


def test_what_a_folder_holds_instead_is_listed() -> None:
    with pytest.raises(Untrusted, match=r"not nothing$"):
        check_folder({})
    with pytest.raises(Untrusted, match=r"not a\.bin, b\.bin$"):
        check_folder({"b.bin": b"", "a.bin": b""})


def test_a_checkpoint_is_known_by_its_tensors_and_its_numbers() -> None:
    wanted = hashlib.sha256(tensors_digest(TENSORS).encode() + b"\n" + b"{}").hexdigest()
    assert checkpoint_digest({STATE: TENSORS, NUMBERS: b"{}"}) == f"sha256:{wanted}"
    assert checkpoint_digest({STATE: TENSORS, NUMBERS: b"{ }"}) != f"sha256:{wanted}"


@pytest.mark.parametrize(
    "files",
    [{}, {STATE: TENSORS}, {NUMBERS: b"{}"}, {STATE: TENSORS, NUMBERS: b"", "x": b""}, {STATE: b"no", NUMBERS: b"{}"}],
    ids=lambda files: ",".join(files),
)
def test_what_is_no_checkpoint_is_refused(files: dict[str, bytes]) -> None:
    with pytest.raises(Untrusted) as caught:
        checkpoint_digest(files)
    assert caught.value.code == "hostile_weights"
