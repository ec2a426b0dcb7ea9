"""Level 4: what follows from the records alone."""

from __future__ import annotations

from registry.provenance.checks.listing.row import Listed

ROWS = (
    Listed(
        "4.items",
        "every item follows from the contributions by the snapshot's rule",
        "the contributions that the snapshot names, resolved and selected again",
        "labels, persons or rights were changed on the way, a correction was undone, or an image is said to be "
        "withdrawn that nobody withdrew",
        "whether bytes that the issuer calls missing were missing",
    ),
    Listed(
        "4.prepared",
        "every item was preprocessed once, and no person is in two groups",
        "the items, their persons and boxes",
        "one person can be trained on and judged in one fold, or boxes are not those of the items",
        "whether pixels, near-duplicates and dropped images are right: level 5",
    ),
    Listed(
        "4.recipe",
        "the recipe's evaluation settings are within their bounds",
        "fixed bounds for rounds, confidence, folds, thresholds and groups",
        "settings with which figures mean nothing",
        "that the settings were wise",
    ),
    Listed(
        "4.plan",
        "the plan asks for every group and every metric, and follows its recipe",
        "the recipe, the items' attributes, the list of all metrics",
        "figures or groups were left out, or a claim is about what is not there",
        "claims that nobody made",
    ),
    Listed(
        "4.arguments",
        "each training's arguments, epochs and seed are the recipe's",
        "the installed method's own comparison",
        "the trainings state that they ran otherwise than planned",
        "whether they ran as they state: level 8",
    ),
    Listed(
        "4.draw",
        "the draw's seed follows from the plan and the beacons",
        "sha256 of the plan's CID, its seed and the beacons' values",
        "the seed was chosen",
        "whether the beacon is genuine: level 3",
    ),
    Listed(
        "4.folds",
        "the folds follow from the seed, the groups and the labels",
        "the draw, made again",
        "somebody chose who is judged in which fold",
        "whether the groups are right: level 5",
    ),
    Listed(
        "4.trainings",
        "every fold was trained exactly once, on this draw",
        "the folds that the recipe asks for",
        "a fold is missing, or was trained twice and the better one kept",
        "trainings that were thrown away",
    ),
    Listed(
        "4.predictions",
        "every image was judged by the fold that was not trained on it",
        "folds, items and boxes",
        "an image was left out, judged twice, by another fold, or with another truth",
        "whether the weights predict this: level 7",
    ),
    Listed(
        "4.base",
        "the plan states which judged images the base weights have seen",
        "the trainings that gave the base weights, as far as they are at hand",
        "the base weights were trained on judged images, and the plan does not say so",
        "what base weights of unknown origin have seen ([base-weights.md](base-weights.md))",
    ),
    Listed(
        "4.attempts",
        "the release states how many similar plans its issuer signed before it",
        "the issuer's whole log ([claims.md](claims.md))",
        "earlier attempts were concealed",
        "attempts by other identities; without the whole log it is not checked",
    ),
)
