"""What a file is, from its first bytes: for sentences that say what was given where something else was wanted.

Invariants: pure; a name is never looked at; what is not known is None, never a guess. ``READ`` are the picture formats
that a training decodes, by Pillow's names (an MPO, a phone's JPEG with a second one behind it, is read as JPEG).
"""

from __future__ import annotations

import re

HEAD = 4096  # bytes that are looked at
READ = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".mpo")
PICTURES = "JPEG (also MPO), PNG, WebP, GIF, BMP and TIFF"
_BEGINNINGS = (
    (b"\xff\xd8\xff", "a JPEG"),
    (b"\x89PNG\r\n\x1a\n", "a PNG"),
    (b"GIF87a", "a GIF"),
    (b"GIF89a", "a GIF"),
    (b"BM", "a BMP"),
    (b"II*\0", "a TIFF"),
    (b"MM\0*", "a TIFF"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL"),
    (b"\xff\x0a", "a JPEG XL"),
    (b"\0\0\0\x0cjP  \r\n", "a JPEG 2000"),
    (b"8BPS", "a Photoshop file"),
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (.xls, .doc)"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"version https://git-lfs.github.com/spec/", "a Git LFS pointer"),
)
_BRANDS = {b"heic": "HEIC", b"heix": "HEIC", b"heim": "HEIC", b"heis": "HEIC", b"hevc": "HEIC", b"hevx": "HEIC"}
_BRANDS |= {b"mif1": "HEIC", b"msf1": "HEIC", b"avif": "AVIF", b"avis": "AVIF"}
_SPACES = b" \t\r\n"


def kind_of(head: bytes) -> str | None:
    """What the bytes begin as, with its article ("a JPEG", "an HTML page"); None where they begin as nothing known."""
    if not head:
        return "an empty file"
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if head[4:8] == b"ftyp":
        return _of_brands(head)
    if head.startswith(b"RIFF"):
        return "a WebP" if head[8:12] == b"WEBP" else "a RIFF file"
    if head[257:262] == b"ustar":
        return "a tar archive"
    return _text(head[:HEAD])


def _of_brands(head: bytes) -> str:
    """An ISO base media file: a picture by its brands (the compatible ones say more than ``mif1``), else a film."""
    size = min(int.from_bytes(head[:4], "big"), 256)
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, size, 4))]
    found = {_BRANDS[brand] for brand in brands if brand in _BRANDS}
    return "an AVIF" if "AVIF" in found else "a HEIC" if found else "a film (MP4 or QuickTime)"


def _text(head: bytes) -> str | None:
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip(_SPACES)
    if re.match(rb"(?i)<!doctype html|<html|<head|<body", begin):
        return "an HTML page"
    if begin.startswith(b"<svg") or (begin.startswith(b"<?xml") and b"<svg" in begin):
        return "an SVG drawing"
    if begin.startswith(b"<?xml"):
        return "an XML file"
    if re.match(rb'(?:\{\s*"|\[\s*[\[{"0-9])', begin):
        return "JSON"
    try:
        decoded = head.decode("utf-8") if len(head) < HEAD else head[:-4].decode("utf-8", "ignore")
    except UnicodeDecodeError:
        return None
    return "text" if decoded and not re.search(r"[\x00-\x08\x0e-\x1f\x7f]", decoded) else None


def said(head: bytes) -> str:
    """The same for a sentence: "an HTML page: the gateway's error?"; "of no kind that is known here"."""
    kind = kind_of(head)
    if kind == "an HTML page":
        return "an HTML page: the gateway's error?"
    return kind or "of no kind that is known here"
