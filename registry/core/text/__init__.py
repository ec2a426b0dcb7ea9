"""What people write, and its one spelling: cleaned text, names of records, names of figures, claims."""
