"""A snapshot as Croissant 1.1: JSON-LD beside its images and a table of its items, for mlcroissant and its like.

Invariants: the same bytes for the same snapshot; images are named by their sha256, nobody's file name is in it; the
table has its sha256; a picture that mlcroissant can't open becomes a PNG: one would end all its reading. mlcroissant
reads no ipfs:// address, so files are named by their place beside the document, and the CIDs stand in the table. The
table is Parquet: of a CSV it makes numbers and missing values of texts that look like some ("01", "NA").

Source: MLCommons, Croissant format specification 1.1.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from registry.exports.dataset import SUFFIXES, Dataset, Picture

ITEMS, DOCUMENT, IMAGES = "items.parquet", "croissant.json", "images"
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
COLUMNS = ("filename", "sha256", "cid", "label", "class", "subject", "licence", "attributes", "boxes")
DESCRIPTIONS = {
    "label": "The class; missing where the picture shows nothing of any class.",
    "boxes": "JSON: [[x, y, width, height]] in hundredths of a pixel of the upright image; empty: the whole image.",
    "attributes": "JSON: what contributors say of the image, by name.",
}
UNKNOWN = "https://spdx.org/licenses/NOASSERTION"


def write(dataset: Dataset, folder: Path) -> None:
    """Write croissant.json, items.parquet and images/ into ``folder``, which is there and empty."""
    (folder / IMAGES).mkdir()
    rows, kinds = [], set()
    for one in dataset.pictures:
        row = _row(dataset, one)
        if not one.opens:
            dataset.converted[one.sha256] = one.kind
        (folder / IMAGES / row["filename"]).write_bytes(one.data if one.opens else one.as_png())
        kinds.add(one.kind)
        rows.append(row)
    table = items_parquet(rows)
    (folder / ITEMS).write_bytes(table)
    document = croissant(
        str(dataset.snapshot),
        dataset.classes,
        len(rows),
        kinds=sorted({f"image/{'jpeg' if kind == 'MPO' else kind.lower()}" for kind in kinds}),
        licences=sorted({row["licence"] for row in rows if row["licence"]}),
        published=dataset.published(),
        items_sha256=hashlib.sha256(table).hexdigest(),
    )
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    (folder / DOCUMENT).write_text(text, encoding="utf-8")


def _row(dataset: Dataset, one: Picture) -> dict[str, Any]:
    row = one.row
    return {
        "filename": f"{one.sha256}.{SUFFIXES[one.kind]}",
        "sha256": one.sha256,
        "cid": str(row["image"]),
        "label": row["label"],
        "class": dataset.class_of(row["label"]),
        "subject": row["subject"],
        "licence": row["licence"],
        "attributes": json.dumps(dict(row["attributes"]), ensure_ascii=False, sort_keys=True),
        "boxes": json.dumps([list(box) for box in one.boxes]),
    }


def items_parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The table of items: ``COLUMNS``, by sha256; null where nothing is said."""
    import pyarrow as pa
    from pyarrow import parquet

    kinds = pa.schema([(name, pa.int64() if name == "class" else pa.string()) for name in COLUMNS])
    stream = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(list(rows), schema=kinds), stream)
    return stream.getvalue()


def croissant(
    snapshot: str,
    classes: Sequence[str],
    count: int,
    *,
    kinds: Sequence[str],
    licences: Sequence[str],
    published: str,
    items_sha256: str,
) -> dict[str, Any]:
    """The JSON-LD of a snapshot with ``count`` images of these media types; ``published`` is a time, ``licences`` as
    contributors state them. (mlcroissant 1.1 opens JPEG and PNG alone.)"""
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": f"emotionet-{snapshot[-12:]}",
        "description": (
            f"Emotionet snapshot {snapshot}: {count} images with one label each, of the classes {', '.join(classes)}. "
            "A label says what somebody saw in a picture, not what a person felt."
        ),
        "url": f"ipfs://{snapshot}",
        "identifier": f"ipfs://{snapshot}",
        "version": "1.0.0",
        "datePublished": published,
        "license": list(licences) or [UNKNOWN],
        "creator": {"@type": "sc:Organization", "name": "The contributors that the snapshot names"},
        "citeAs": f"Emotionet snapshot ipfs://{snapshot}",
        "isLiveDataset": False,
        "rai:dataLimitations": "Inferring emotions at work and in education is prohibited in the European Union.",
        "distribution": _distribution(kinds, items_sha256),
        "recordSet": [_items()],
    }


def _distribution(kinds: Sequence[str], items_sha256: str) -> list[dict[str, Any]]:
    """The files: the table of items, and the images of these media types."""
    return [
        {
            "@type": "cr:FileObject",
            "@id": ITEMS,
            "name": ITEMS,
            "contentUrl": ITEMS,
            "encodingFormat": "application/x-parquet",
            "sha256": items_sha256,
        },
        {
            "@type": "cr:FileSet",
            "@id": IMAGES,
            "name": IMAGES,
            "encodingFormat": list(kinds),
            "includes": f"{IMAGES}/*",
        },
    ]


def _items() -> dict[str, Any]:
    """One record an image: its pixels joined with its row of the table by file name."""
    file = {"fileSet": {"@id": IMAGES}, "extract": {"fileProperty": "filename"}}
    fields: list[dict[str, Any]] = [
        {
            "@type": "cr:Field",
            "@id": "items/image",
            "name": "image",
            "dataType": "sc:ImageObject",
            "source": {"fileSet": {"@id": IMAGES}, "extract": {"fileProperty": "content"}},
        },
        {
            "@type": "cr:Field",
            "@id": "items/filename",
            "name": "filename",
            "dataType": "sc:Text",
            "source": file,
            "references": {"fileObject": {"@id": ITEMS}, "extract": {"column": "filename"}},
        },
    ]
    for column in COLUMNS[1:]:
        about = {"description": DESCRIPTIONS[column]} if column in DESCRIPTIONS else {}
        fields.append(
            {
                "@type": "cr:Field",
                "@id": f"items/{column}",
                "name": column,
                **about,
                "dataType": "sc:Integer" if column == "class" else "sc:Text",
                "source": {"fileObject": {"@id": ITEMS}, "extract": {"column": column}},
            }
        )
    return {"@type": "cr:RecordSet", "@id": "items", "name": "items", "key": {"@id": "items/filename"}, "field": fields}
