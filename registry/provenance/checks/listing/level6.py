"""Level 6: what is recomputed from the published predictions and weights."""

from __future__ import annotations

from registry.provenance.checks.listing.row import Listed

_AGAIN = "the figures, computed again from the published predictions ([metrics.md](metrics.md))"
_STATED = "whether the predictions are the weights': level 7"

ROWS = (
    Listed(
        "6.metrics",
        "metrics and intervals, pooled and by fold, equal the recomputed ones",
        _AGAIN,
        "a figure or an interval was changed",
        _STATED,
    ),
    Listed(
        "6.thresholds",
        "each fold's threshold follows from the plan's rule",
        _AGAIN,
        "a threshold was chosen on the images that it judges",
        _STATED,
    ),
    Listed(
        "6.confusion", "the confusion matrix equals the recomputed one", _AGAIN, "a cell of it was changed", _STATED
    ),
    Listed(
        "6.optimistic",
        "the values at the best threshold equal the recomputed ones",
        _AGAIN,
        "what the best threshold would give was changed",
        _STATED,
    ),
    Listed(
        "6.repeats",
        "each repeat's figures and their spread equal the recomputed ones",
        _AGAIN,
        "a repeat was left out or changed",
        _STATED,
    ),
    Listed(
        "6.overfitting",
        "the losses follow from the histories of the trainings",
        "the histories of the release's trainings",
        "the losses are of other trainings, or changed",
        "whether the histories are true: level 8",
    ),
    Listed(
        "6.curves",
        "every point of every curve equals the recomputed one",
        _AGAIN,
        "a curve was drawn otherwise",
        _STATED,
    ),
    Listed(
        "6.fairness",
        "the fairness figures and the notes equal the recomputed ones",
        _AGAIN,
        "a difference between groups, or a warning, was changed or left out",
        "differences by attributes that nobody gave",
    ),
    Listed(
        "6.tests",
        "the tests of each group against the rest equal the recomputed ones",
        _AGAIN,
        "a p-value or its correction was changed",
        _STATED,
    ),
    Listed(
        "6.verdicts",
        "the verdicts on the claims follow from the figures",
        "the claims of the plan, judged again",
        "a claim is called supported that the figures do not support",
        _STATED,
    ),
    Listed(
        "6.card",
        "the model card is the one that the records produce",
        "the card, made again, byte for byte",
        "the card says something that the records do not",
        "the section that the method writes, where that is not installed",
    ),
    Listed(
        "6.weights",
        "the published weights have the digests and classes of their trainings",
        "sha256 over the tensors, taken from the published bytes",
        "other tensors, exchanged folds, other classes or another architecture than stated; a pickle or any further "
        "file; bytes that belong to no tensor",
        "whether these weights came from this training (level 8) or give these predictions (level 7)",
    ),
    Listed(
        "6.base",
        "the base weights are a weights folder",
        "the form of such a folder",
        "the base weights hold something else",
        "what they were trained on: `4.base`",
    ),
    Listed(
        "6.onnx",
        "the ONNX file computes what the final weights compute",
        "nothing yet: an ONNX file has no comparable digest of tensors",
        "it is listed, and not checked, where an ONNX file is published",
        "what the ONNX file computes",
    ),
    Listed(
        "6.checkpoints",
        "each published checkpoint has the digest that its training's history states",
        "sha256 over the saved state, taken from its bytes",
        "a checkpoint of another training, or a changed one",
        "whether this training leads to it: level 8",
    ),
)
