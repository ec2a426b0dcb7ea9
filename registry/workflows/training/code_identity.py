"""Which code made a plan: a digest over the sources of the registry and of the method's own packages.

Invariant: it follows from names within a package and bytes alone, not from where the package lies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from registry.core.errors import Unavailable

SUFFIXES = frozenset({".py", ".toml"})
OWN = "registry"


@cache
def code_identity(packages: tuple[str, ...]) -> str:
    """``emotionet <version> sha256:<digest over the source files of registry and of a method's packages>``."""
    digest = hashlib.sha256()
    for package in sorted({OWN, *packages}):
        for name, data in _sources(package):
            digest.update(f"{name}\n{len(data)}\n".encode() + data)
    return f"emotionet {metadata.version('emotionet')} sha256:{digest.hexdigest()}"


def _sources(package: str) -> Iterator[tuple[str, bytes]]:
    """Names below the package's own and bytes of its source files, or those of a module of one file, in order.

    ``Unavailable`` (``not_installed``) where there is no such package.
    """
    found = find_spec(package)
    if found is not None and found.submodule_search_locations:
        root = Path(next(iter(found.submodule_search_locations)))
        for path in sorted(one for one in root.rglob("*") if one.suffix in SUFFIXES):
            yield f"{package}/{path.relative_to(root).as_posix()}", path.read_bytes()
    elif found is not None and found.origin and Path(found.origin).is_file():
        yield Path(found.origin).name, Path(found.origin).read_bytes()
    else:
        raise Unavailable(f"the source of {package} is not installed here", code="not_installed")
