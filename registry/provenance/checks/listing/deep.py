"""Levels 5, 7 and 8: what is made again from pictures, weights and recipe."""

from __future__ import annotations

from registry.provenance.checks.listing.row import Listed

ROWS = (
    Listed(
        "5.pixels",
        "running the preprocessing again gives the same pixels",
        "the images, preprocessed again by the plan's recipe",
        "pixels, boxes or groups are not those of the images",
        "everything, until this version can make it",
    ),
    Listed(
        "5.dropped",
        "cleaning again drops the same images",
        "the images, measured again by the plan's recipe",
        "hard images were dropped as noise, or noise was kept",
        "everything, until this version can make it",
    ),
    Listed(
        "7.predictions",
        "running the weights again gives the published predictions",
        "the published weights of each fold, run on the images that it judged: equal to the bit on the stated kind of "
        "processor, elsewhere within the measured tolerance",
        "predictions were made up or improved, or are of other weights",
        "how the weights came about: level 8; a refit's weights, which judged nobody",
    ),
    Listed(
        "7.onnx",
        "the ONNX file sees in the images what its weights see",
        "the weights that it states, run beside it on the same images, within the tolerance of the export",
        "the ONNX file computes something else than the release",
        "what it does with images that are not looked at",
    ),
    Listed(
        "8.training",
        "training a fold again gives the published history",
        "a fold, or its first epochs, trained again: losses and digests of states equal to the bit on the stated kind "
        "of processor, elsewhere within the measured tolerance; of a whole fold weights and predictions too",
        "the history is made up, or the weights come from another training",
        "the folds and epochs that were not trained again",
    ),
)
