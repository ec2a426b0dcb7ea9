"""What the vectors of docs/format.md are: a module a family, each with the answers of our code."""
