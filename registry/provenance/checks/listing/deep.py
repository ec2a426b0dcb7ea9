"""Levels 5, 7 and 8: what is made again from pictures, weights and recipe."""

from __future__ import annotations

from registry.provenance.checks.listing.row import Listed

ROWS = (
    Listed(
        "5.pixels",
        "running the preprocessing again gives the same pixels",
        "the images, preprocessed again by the plan's recipe: digests of pixels, sizes, boxes, and groups",
        "what was trained on and judged was not made of these images, or near-duplicates were parted",
        "that the pixels were used: levels 7 and 8. Groups, where not all images were looked at",
    ),
    Listed(
        "5.dropped",
        "cleaning again drops the same images",
        "the images, measured again by the plan's recipe: the reason and the measured value",
        "hard images were dropped as if they were noise, or noise and copies were kept",
        "that the recipe's thresholds were fair. Copies that were kept, where not all images were looked at",
    ),
    Listed(
        "5.rights",
        "what rows say of pictures' rights is what the pictures say",
        "the metadata in the pictures: TDMRep, IPTC, C2PA, licence",
        "a picture's no was hidden, or a no was made up to leave a picture out",
        "what owners say elsewhere; pictures that are not in the snapshot; credentials that could not be read",
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
