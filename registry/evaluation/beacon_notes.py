"""What a draw tells while it gets its round of drand, as notes."""

from __future__ import annotations

from registry.core.records import Note


def relay_lies(relay: str, number: int) -> Note:
    """A relay (its host) answered with something else than the genuine round."""
    return Note(code="relay_lies", values={"relay": relay, "round": number})


def waiting_for_round(network: str, number: int, due: str) -> Note:
    """No relay has a round yet, or none answers; ``due``: when the network publishes it."""
    return Note(code="waiting_for_round", values={"network": network, "round": number, "due": due})
