"""Level 4: what follows from the records alone: items, plan, folds, base weights. One module a subject."""
