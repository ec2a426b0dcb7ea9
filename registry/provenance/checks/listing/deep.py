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
        "the published weights, run on the judged images",
        "predictions were made up or improved",
        "everything, until this version can make it",
    ),
    Listed(
        "8.training",
        "training a fold again gives figures within the tolerance",
        "the recipe, trained again",
        "weights come from another training than stated",
        "everything, until this version can make it",
    ),
)
