"""What nobody knew before a moment: rounds of drand, fetched from relays and verified by keys that come along."""
