"""The files of a home that a backup holds: its keys, where its logs end, its journal.

Left out, because each is made again: ``cache``, ``work``, ``uploads``, ``reserve``, ``audits``, the demo's drawings and
reports. Left out, because it must not go back: ``witness`` (a witness that forgot what it cosigned begins anew, with a
key of its own).

Invariants: a file is read whole, or told of as what can't be read; of the journal the complete lines alone. Nothing is
changed.
"""

from __future__ import annotations

from pathlib import Path

from registry.core.errors import not_read
from registry.provenance.keys.keys import PASSPHRASE_FILE
from registry.provenance.keys.replacing import NEXT, REPLACED
from registry.provenance.keys.signed_heads import FOLDER, HEAD, KEYS, MADE

JOURNAL = "journal.jsonl"
NOT_KEPT = ("cache", "work", "uploads", "reserve", "audits", "demo-drawings", "reports", "witness")
Files = dict[str, bytes]  # by their path in the home


def keys_of(home: Path) -> Files:
    """The files of keys as they are: keystores, and the random passphrase where it lies beside them."""
    found: Files = {}
    for folder in (KEYS, f"{KEYS}/{NEXT}", f"{KEYS}/{REPLACED}"):
        for path in [*sorted((home / folder).glob("0x*.json")), home / folder / PASSPHRASE_FILE]:
            _take(found, home, path)
    return found


def log_of(home: Path) -> Files:
    """What the home notes of its logs, and its journal."""
    found: Files = {}
    for name in (HEAD, "checkpoint"):
        for path in sorted((home / FOLDER).glob(f"0x*/{name}")):
            _take(found, home, path)
    for path in sorted((home / FOLDER / MADE).glob("0x*")):
        _take(found, home, path)
    _take(found, home, home / JOURNAL)
    if JOURNAL in found:
        found[JOURNAL] = found[JOURNAL][: found[JOURNAL].rfind(b"\n") + 1]
    return found


def logs(home: Path) -> list[str]:
    """The addresses as whom this home signs, or signed."""
    return sorted(path.name for path in (home / FOLDER).glob("0x*") if path.is_dir())


def _take(found: Files, home: Path, path: Path) -> None:
    try:
        found[str(path.relative_to(home))] = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise not_read(path, error) from error
