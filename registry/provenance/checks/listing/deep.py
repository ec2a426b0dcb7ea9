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
