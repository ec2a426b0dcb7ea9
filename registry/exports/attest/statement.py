"""A release as an in-toto Statement with SLSA's provenance: which files came out of what, and who says so.

Invariants: each subject is a file and the sha256 of its bytes; a record is called by ``ipfs://CID`` with the sha256 of
its block. Integers stay integers, but the seed is a text: it has 64 bits, and JSON's readers have 53.

Sources: in-toto, Statement v1; SLSA 1.0, provenance (predicateType https://slsa.dev/provenance/v1).
"""

from __future__ import annotations

from typing import Any

from registry.core.ipld.cid import CID
from registry.exports.attest.source import Source, digest_of, uri

STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
BUILD = "urn:emotionet:release:v1"  # what the parameters below mean: docs/exports.md
EXPORT_KEY = "urn:emotionet:export-key:v1"


def provenance(source: Source) -> dict[str, Any]:
    """The statement of a release. The subjects are its final weights' files and its card."""
    subjects = [{"name": f"weights/{one.name}", "digest": {"sha256": one.sha256}} for one in source.files]
    return {
        "_type": STATEMENT,
        "subject": [*subjects, {"name": "README.md", "digest": {"sha256": source.card}}],
        "predicateType": PROVENANCE,
        "predicate": {"buildDefinition": _definition(source), "runDetails": _run(source)},
    }


def export_key(issuer: str, signer: str, pem_sha256: str, keyid: str) -> dict[str, Any]:
    """By which the publishing key vouches for the P-256 key that signs beside it. ``signer``: the DID of the publishing
    key itself, which is not the issuer's where the log was handed over."""
    return {
        "_type": STATEMENT,
        "subject": [{"name": "export-key.pem", "digest": {"sha256": pem_sha256}}],
        "predicateType": EXPORT_KEY,
        "predicate": {
            "issuer": issuer,
            "signer": signer,
            "keyid": keyid,
            "use": "signs exports of this issuer's releases",
        },
    }


def _record(name: str, cid: CID) -> dict[str, Any]:
    found = digest_of(cid)
    return {"name": name, "uri": uri(cid), **({"digest": found} if found else {})}


def _definition(source: Source) -> dict[str, Any]:
    view = source.view
    plan = view.plan
    used = [
        _record("snapshot", view.preprocessing.snapshot),
        _record("preprocessing", plan.preprocessing),
        _record("recipe", plan.recipe),
        _record("environment", plan.environment),
        _record("plan", view.draw.plan),
        _record("plan-entry", view.release.plan_entry),
    ]
    if plan.base is not None:
        used.append(_record("base-weights", plan.base))
    return {
        "buildType": BUILD,
        "externalParameters": {
            "plan": uri(view.draw.plan),
            "method": {"id": plan.method.id, "version": plan.method.version},
            "recipe": view.recipe.name,
            "seed": str(plan.seed),
            "final": plan.final,
            "claims": [
                {"metric": one.metric, "comparator": one.comparator, "threshold": one.threshold} for one in plan.claims
            ],
        },
        "internalParameters": {"code": plan.code},
        "resolvedDependencies": used,
    }


def _run(source: Source) -> dict[str, Any]:
    view = source.view
    made = [
        _record("release", source.cid),
        _record("entry", source.entry),
        _record("draw", view.release.draw),
        _record("evaluation", view.release.evaluation),
        _record("predictions", view.evaluation.predictions),
        *(_record(f"training-{number}", cid) for number, cid in enumerate(view.release.trainings)),
    ]
    metadata = {"invocationId": uri(view.release.draw)}
    if view.trainings:
        metadata["startedOn"] = min(one.started for one in view.trainings)
        metadata["finishedOn"] = max(one.ended for one in view.trainings)
    return {"builder": {"id": source.issuer}, "metadata": metadata, "byproducts": made}
