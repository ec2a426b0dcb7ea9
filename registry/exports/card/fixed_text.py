"""The fixed text of every card: use, prohibition, law, limits, licence.

Source: Regulation (EU) 2024/1689 (the AI Act), Articles 5(1)(f), 11, 50(3), Annex III point 1(c), Annex IV points 1-9.
"""

from __future__ import annotations

USE = """\
## Intended use

To study how such models are made, measured and checked. The model finds faces in a picture and assigns each to one of
the classes below. The classes are labels that people gave to pictures; the model does not know what anybody feels.

## Not for

**Workplace and education: prohibited.** The EU AI Act (Regulation (EU) 2024/1689, Article 5(1)(f)) prohibits systems
that infer emotions of people there, except for medical or safety reasons. Elsewhere a system that recognises emotions
from faces is **high-risk** (Annex III, 1(c)), with obligations for its providers and deployers, and people must be
informed that it is in use (Article 50(3)). No decision about a person should rest on this model.
"""
LICENCE = """\
## Licence

The weights are offered under {licence}{why}."""
# What a licence asks of those who distribute the weights, by its SPDX name.
DUTIES = {
    "AGPL-3.0-only": " Anyone who distributes them, changed or not, must do so under the same licence. Anyone who "
    "lets others use them over a network must offer those users the corresponding source.",
}
PHOTOGRAPHS = """ The photographs keep the licences that their contributors state; the files of
the weights contain no photograph.
"""
LIMITS = """\
## Limits

- Balance between classes is not fairness between people: only the groups in the tables above were looked at.
- Pooled figures describe the procedure over all folds. They are not the figures of the published weights.
- Labels are what people said of pictures; other pictures, cameras and people may give other figures.
- An anchor proves that a record existed by a certain time, not that its content is true.
"""
ANNEX_INTRO = """\
## EU AI Act: what Annex IV asks for

The provider of a high-risk system must keep technical documentation (Article 11) with the items below. A release is a
model and its records, not a system on the market: it has no provider in the Act's sense, and this table is no legal
advice. It says what the records give, and what a provider would have to add.
"""
# Annex IV's points 1 to 9: the item, what the release's records give, what a provider must add.
ANNEX = (
    (
        "1. General description",
        "Purpose (above), version (the release's CID; `supersedes` names the one before), software (the plan's code "
        "and environment), form (weights as files).",
        "Provider's name, the product around it, its hardware and interface, instructions for use.",
    ),
    (
        "2. Elements and development process",
        "Method, recipe, base weights, seed, resources (training records); data, their origin, labelling and cleaning "
        "(snapshot, contributions, preprocessing with a reason for each image left out); validation, signed and dated.",
        "Design choices of the system, how people oversee it (Article 14), cybersecurity, consent and rights in the "
        "photographs where contributors state none.",
    ),
    (
        "3. Monitoring, functioning, control",
        "Figures by class and by declared group with intervals, what is not estimable, the intended input (one "
        "upright picture with a face), limits.",
        "Foreseeable misuse in the place of use, risks to health, safety and rights, measures of oversight.",
    ),
    (
        "4. Are the metrics appropriate",
        "Each metric's definition, the plan's choice before the folds were drawn, intervals, and the optimistic value "
        "beside the reported one.",
        "Why these metrics fit the place of use.",
    ),
    ("5. Risk management (Article 9)", "Nothing: records do not manage risks.", "All of it."),
    (
        "6. Changes through the lifecycle",
        "Every release, withdrawal and audit as a signed entry in one log; `emotionet release compare` says what "
        "changed.",
        "Changes of the system around the model.",
    ),
    (
        "7. Standards applied",
        "No harmonised standard was applied. Formats: Croissant, W3C PROV, IPLD, and those of the weights.",
        "Harmonised standards, or how else Chapter III, Section 2 is met.",
    ),
    (
        "8. Declaration of conformity (Article 47)",
        "None was made.",
        "The declaration, after the conformity assessment.",
    ),
    (
        "9. Post-market monitoring (Article 72)",
        "Anyone can audit a release and publish the verdict; a withdrawal shows which releases it affects.",
        "The monitoring plan, and a person responsible for it.",
    ),
)
