"""Transparency logs (RFC 6962 trees, C2SP notes, checkpoints, proofs, tiles): pure, bytes in and values out."""
