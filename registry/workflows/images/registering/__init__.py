"""From labeled rows to a signed contribution: grouping, comparing with the catalog, writing in steps."""
