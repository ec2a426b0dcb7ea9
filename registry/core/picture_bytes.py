"""Recognises a picture, or another kind of file, by its first bytes, without decoding it.

Invariants: pure; reads a few hundred bytes, and the chunk headers of a PNG; gives an answer for any input.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

# What training reads. An MPO is a JPEG with more behind it.
READ = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
READ_IN_WORDS = "JPEG (also MPO), PNG, WebP, GIF, BMP and TIFF"
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".mpo")
PNG = b"\x89PNG\r\n\x1a\n"
TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
PROFILE = frozenset({b"iCCP"})
_PICTURES = (
    (re.compile(rb"\xff\xd8\xff"), "JPEG"),
    (re.compile(re.escape(PNG)), "PNG"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "WEBP"),
    (re.compile(rb"GIF8[79]a"), "GIF"),
    (re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL), "BMP"),
    (re.compile(rb"II\*\0|MM\0\*|II\+\0|MM\0\+|II\0\*|MM\*\0"), "TIFF"),
)
_OTHERS = (  # pictures that training does not read
    (re.compile(rb".{4}ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1)", re.DOTALL), "HEIC: convert it to JPEG"),
    (re.compile(rb".{4}ftyp(avif|avis)", re.DOTALL), "AVIF: convert it to JPEG or PNG"),
    (re.compile(rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n", re.DOTALL), "JPEG XL: convert it to JPEG"),
    (re.compile(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", re.DOTALL), "JPEG 2000: convert it to JPEG or PNG"),
    (re.compile(rb"8BPS"), "a Photoshop file: convert it to JPEG or PNG"),
    (
        re.compile(rb".{4}ftypcrx |FUJIFILMCCD-RAW|IIR[OS]\x08|MMOR|IIU\0|FOVb", re.DOTALL),
        "a camera's raw picture: convert it to JPEG",
    ),
    (re.compile(rb"\0\0[\x01\x02]\0[^\0]\0"), "an icon (.ico): convert it to PNG"),
    (re.compile(rb"\x0a[\0-\5]\x01[\x01\x02\x04\x08]"), "a PCX: convert it to PNG"),
    (re.compile(rb"\x76\x2f\x31\x01"), "an OpenEXR picture: convert it to PNG"),
    (re.compile(rb"P[1-7]\s(#[^\n]*\n|\s|WIDTH )*\d+\s"), "a PPM: convert it to PNG"),
    (re.compile(rb"%!PS"), "a PostScript file: convert it to PNG"),
    (re.compile(rb"(?!\s*<(!doctype )?html)(?=\s*<)[^\0]*?<svg[\s>]", re.IGNORECASE), "SVG: convert it to PNG"),
)
_TEXT = ("SVG", "a PPM", "a PostScript file")  # may be, and private at that
_NONE = (
    (re.compile(rb"version https://git-lfs\.github\.com/spec/"), "a Git LFS pointer"),
    (re.compile(rb"(\.\./)*(\.git)?/annex/objects/"), "a git-annex pointer"),
    (re.compile(rb"\s*(<!doctype html|<html|<head)", re.IGNORECASE), "an HTML page"),
    (re.compile(rb"%PDF-"), "a PDF"),
    (re.compile(rb".{4}ftyp", re.DOTALL), "a video"),
    (re.compile(rb"PK\x03\x04"), "a ZIP archive"),
    (re.compile(rb"\x1f\x8b"), "a gzip archive"),
    (re.compile(rb"BZh|\xfd7zXZ\0|7z\xbc\xaf|Rar!|.{257}ustar", re.DOTALL), "an archive"),
    (re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "an old Office file (.xls, .doc)"),
    (re.compile(rb"SQLite format 3\0"), "an SQLite database"),
    (re.compile(rb"PAR1"), "a Parquet file"),
    (re.compile(rb"\x7fELF|MZ"), "a program"),
    (re.compile(rb"\s*[\[{]\s*[\"{\[]"), "JSON"),
    (re.compile(rb"\s*<\?xml"), "XML"),
)
HEAD = 1024  # bytes that are enough for it


def picture_kind(data: bytes) -> str | None:
    """One of ``READ`` by the first bytes; None for anything else. Whether it can be decoded is another question."""
    return next((kind for begins, kind in _PICTURES if begins.match(data)), None)


def begins_as_picture(data: bytes) -> bool:
    """Whether bytes begin as a picture's do, also one that training does not read. What is text is none."""
    head = data[:HEAD]
    others = (begins for begins, said in _OTHERS if not said.startswith(_TEXT))
    return picture_kind(head) is not None or any(begins.match(head) for begins in others)


def why_no_picture(data: bytes) -> str | None:
    """In a few words what the bytes are instead of a picture that training reads, with the way out where there is one;
    None where they begin as one."""
    head = data[:HEAD]
    if not data:
        return "empty"
    if picture_kind(head) is not None:
        return None
    for begins, said in _OTHERS:
        if begins.match(head):
            return said
    return "no picture" + next((f": {said}" for begins, said in _NONE if begins.match(head)), "")


def what_it_is(data: bytes) -> str | None:
    """What bytes begin as, with its article ("a JPEG", "an HTML page", "text"), for a sentence about what was given
    where something else was wanted; None where that is not known."""
    head = data[:HEAD]
    kind = picture_kind(head)
    if kind is not None:
        return f"a {'WebP' if kind == 'WEBP' else kind}"
    for begins, said in (*_OTHERS, *_NONE):
        if begins.match(head):
            word = said.partition(":")[0]
            return word if " " in word or word in ("JSON", "XML") else f"{'an' if word[0] in 'ASX' else 'a'} {word}"
    if not data:
        return "an empty file"
    text = head.decode("utf-8", "ignore")
    same = head.startswith(text[:-1].encode()) and len(text.encode()) > len(head) - 4  # a sign may be cut in two
    return "text" if same and not re.search(r"[\x00-\x08\x0e-\x1f\x7f]", text) else None


def is_archive(what: str) -> bool:
    """Whether ``what_it_is`` said something that holds other files."""
    return what.endswith(" archive")


def cut_off(data: bytes) -> bool:
    """Whether what begins as a picture lacks its end, as far as its format tells."""
    kind = picture_kind(data)
    if kind == "JPEG":
        return b"\xff\xd9" not in data[-HEAD:]
    if kind == "PNG":
        return b"IEND" not in data[-HEAD:]
    if kind == "GIF":
        return b"\x3b" not in data[-HEAD:]
    if kind in ("WEBP", "BMP"):
        place, order, more = (4, "<I", 8) if kind == "WEBP" else (2, "<I", 0)
        return bool(struct.unpack_from(order, data, place)[0] + more > len(data))
    return False


def broken_chunk(data: bytes) -> bool:
    """Whether a PNG has a chunk whose checksum is another than that of its bytes."""
    return picture_kind(data) == "PNG" and any(
        zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big") for _, chunk in _chunks(data)
    )


def without(data: bytes, kinds: frozenset[bytes]) -> bytes:
    """A PNG without its chunks of these kinds, which may be as large as they like; other bytes as they are."""
    if not kinds or not data.startswith(PNG):
        return data
    return PNG + b"".join(chunk for kind, chunk in _chunks(data) if kind not in kinds)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and bytes of each chunk; what is cut off comes as it is."""
    at = len(PNG)
    while at < len(data):
        length = struct.unpack(">I", data[at : at + 4])[0] if at + 8 <= len(data) else 0
        end = at + 12 + length
        yield data[at + 4 : at + 8], data[at:end]
        at = end
