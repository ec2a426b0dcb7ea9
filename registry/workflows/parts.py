"""The parts that a workflow works with. ``registry.assembly`` chooses the concrete ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # a part is made when it is asked for, and what it is of is loaded then
    from registry.catalog.database.database import Catalog
    from registry.core.log import Signer
    from registry.core.ports.anchor import Anchors
    from registry.core.ports.beacon import Beacons
    from registry.core.ports.method import Method
    from registry.core.ports.store import BlockReader, BlockStore
    from registry.jobs.engines import Engine
    from registry.jobs.queue import Queue
    from registry.provenance.evidence.shown import Trust
    from registry.settings import Settings


class Parts(Protocol):
    """The parts of one home. Each is made when it is first asked for."""

    @property
    def settings(self) -> Settings: ...
    @property
    def store(self) -> BlockStore: ...
    @property
    def source(self) -> BlockReader | None:
        """Where what is not held is fetched from; None if nothing is set up."""
        ...

    @property
    def catalog(self) -> Catalog: ...
    @property
    def queue(self) -> Queue: ...
    @property
    def key(self) -> Signer:
        """This home's publishing key; if there is none, it is created and its path is printed on stderr.

        It is read where a command, a request or a job begins. Everything below is given the signer, or its issuer.
        """
        ...

    @property
    def anchors(self) -> Anchors:
        """Where anchors are looked up: the chain, or this home's journal."""
        ...

    @property
    def places(self) -> tuple[Anchors, ...]:
        """Every place where entries are anchored, those that prove most first; at least one."""
        ...

    def places_of(self, issuer: str) -> tuple[Anchors, ...]:
        """As ``places``, to anchor as this issuer. ``Conflict`` (``key_missing``) without its key."""
        ...

    @property
    def beacons(self) -> Beacons | None:
        """What draws mix beside the block of the plan's anchor; None if nothing is set up."""
        ...

    @property
    def trust(self) -> Trust:
        """What this machine trusts where evidence is checked."""
        ...

    def anchors_of(self, issuer: str) -> Anchors:
        """Where entries are anchored as this issuer. ``Conflict`` (``key_missing``) without its key."""
        ...

    def method(self, name: str) -> Method:
        """A training method by its entry point's name. ``NotFound`` if it is not installed."""
        ...

    def engine(self, name: str | None) -> Engine:
        """Where a run's steps are computed. ``Unavailable`` if it is not installed, or can't be reached."""
        ...

    def now(self) -> str:
        """RFC 3339, UTC, seconds."""
        ...
