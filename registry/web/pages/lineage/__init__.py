"""What the page of a lineage shows."""
