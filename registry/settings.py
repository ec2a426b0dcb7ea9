"""What the environment says, read once into one frozen value. Nothing is read at import.

Every setting is optional: the defaults are embedded and need no server. Secrets come from files or
the environment and are never printed (``repr`` leaves them out).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from registry.core.errors import UsageError

FOLDS_OF_A_CLUSTER = 64
STORES = ("embedded", "kubo", "s3")  # where blocks may be kept: parts of ``assembly.Home`` by these names
RESTORING = "restoring"  # a folder of a home into which a backup is being restored: nothing else opens it then
DEFAULT_METHOD = "yolov8"  # the one that comes with Emotionet, where none is named


@dataclass(frozen=True)
class Settings:
    """All settings. Paths are absolute; seconds and counts are plain numbers."""

    home: Path
    database_url: str = field(repr=False)  # may hold a password
    ipfs_api: str | None = field(default=None, repr=False)  # a Kubo node that keeps the blocks instead of this home
    s3: str | None = None  # a bucket that keeps them, s3://bucket/prefix; the node is then only read from and synced to
    s3_endpoint: str | None = field(default=None, repr=False)  # may hold a password; None: Amazon's of the region
    s3_region: str | None = None
    s3_key: str | None = field(default=None, repr=False)
    s3_secret: str | None = field(default=None, repr=False)
    gateways: tuple[str, ...] = ()  # trustless gateways to fetch from
    chain_rpc: str | None = field(default=None, repr=False)  # may hold an API key
    chain_contract: str | None = None
    signer: str | None = field(default=None, repr=False)  # what signs transactions over JSON-RPC; may hold a password
    tsa: tuple[str, ...] = field(default=(), repr=False)  # timestamp authorities; an address may hold a password
    tsa_roots: Path | None = None  # PEM: whom to trust for timestamps; None: this system's certificates
    ots: tuple[str, ...] = field(default=(), repr=False)  # OpenTimestamps calendars
    bitcoin_headers: Path | None = None  # lines of a height and a block's header, as the auditor has them
    trusted_blocks: tuple[str, ...] = ()  # CHAIN:HASH, blocks of chains that an audit here trusts
    drand: str | None = None  # the drand network that draws mix, by its name or hash; None: none
    drand_relays: tuple[str, ...] = ()  # where its rounds are fetched; none named: the public ones
    drand_networks: Path | None = None  # networks that are trusted beside quicknet, as relays describe them at /info
    passphrase: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)  # of another registry, for `import --server`
    key: str | None = field(default=None, repr=False)  # the publishing key; None: the one that lies in the home
    key_file: Path | None = None  # where it came from
    parallel_folds: int = 0  # 0: see ``at_once``
    lease_seconds: float = 30.0
    checkpoint_seconds: float = 300.0  # between two checkpoints of a fold that are kept as blocks, for other machines
    ray_address: str | None = None  # of a Ray cluster; None: one is started on this machine
    finality_seconds: float = 1800.0
    follow_seconds: float = 300.0  # between two looks at logs that are followed
    accounts: tuple[tuple[str, tuple[str, ...]], ...] = ()  # wallets that may sign in, with their scopes
    public_url: str | None = None  # where others reach the pages, as scheme and host: what a wallet signs in to
    sign_in_chain: int = 1  # the chain that a wallet must name
    trusted_proxies: tuple[str, ...] = ()  # addresses whose X-Forwarded-For counts
    address_limit: int | None = None  # requests of one network address in a minute; 0: any number
    token_limit: int = 60_000  # and of one token
    witnesses: tuple[str, ...] = ()  # whose cosignatures count: VKEY, or VKEY=URL of those that are asked for them
    witness_logs: tuple[str, ...] = ()  # issuers whose checkpoints this server cosigns for whoever asks; any: all
    log: str = "info"  # from which level on a server and a worker tell what they do
    log_format: str = "text"

    @property
    def proves_to_others(self) -> bool:
        """Whether entries are anchored where others can look: by a contract on a chain, not in this home's
        journal. A node alone is asked for contract wallets that sign in, and for nothing else."""
        return self.chain_rpc is not None and self.chain_contract is not None

    @property
    def has_evidence_for_others(self) -> bool:
        """Whether anything shows others when an entry was there: a chain, an authority or a calendar."""
        return self.proves_to_others or bool(self.tsa or self.ots)

    @property
    def blocks(self) -> Path:
        """Where the embedded block store lies."""
        return self.home / "blocks"

    @property
    def store(self) -> str:
        """Which of ``STORES`` keeps the blocks."""
        return "s3" if self.s3 else "kubo" if self.ipfs_api else "embedded"

    @property
    def database_is_shared(self) -> bool:
        """Whether other machines may use the catalog too: it is a server's, not a file."""
        return not self.database_url.startswith("sqlite")

    @property
    def blocks_are_shared(self) -> bool:
        """Whether other machines reach the blocks too, without this home's folder."""
        return self.store != "embedded"

    @property
    def holds_nothing_yet(self) -> bool:
        """Whether blocks are kept in this home and none ever was."""
        return self.store == "embedded" and not self.blocks.is_dir()

    def scratch(self, folder: Path) -> Settings:
        """The same for a home in ``folder`` that keeps its blocks and its catalog there, and fetches nothing."""
        database = f"sqlite:///{folder / 'catalog.sqlite'}"
        return replace(self, home=folder, database_url=database, ipfs_api=None, s3=None, key=None, gateways=())

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of services elsewhere. Each may contain a password or an API key."""
        single = (self.database_url, self.ipfs_api, self.s3_endpoint, self.chain_rpc, self.signer)
        return (*(one for one in single if one), *self.gateways, *self.tsa, *self.ots)

    @property
    def work(self) -> Path:
        """Scratch space of running jobs; may be deleted when none runs."""
        return self.home / "work"

    @property
    def cache(self) -> Path:
        """What was worked out of the home's content and can be again; may be deleted at any time."""
        return self.home / "cache"

    @property
    def reserve(self) -> Path:
        """A file that is deleted when the disk is full, to make space."""
        return self.home / "reserve"

    def on_cluster(self, engine: str | None) -> bool:
        """Whether an engine's folds are done by machines other than this one."""
        return engine == "ray" and bool(self.ray_address)

    def at_once(self, engine: str | None) -> int:
        """How many folds are requested side by side.

        On this machine one and a half times the number of processors: three folds on two processors end sooner in
        parallel than two followed by one. Of a cluster many: a fold for which no processor is free waits in Ray's
        queue.
        """
        if self.parallel_folds:
            return self.parallel_folds
        processors = os.cpu_count() or 1
        return FOLDS_OF_A_CLUSTER if self.on_cluster(engine) else processors + processors // 2


