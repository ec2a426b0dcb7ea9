"""A .pt of ultralytics (or a state_dict) to its tensors, without anything in its pickle being called.

Invariants: every global that the pickle names becomes an inert stand-in, but for the few below that make
ordered maps and tensors; tensors are cut from the file's own storages, within their bounds; the file is a zip of
stored entries, so that it can't unpack to more than it is.

Source: the layout of torch.save's zip files (torch/serialization.py) and of torch._utils._rebuild_tensor_v2.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from pipeline.convert.architecture import Build, Found, architecture_of, class_names, image_size, licence_text
from registry.core.errors import Untrusted

_DTYPES = {
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
MAX_PICKLE, MAX_DEPTH = 32 << 20, 100


def load_libraries() -> None:
    """Nothing beyond torch."""


def _bad(reason: str) -> Untrusted:
    return Untrusted(reason, code="hostile_weights")


class Stand:
    """What stands for every object of a class that the pickle names. Takes whatever it is given; does nothing."""

    def __new__(cls, *_: Any, **__: Any) -> Stand:
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            self.__dict__.update({str(name): value for name, value in state.items()})

    def __setitem__(self, _: Any, __: Any) -> None:
        pass

    def append(self, _: Any) -> None:
        """A list's."""

    def extend(self, _: Any) -> None:
        """A list's."""

    def add(self, _: Any) -> None:
        """A set's."""


class _Storage:
    """A storage's name alone."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype


def _rebuild(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> torch.Tensor:
    """A copy of what a tensor names of a storage."""
    if not isinstance(storage, torch.Tensor) or type(offset) is not int or not 0 <= offset <= storage.numel():
        raise _bad("a tensor does not name a storage")
    if not all(type(n) is int and 0 <= n < 1 << 31 for n in (*size, *stride)) or len(size) != len(stride):
        raise _bad("a tensor has an impossible shape")
    last = sum((n - 1) * step for n, step in zip(size, stride, strict=True)) if all(size) else -1
    if len(size) > 8 or offset + last >= storage.numel():
        raise _bad("a tensor reaches beyond its storage")
    found = 1
    for n in size:
        found *= n
    if found > storage.numel():
        raise _bad("a tensor is larger than its storage")
    return storage.as_strided(size, stride, offset).clone()


def _parameter(data: Any, *_: Any) -> Any:
    return data


class _Reader(pickle.Unpickler):
    """Finds no class but the harmless ones."""

    def __init__(self, handle: Any, archive: zipfile.ZipFile, prefix: str) -> None:
        super().__init__(handle, encoding="utf-8")
        self._archive, self._prefix = archive, prefix
        self._storages: dict[str, torch.Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        """An inert stand-in, but for what makes maps and tensors."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch._utils" and name in ("_rebuild_tensor_v2", "_rebuild_parameter"):
            return _rebuild if name == "_rebuild_tensor_v2" else _parameter
        if module == "torch" and name in _DTYPES:
            return _Storage(_DTYPES[name])
        return type("Stand", (Stand,), {})

    def persistent_load(self, pid: Any) -> torch.Tensor:
        """A storage of the file as a flat tensor."""
        if not isinstance(pid, tuple) or len(pid) != 5 or pid[0] != "storage" or not isinstance(pid[1], _Storage):
            raise _bad("a storage is not described")
        key, dtype = str(pid[2]), pid[1].dtype
        if key not in self._storages:
            data = bytearray(self._archive.read(f"{self._prefix}/data/{key}"))
            if len(data) % dtype.itemsize:
                raise _bad("a storage ends in the middle of a number")
            empty = torch.empty(0, dtype=dtype)
            self._storages[key] = torch.frombuffer(data, dtype=dtype) if data else empty
        return self._storages[key]


def load_inert(path: Path) -> Any:
    """The object in a .pt, all classes but maps and tensors replaced by stand-ins."""
    try:
        with zipfile.ZipFile(path) as archive:
            if any(one.compress_type != zipfile.ZIP_STORED for one in archive.infolist()):
                raise _bad("its entries are compressed, which torch never does")
            pickles = [one for one in archive.infolist() if one.filename.endswith("/data.pkl")]
            if len(pickles) != 1 or pickles[0].file_size > MAX_PICKLE:
                raise _bad("it holds no single data.pkl")
            prefix = pickles[0].filename.removesuffix("/data.pkl")
            with archive.open(pickles[0]) as handle:
                return _Reader(handle, archive, prefix).load()
    except zipfile.BadZipFile as error:
        raise _bad("it is not a zip file of torch") from error


def _state(module: Any, prefix: str, found: dict[str, torch.Tensor], depth: int = 0) -> None:
    """Parameters and buffers of a module's stand-in, by their full names."""
    if depth > MAX_DEPTH or not isinstance(module, Stand):
        raise _bad("its model is not a tree of layers")
    for kind in ("_parameters", "_buffers"):
        own = vars(module).get(kind) or {}
        if isinstance(own, Mapping):
            found.update({f"{prefix}{name}": one for name, one in own.items() if isinstance(one, torch.Tensor)})
    layers = vars(module).get("_modules") or {}
    for name, layer in layers.items() if isinstance(layers, Mapping) else ():
        if layer is not None:
            _state(layer, f"{prefix}{name}.", found, depth + 1)


def read(path: Path, build: Build) -> Found:
    """The model in a .pt: a checkpoint of ultralytics (its EMA if it has one) or a plain map of tensors."""
    loaded = load_inert(path)
    about: Mapping[Any, Any] = loaded if isinstance(loaded, Mapping) else {}
    model = about.get("ema") or about.get("model") if about else loaded
    tensors: dict[str, torch.Tensor] = {}
    if isinstance(model, Stand):
        _state(model, "", tensors)
    else:
        source = model if isinstance(model, Mapping) else about
        tensors = {str(name): one for name, one in source.items() if isinstance(one, torch.Tensor)}
    architecture, classes = architecture_of(tensors)
    attributes = vars(model) if isinstance(model, Stand) else {}
    names = class_names(attributes.get("names"), classes)
    made = build(architecture, names)
    wanted = made.state_dict()
    if {name: one.shape for name, one in wanted.items()} != {name: one.shape for name, one in tensors.items()}:
        raise _bad(f"its tensors are not those of {architecture} with {classes} classes")
    made.load_state_dict({name: one.to(wanted[name].dtype) for name, one in tensors.items()}, strict=True)
    arguments = about.get("train_args")
    return Found(
        tensors=made.state_dict(),
        architecture=architecture,
        names=names,
        imgsz=image_size(arguments.get("imgsz") if isinstance(arguments, dict) else None),
        licence=licence_text(about.get("license")),
        batchnorm="kept",
    )
