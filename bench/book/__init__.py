"""The book at /docs: how it is built, and what of its reference is made from the code."""
