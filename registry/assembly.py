"""The only place where concrete parts are chosen: from settings to the parts that workflows are given.

Invariants: nothing is opened, created or imported before it is needed, so ``emotionet fetch`` needs neither a key nor
torch. A part that is not available raises an error with a hint; it is never replaced by something else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from registry.core.errors import Conflict, NotFound, Unavailable, UsageError
from registry.core.extras import need
from registry.settings import RESTORING, STORES, Settings, read_settings

if TYPE_CHECKING:
    from registry.catalog.database.database import Catalog
    from registry.content.stores.embedded import EmbeddedStore
    from registry.content.stores.kubo import KuboStore
    from registry.content.stores.s3.store import S3Store
    from registry.core.ports.anchor import Anchors
    from registry.core.ports.beacon import Beacons
    from registry.core.ports.method import Method
    from registry.core.ports.store import BlockReader, BlockStore
    from registry.jobs.engines import Engine
    from registry.jobs.queue import Queue
    from registry.jobs.worker import Worker
    from registry.provenance.anchors.chain import Chain
    from registry.provenance.anchors.transactions import TransactionKey
    from registry.provenance.evidence.shown import Trust
    from registry.provenance.keys.keys import Key


def utc_now() -> str:
    """RFC 3339, UTC, seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Home:
    """The parts of one home; implements ``registry.workflows.parts.Parts``."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def now(self) -> str:
        """RFC 3339, UTC, seconds."""
        return utc_now()

    def _folder(self) -> Path:
        home = self.settings.home
        try:
            home.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            hint = "name a folder that can be made and written: EMOTIONET_HOME=FOLDER."
            why = "it is a file" if home.is_file() else error.strerror or str(error)
            raise Unavailable(f"the home {home} can't be made: {why}", code="no_home", hint=hint) from error
        if (home / RESTORING).exists():
            raise Unavailable(
                f"a restore into {home} was not finished",
                code="restoring",
                hint="run the same `emotionet restore FILE` again.",
            )
        return home

    @cached_property
    def embedded(self) -> EmbeddedStore:
        """The block store in this home."""
        from registry.content.stores.embedded import EmbeddedStore

        self._folder()
        return EmbeddedStore(self.settings.blocks)

    @cached_property
    def kubo(self) -> KuboStore:
        """The IPFS node that EMOTIONET_IPFS_API names."""
        need("kubo", "an IPFS node")
        from registry.content.stores.kubo import KuboStore

        if self.settings.ipfs_api is None:
            raise UsageError("no IPFS node is configured", hint="set EMOTIONET_IPFS_API, like /ip4/127.0.0.1/tcp/5001.")
        return KuboStore(self.settings.ipfs_api)

    @cached_property
    def s3(self) -> S3Store:
        """The bucket that EMOTIONET_S3 names."""
        need("s3", "a bucket")
        from registry.content.stores.s3.bucket import Bucket, Place
        from registry.content.stores.s3.store import S3Store

        given = self.settings
        if given.s3 is None:
            raise UsageError("no bucket is configured", hint="set EMOTIONET_S3, like s3://bucket/prefix.")
        self._folder()
        place = Place(given.s3, given.s3_endpoint, given.s3_region, given.s3_key, given.s3_secret)
        return S3Store(Bucket(place), given.cache / "s3")

    @property
    def store(self) -> BlockStore:
        """Where blocks are kept: as the settings say, in this home unless another place is set up."""
        return cast("BlockStore", getattr(self, self.settings.store))

    @cached_property
    def source(self) -> BlockReader | None:
        """Where missing blocks are fetched from: gateways, or the IPFS node's peers. None if neither is configured."""
        if self.settings.gateways:
            from registry.content.sources.gateway import GatewayClient

            return GatewayClient(self.settings.gateways)
        return self.kubo.network() if self.settings.ipfs_api else None

    @cached_property
    def catalog(self) -> Catalog:
        """The catalog, its schema brought up to date."""
        from registry.catalog.database.database import Catalog

        self._folder()
        catalog = Catalog(self.settings.database_url)
        catalog.upgrade()
        return catalog

    @cached_property
    def queue(self) -> Queue:
        """The queue of jobs, in the catalog's database."""
        from registry.jobs.queue import Queue

        return Queue(self.catalog)

    @cached_property
    def key(self) -> Key:
        """The publishing key, a secret's or this home's; where there is none, one is created and its path is printed on
        stderr.
        """
        from registry.workflows.keys.open_key import open_key

        if self.settings.key is None:
            self._folder()
        return open_key(self)

    @cached_property
    def chain(self) -> Chain:
        """The chain that EMOTIONET_CHAIN_RPC names. Transactions are stored in the catalog's database before they are
        sent.
        """
        from registry.catalog.transactions import CatalogOutbox
        from registry.provenance.anchors.ethereum import connect

        return connect(self.settings, self._pays, CatalogOutbox(lambda: self.catalog, self._has_catalog))

    def _pays(self) -> TransactionKey:
        """What signs transactions: the publishing key, here or where EMOTIONET_SIGNER holds it too."""
        from registry.provenance.anchors.remote_signer import RemoteKey

        given = self.settings.signer
        return self.key if given is None else RemoteKey(given, self.key.address)

    def _has_catalog(self) -> bool:
        from registry.catalog.database.engines import is_there

        return is_there(self.settings.database_url)

    @cached_property
    def anchors(self) -> Anchors:
        """The chain where one and a contract are set up, otherwise the embedded journal."""
        if self.settings.proves_to_others:
            return cast("Anchors", self.chain)
        from registry.provenance.anchors.journal import Journal

        return Journal(self._folder() / "journal.jsonl", lambda: self.key.address)

    @cached_property
    def trust(self) -> Trust:
        """What this machine trusts where evidence is checked."""
        from registry.workflows.audit.trust_roots import trust_of

        return trust_of(self.settings)

    @cached_property
    def beacons(self) -> Beacons | None:
        """The drand network that EMOTIONET_DRAND names, over its relays; None where it names none."""
        given = self.settings
        if given.drand is None:
            return None
        from registry.provenance.beacons.networks import named_in
        from registry.provenance.beacons.relays import RELAYS, Relays

        return Relays(named_in(self.trust.networks(), given.drand), given.drand_relays or RELAYS)

    @cached_property
    def places(self) -> tuple[Anchors, ...]:
        """Every place where entries are anchored: the chain, the authorities, the calendars; without any the
        journal."""
        given = self.settings
        found: list[Anchors] = [self.anchors] if given.proves_to_others or not given.has_evidence_for_others else []
        return (*found, *self._timestamps()) if given.tsa or given.ots else tuple(found)

    def _timestamps(self) -> list[Anchors]:
        from registry.catalog.stamps import CatalogStamps
        from registry.provenance.anchors.timestamp.authority import TimestampAuthority
        from registry.provenance.anchors.timestamp.calendar import Calendar

        def address() -> str:
            return self.key.address

        given, kept = self.settings, CatalogStamps(lambda: self.catalog, self._has_catalog)
        found: list[Anchors] = []
        found += [TimestampAuthority(url, kept, address, lambda: self.trust.certificates()) for url in given.tsa]
        found += [Calendar(url, kept, address, lambda height: self.trust.header(height)) for url in given.ots]
        return found

    def places_of(self, issuer: str) -> tuple[Anchors, ...]:
        """The places, where entries are anchored as this issuer; as ``anchors_of``."""
        self.anchors_of(issuer)
        return self.places

    def anchors_of(self, issuer: str) -> Anchors:
        """Where entries are anchored as this issuer; ``Conflict`` (``key_missing``) if its key is not this home's."""
        if issuer != self.key.did:
            raise Conflict(
                f"this home does not hold the key of {issuer}",
                code="key_missing",
                hint="run this in the home that holds the key.",
            )
        return self.anchors

    def method(self, name: str) -> Method:
        """A training method by its entry point's name; ``NotFound`` if it is not installed."""
        from registry.workflows.methods import installed

        return installed(name)

    def engine(self, name: str | None) -> Engine:
        """Where a run's steps are computed. None: recorded before engines could be chosen; such runs were local."""
        if name == "ray":
            return self._ray
        if name not in ("local", None):
            raise NotFound(f"there is no engine {name!r}", hint="use local or ray.")
        return self._local

    @cached_property
    def _local(self) -> Engine:
        from registry.jobs.capacity import MemoryBudget, memory_for_children
        from registry.jobs.engines.local import LocalEngine

        return LocalEngine(MemoryBudget(memory_for_children(), self.settings.at_once("local")))

    @cached_property
    def _ray(self) -> Engine:
        from registry.jobs.engines.ray import RayEngine

        return RayEngine(self.settings.ray_address)

    def worker(self) -> Worker:
        """A worker of this machine that does every step of a run."""
        from registry.workflows.training.steps import worker_of
        from registry.workflows.withdrawals.remove_bytes import finish_removals

        finish_removals(self)
        return worker_of(self)

    def close(self) -> None:
        """Let go of what was opened."""
        for name in ("catalog", *STORES):
            if name in self.__dict__:
                self.__dict__[name].close()


def open_home(settings: Settings | None = None) -> Home:
    """The home that the environment (or ``settings``) names."""
    return Home(settings or read_settings())
