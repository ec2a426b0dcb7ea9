"""A release as CycloneDX 1.6: an ML-BOM with the model's card, its figures, its data and where all lies.

Invariants: a pure function of the release; its serial number too follows from the CID. A figure without a value is left
out, never 0. What a stranger wrote stands in fields of text alone, never where the format has names of its own.

Source: CycloneDX 1.6 (ECMA-424), schema bom-1.6.schema.json: modelCard, componentData.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from registry.core.ipld.cid import CID
from registry.core.records import GroupTest, Metric
from registry.core.text.claim_text import claim_text
from registry.exports.attest.source import LICENCES, Source, WeightsFile, digest_of, uri

SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
USES = (
    "Study how such models are made, measured and checked.",
    "Prohibited in workplaces and in education: Regulation (EU) 2024/1689, Article 5(1)(f).",
)
LIMITS = (
    "The model finds faces and assigns each to a class of labels that people gave to pictures; it does not know what "
    "anybody feels.",
    "Pooled figures describe the procedure over all folds; they are not the figures of the published weights.",
    "Only the groups that are listed were looked at.",
)
HIGH_RISK = "Recognising emotions from faces is high-risk elsewhere: Regulation (EU) 2024/1689, Annex III, 1(c)."


def bom(source: Source) -> dict[str, Any]:
    """The document. Who made it is who signed the release."""
    view, model = source.view, uri(source.cid)
    parts = [_snapshot(source), *(_file(source, one) for one in source.files)]
    if view.plan.base is not None:
        parts.append(_base(view.plan.base))
    return {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, model)}",
        "version": 1,
        "metadata": {
            "timestamp": source.issued_at,
            "lifecycles": [{"phase": "post-build"}],
            "tools": {
                "components": [{"type": "application", "name": "emotionet", "version": view.plan.method.version}]
            },
            "authors": [{"name": source.issuer}],
            "supplier": {"name": source.issuer},
            "component": _model(source),
        },
        "components": parts,
        "dependencies": [
            {"ref": model, "dependsOn": [one["bom-ref"] for one in parts]},
            *({"ref": one["bom-ref"]} for one in parts),
        ],
        "compositions": [{"aggregate": "complete", "assemblies": [model]}],
    }


def _tool(source: Source) -> dict[str, Any]:
    """What trained; not what wrote this document, whose version may not change its bytes."""
    method = source.view.plan.method
    return {"type": "application", "name": method.id, "version": method.version}


def _licence(text: str) -> list[dict[str, Any]]:
    return [{"license": {"id": text} if text in LICENCES else {"name": text}}]


def _hashes(sha256: str | None) -> dict[str, Any]:
    return {"hashes": [{"alg": "SHA-256", "content": sha256}]} if sha256 else {}


def _model(source: Source) -> dict[str, Any]:
    view = source.view
    records = {
        "attestation": source.entry,
        "model-card": view.release.card,
        "evidence": view.evaluation.predictions,
        "configuration": view.plan.recipe,
        "build-meta": view.release.draw,
    }
    return {
        "type": "machine-learning-model",
        "bom-ref": uri(source.cid),
        "supplier": {"name": source.issuer},
        "authors": [{"name": source.issuer}],
        "name": source.name,
        "version": str(source.cid),
        "description": "Finds faces in pictures and assigns each to a class; published with its predictions, so that "
        "every figure can be computed again.",
        **_hashes(digest_of(source.cid).get("sha256")),
        "licenses": _licence(view.release.licence),
        "externalReferences": [{"type": kind, "url": uri(cid)} for kind, cid in records.items()],
        "modelCard": {
            "modelParameters": _parameters(source),
            "quantitativeAnalysis": {"performanceMetrics": _metrics(source)},
            "considerations": _considerations(source),
        },
    }


def _parameters(source: Source) -> dict[str, Any]:
    view = source.view
    return {
        "approach": {"type": "supervised"},
        "task": view.plan.method.task,
        "modelArchitecture": view.plan.method.id,
        "datasets": [{"ref": uri(view.preprocessing.snapshot)}],
        "inputs": [{"format": "image"}],
        "outputs": [{"format": f"boxes with one of {len(view.snapshot.classes)} classes and a confidence"}],
    }


def _metrics(source: Source) -> list[dict[str, Any]]:
    view = source.view
    found = (*view.evaluation.metrics, *view.evaluation.fairness)
    return list(_unique(_metric(one) for one in found if one.value is not None))


def _metric(one: Metric) -> dict[str, Any]:
    """``slice`` is the whole name of a figure that is not of all images."""
    part = {} if one.name == one.metric else {"slice": one.name}
    ends = {"confidenceInterval": {"lowerBound": one.low, "upperBound": one.high}} if one.low and one.high else {}
    return {"type": one.metric, "value": one.value, **part, **ends}


def _unique(found: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Each once, as the schema asks."""
    seen: list[dict[str, Any]] = []
    for one in found:
        if one not in seen:
            seen.append(one)
    return seen


def _considerations(source: Source) -> dict[str, Any]:
    view = source.view
    claims = [f"claim {claim_text(one, str)}: {one.verdict}" for one in view.evaluation.verdicts]
    assessed = list(_unique(_assessment(one) for one in view.evaluation.tests))
    return {
        "users": ["researchers"],
        "useCases": list(USES),
        "technicalLimitations": [*LIMITS, *dict.fromkeys(claims)],
        "ethicalConsiderations": [{"name": HIGH_RISK}],
        **({"fairnessAssessments": assessed} if assessed else {}),
    }


def _assessment(one: GroupTest) -> dict[str, Any]:
    return {
        "groupAtRisk": one.name,
        "harms": f"{one.metric} less that of all other images: {one.difference} (95 % interval {one.low} to "
        f"{one.high}), {one.n} images; p {one.corrected}, corrected by Holm's rule",
    }


def _snapshot(source: Source) -> dict[str, Any]:
    cid, snapshot = source.view.preprocessing.snapshot, source.view.snapshot
    return {
        "type": "data",
        "bom-ref": uri(cid),
        "name": "snapshot",
        "version": str(cid),
        "description": f"{snapshot.count} labelled images",
        **_hashes(digest_of(cid).get("sha256")),
        "data": [
            {
                "type": "dataset",
                "name": "snapshot",
                "contents": {"url": uri(cid), "properties": [_property(source.view.snapshot.classes)]},
                "classification": "labelled images of people's faces",
                "sensitiveData": ["faces"],
            }
        ],
    }


def _property(classes: tuple[str, ...]) -> dict[str, str]:
    return {"name": "emotionet:classes", "value": ", ".join(classes)}


def _file(source: Source, one: WeightsFile) -> dict[str, Any]:
    return {
        "type": "file",
        "bom-ref": f"{uri(source.cid)}#{one.name}",
        "supplier": {"name": source.issuer},
        "name": one.name,
        "version": str(one.cid),
        **_hashes(one.sha256),
        "licenses": _licence(source.view.release.licence),
        "externalReferences": [{"type": "distribution", "url": uri(one.cid), **_hashes(one.sha256)}],
    }


def _base(cid: CID) -> dict[str, Any]:
    return {"type": "machine-learning-model", "bom-ref": uri(cid), "name": "base weights", "version": str(cid)}