def _secret(environment: Mapping[str, str], name: str, *, whole: bool = False) -> str | None:
    """A value given directly or, with ``_FILE``, as the first line of a file (``whole``: as all of it)."""
    path = environment.get(f"{name}_FILE")
    if not path:
        return environment.get(name) or None
    try:
        text = Path(path).read_text(encoding="utf-8")
        return text if whole and text.strip() else text.splitlines()[0].strip()
    except (OSError, IndexError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{name}_FILE names {path}, which can't be read", hint="correct the path or the file."
        ) from error


def _several(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Values with commas or spaces between, each once."""
    return tuple(dict.fromkeys((environment.get(name) or "").replace(",", " ").split()))


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    return Path(environment[name]) if environment.get(name) else None


def _accounts(environment: Mapping[str, str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """``0x…=scope,scope`` again and again, with spaces between."""
    found = []
    for one in (environment.get("EMOTIONET_ACCOUNTS") or "").split():
        address, given, scopes = one.partition("=")
        if not given or not scopes:
            raise UsageError(
                f"EMOTIONET_ACCOUNTS has {one!r}, which names no scopes", hint="write 0x…=images:write,runs:write."
            )
        found.append((address, tuple(scopes.split(","))))
    return tuple(found)


def _public_url(environment: Mapping[str, str]) -> str | None:
    """A scheme and a host, as a browser's origin is written."""
    text = (environment.get("EMOTIONET_PUBLIC_URL") or "").rstrip("/")
    if text and not re.fullmatch(r"https?://[a-z0-9.:\[\]-]+", text):
        raise UsageError(
            f"EMOTIONET_PUBLIC_URL can't be {text!r}", hint="write scheme and host, like https://registry.example."
        )
    return text or None


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError as error:
        raise UsageError(
            f"{name} must be a number, not {text!r}", hint="set it to a number, or leave it out."
        ) from error
    if not 0 <= value < 1e9:
        raise UsageError(
            f"{name} must lie between 0 and 1e9, not {text!r}", hint="set it to a number between them, or leave it out."
        )
    return value


def _one_of(environment: Mapping[str, str], name: str, words: tuple[str, ...]) -> str:
    """One of the words, the first unless another is given."""
    text = (environment.get(name) or words[0]).strip().lower()
    if text not in words:
        raise UsageError(f"{name} can't be {text!r}", hint=f"use one of {', '.join(words)}.")
    return text


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment (``os.environ`` unless given). ``UsageError`` names a bad variable."""
    given = os.environ if environment is None else environment
    home = Path(given.get("EMOTIONET_HOME") or Path.home() / ".emotionet").expanduser().absolute()
    limit = _number(given, "EMOTIONET_ADDRESS_LIMIT", -1)
    return Settings(
        home=home,
        database_url=_secret(given, "EMOTIONET_DATABASE_URL") or f"sqlite:///{home / 'catalog.sqlite'}",
        ipfs_api=_secret(given, "EMOTIONET_IPFS_API"),
        s3=given.get("EMOTIONET_S3") or None,
        s3_endpoint=given.get("EMOTIONET_S3_ENDPOINT") or None,
        s3_region=given.get("EMOTIONET_S3_REGION") or None,
        s3_key=_secret(given, "EMOTIONET_S3_KEY"),
        s3_secret=_secret(given, "EMOTIONET_S3_SECRET"),
        gateways=_several(given, "EMOTIONET_GATEWAYS"),
        chain_rpc=_secret(given, "EMOTIONET_CHAIN_RPC"),
        chain_contract=given.get("EMOTIONET_CHAIN_CONTRACT") or None,
        signer=_secret(given, "EMOTIONET_SIGNER"),
        tsa=_several(given, "EMOTIONET_TSA"),
        tsa_roots=_path(given, "EMOTIONET_TSA_ROOTS"),
        ots=_several(given, "EMOTIONET_OTS"),
        bitcoin_headers=_path(given, "EMOTIONET_BITCOIN_HEADERS"),
        trusted_blocks=_several(given, "EMOTIONET_TRUSTED_BLOCKS"),
        drand=(given.get("EMOTIONET_DRAND") or "").strip().lower() or None,
        drand_relays=_several(given, "EMOTIONET_DRAND_RELAYS"),
        drand_networks=_path(given, "EMOTIONET_DRAND_NETWORKS"),
        passphrase=_secret(given, "EMOTIONET_PASSPHRASE"),
        token=_secret(given, "EMOTIONET_TOKEN"),
        key=_secret(given, "EMOTIONET_KEY", whole=True),
        key_file=_path(given, "EMOTIONET_KEY_FILE"),
        parallel_folds=int(_number(given, "EMOTIONET_PARALLEL_FOLDS", 0)),
        ray_address=given.get("EMOTIONET_RAY_ADDRESS") or None,
        lease_seconds=_number(given, "EMOTIONET_LEASE_SECONDS", 30.0),
        checkpoint_seconds=_number(given, "EMOTIONET_CHECKPOINT_SECONDS", 300.0),
        finality_seconds=_number(given, "EMOTIONET_FINALITY_SECONDS", 1800.0),
        follow_seconds=_number(given, "EMOTIONET_FOLLOW_SECONDS", 300.0),
        accounts=_accounts(given),
        public_url=_public_url(given),
        sign_in_chain=int(_number(given, "EMOTIONET_SIGN_IN_CHAIN", 1)),
        trusted_proxies=_several(given, "EMOTIONET_TRUSTED_PROXIES"),
        address_limit=None if limit < 0 else int(limit),
        token_limit=int(_number(given, "EMOTIONET_TOKEN_LIMIT", 60_000)),
        witnesses=tuple((given.get("EMOTIONET_WITNESSES") or "").split()),
        witness_logs=tuple((given.get("EMOTIONET_WITNESS_LOGS") or "").replace(",", " ").split()),
        log=_one_of(given, "EMOTIONET_LOG", ("info", "debug", "warning", "error")),
        log_format=_one_of(given, "EMOTIONET_LOG_FORMAT", ("text", "json")),
    )
