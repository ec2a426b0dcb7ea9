"""Level 6: what is computed again from what was published: figures, card, weights. One module a subject."""
