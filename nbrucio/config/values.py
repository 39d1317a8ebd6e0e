"""The configuration as values: instances, their logins, and the policy of this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

from nbrucio.config.mount import Mount
from nbrucio.config.name_errors import ambiguous, no_default, unknown_instance
from nbrucio.core.address import Address, address_of, canonical, read_address
from nbrucio.core.did import Did
from nbrucio.core.download_limit import OWN_LIMIT, LimitOrigin
from nbrucio.core.rse_choice import RseChoice
from nbrucio.core.scope_rule import ScopeRule
from nbrucio.errors import BadConfig, UsageError


def exactly(instances: Sequence[Instance], wanted: str) -> tuple[Instance, ...]:
    """Return the instances named ``wanted``: by identity, else by short name, else by alias, else by URL and VO."""
    plain, identity = wanted.strip().lower(), canonical(wanted)
    kinds: tuple[Callable[[Instance], bool], ...] = (
        lambda one: one.identity == identity,
        lambda one: one.name.lower() == plain,
        lambda one: plain in (alias.lower() for alias in one.aliases),
        lambda one: one.address.identity() == identity,
    )
    found = (tuple(filter(kind, instances)) for kind in kinds)
    return next(filter(None, found), ())


def loosely(instances: Sequence[Instance], wanted: str) -> tuple[Instance, ...]:
    """Return the instances whose URL and VO match the parts that ``wanted`` contains."""
    written = read_address(wanted)
    return () if written is None else tuple(one for one in instances if written.fits(one.address))


#: What may happen when a notebook opens, from the least to the most.
OPEN_LEVELS = ("off", "read", "look", "fetch")
#: The logins that rucio-clients has.
AUTH_TYPES = ("userpass", "x509", "x509_proxy", "gss", "ssh", "oidc")


class Credentials(NamedTuple):
    """The credentials of an instance; only the fields of its ``auth_type`` are used. Paths are absolute.

    Attributes:
        token_file, token_env: a file, and the name of an environment variable, that hold a token for Rucio.
        token_command: a program and its arguments, which prints such a token; empty without one.
        hub_token: the dotted path of such a token in JupyterHub's auth_state; None if the hub is not asked.
        refresh_before_s: seconds before its end at which the token of an OIDC login is renewed; None for the usual time
            where the scope asks for that.
        oidc: rucio-clients' OIDC settings by its own names without ``oidc_``: scope, audience, issuer, polling,
            refresh_lifetime.
    """

    username: str | None = None
    password: str | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    client_proxy: Path | None = None
    ssh_private_key: Path | None = None
    token_file: Path | None = None
    token_env: str | None = None
    token_command: tuple[str, ...] = ()
    hub_token: str | None = None
    refresh_before_s: int | None = None
    oidc: Mapping[str, str] = MappingProxyType({})

    def __repr__(self) -> str:
        """Omit the password, because tracebacks and logs show values."""
        shown = self._asdict() | {"password": None if self.password is None else "…"}
        return f"Credentials({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def __hash__(self) -> int:
        return hash(self[:-1])


class Instance(NamedTuple):
    """One configured Rucio server.

    Attributes:
        name: its short name here.
        identity: its name in notebooks, the store and grants, the same on every machine: its URL and VO as
            `nbrucio.core.address` writes them, unless configured.
        host, auth_host: base URLs without a final slash.
        account: the Rucio account; None means the login's default account.
        auth_type: one of `AUTH_TYPES`.
        vo: the virtual organisation within a server of several; ``def`` otherwise.
        ca_cert: file or folder of the CAs for the Rucio server; None means those of this machine.
        storage_ca: file or folder of the CAs for the storage; None means those of this machine.
        storage_token_file, storage_token_env: a file, and the name of an environment variable, that hold a token for
            the storage.
        redirect_hosts: hosts to which the storage may redirect requests with their credentials.
        downloads: whether its files may be downloaded; otherwise only its mounted RSEs are used.
        rule_lifetime_s: lifetime of the rules for staged data; None means nbrucio's default.
        scope_rule: how its users write DIDs.
        trace_host: base URL of the server for traces of downloads; None means the Rucio server.
        traces: whether nbrucio sends traces, if the policy allows it.
        aliases: further names that notebooks may use.
        mounts: RSEs that are mounted here.
        file_roots: folders below which file:// replicas may be read, besides the mounts.
        webui: URL of its Rucio WebUI without a final slash; None without one.
    """

    name: str
    identity: str
    host: str
    auth_host: str
    auth_type: str
    account: str | None = None
    credentials: Credentials = Credentials()
    vo: str = "def"
    ca_cert: Path | None = None
    storage_ca: Path | None = None
    trace_host: str | None = None
    traces: bool = True
    aliases: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    file_roots: tuple[Path, ...] = ()
    webui: str | None = None
    storage_token_file: Path | None = None
    storage_token_env: str | None = None
    redirect_hosts: tuple[str, ...] = ()
    downloads: bool = True
    rule_lifetime_s: int | None = None
    scope_rule: ScopeRule = ScopeRule()

    @property
    def address(self) -> Address:
        """The URL and VO."""
        return address_of(self.host, self.vo)

    def is_called(self, name: str) -> bool:
        """Return whether ``name`` is one of its names, not just a part of its URL."""
        return bool(exactly((self,), name))

    def readable_folders(self) -> tuple[Path, ...]:
        """Return the folders in which ``file://`` replicas may be read. Rucio's answers are untrusted."""
        return (*self.file_roots, *(mount.path for mount in self.mounts))

    def webui_of(self, did: Did) -> str | None:
        """Return the WebUI page of ``did`` (paths: https://github.com/rucio/webui); None without a WebUI."""
        if self.webui is None:
            return None
        return f"{self.webui}/did/page/{quote(did.scope, safe='')}/{quote(did.name, safe='')}"

    def local_path(self, rse: str, pfn: str) -> Path | None:
        """Return the local path of ``pfn`` in a mount of ``rse``; None without one. Does not access the disk."""
        paths = (mount.local_path(pfn) for mount in self.mounts if mount.rse == rse)
        return next((path for path in paths if path is not None), None)


class Policy(NamedTuple):
    """The limits of a sync on this machine.

    Attributes:
        max_download_bytes: the upper limit of one sync; None means no limit.
        keep_free_bytes: space that downloads leave free on the store's file system.
        max_store_bytes: the upper limit of the store; None means no limit.
        evict: whether a sync may remove cached files to keep that limit.
        offline: no network at all.
        parallel: the largest number of downloads at once from one storage host.
        connect_timeout_s: the longest time to make a connection.
        read_timeout_s: the longest pause of a server within an answer.
        traces: whether nbrucio reports downloads to Rucio; sites decide by these reports which data to keep and copy.
        allow_unverifiable: whether to use files for which Rucio has neither size nor checksum.
        fixed_instances: whether users can only log in to the instances of the operator's file and the Jupyter session.
        only_rses: the RSE expression of this run; None for no limit.
        prefer_rses, avoid_rses: RSEs whose replicas are tried first, and last.
        downloads: whether anything may be downloaded; otherwise only mounted RSEs are used.
        max_stage_lifetime_s: the upper limit for the rules of staged data; None means no limit.
        upload_rses: the RSEs to which files may be uploaded; None means all.
        stage_rses: the RSEs to which rules for staged data may be made; None means all that are mounted.
        default_access: the access of requirements without their own; None means that nbrucio chooses.
        max_session_bytes: the upper limit of all downloads of this user in one session; None means no limit.
        on_open: the most that may happen when a notebook opens, one of `OPEN_LEVELS`; None means no limit.
        open_budget_bytes: the download limit when a notebook opens; None means that of the Jupyter server.
        limit: the origin of `max_download_bytes`, and the operator's reason for these rules.
    """

    max_download_bytes: int | None = None
    keep_free_bytes: int = 1_000_000_000
    max_store_bytes: int | None = None
    evict: bool = False
    offline: bool = False
    parallel: int = 64
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0
    traces: bool = True
    allow_unverifiable: bool = False
    fixed_instances: bool = False
    only_rses: str | None = None
    prefer_rses: tuple[str, ...] = ()
    avoid_rses: tuple[str, ...] = ()
    downloads: bool = True
    max_stage_lifetime_s: int | None = None
    upload_rses: tuple[str, ...] | None = None
    stage_rses: tuple[str, ...] | None = None
    default_access: str | None = None
    max_session_bytes: int | None = None
    on_open: str | None = None
    open_budget_bytes: int | None = None
    limit: LimitOrigin = OWN_LIMIT

    @property
    def reason(self) -> str | None:
        """The operator's reason for the rules of this site."""
        return self.limit.reason

    @property
    def rses(self) -> RseChoice:
        """The RSEs that downloads come from."""
        return RseChoice(self.only_rses, self.prefer_rses, self.avoid_rses)


class ConfigFault(NamedTuple):
    """An instance with an invalid configuration. Its error is raised when the instance is used.

    Attributes:
        name: its short name.
        error: what is wrong.
        names: its other names that could be read, in lower case.
        address: its URL and VO; None when they could not be read.
    """

    name: str
    error: BadConfig
    names: frozenset[str] = frozenset()
    address: Address | None = None

    def may_be(self, name: str) -> bool:
        """Return whether ``name`` may mean this instance."""
        if name.strip().lower() in (self.name.lower(), *self.names):
            return True
        written = read_address(name)
        return written is not None and self.address is not None and written.fits(self.address)


class Config(NamedTuple):
    """The whole configuration of this machine and user.

    Attributes:
        instances: those with a valid configuration. Several logins to one server and VO have one identity.
        default: the instance of notebooks that do not name one; None without one.
        store_path: the folder of the store; it need not exist.
        policy: limits, the operator's already applied.
        sources: the files that were read.
        places: every file that was searched for, existing or not.
        warnings: harmless errors, each a sentence for the user.
        faults: instances that cannot be used.
        default_name: the configured name of the default instance; None if none is configured.
        shared_stores: folders of stores that are read and never written, in the order in which they are searched.
        default_from: the file or variable with that name.
    """

    instances: tuple[Instance, ...]
    default: Instance | None
    store_path: Path
    policy: Policy = Policy()
    sources: tuple[Path, ...] = ()
    places: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()
    faults: tuple[ConfigFault, ...] = ()
    default_name: str | None = None
    shared_stores: tuple[Path, ...] = ()
    default_from: str = ""

    def instance(self, name: str | None = None) -> Instance:
        """Return the instance that ``name`` means; the default one for None.

        A name is a short name, an identity, an alias, a URL, or the beginning of exactly one identity. A bare host
        means the default port, no prefix and the VO ``def`` if such an instance is configured. Of several instances
        with one identity the first is returned.

        Raises:
            UnknownInstance: none is configured under that name, several fit it, or there is no default.
            BadConfig: the configuration of the instance is invalid.
        """
        if name is None and self.default is not None:
            return self.default
        wanted = name if name is not None else self.default_name
        if wanted is None:
            if self.faults and not self.instances:
                raise self.faults[0].error
            raise no_default(self._known(), self.places)
        found = exactly(self.instances, wanted)
        if not found:
            for fault in self.faults:
                if fault.may_be(wanted):
                    raise fault.error
            found = loosely(self.instances, wanted)
        if not found:
            origin = self.default_from if name is None else ""
            raise unknown_instance(wanted, self._known(), self.places, origin=origin, fixed=self.policy.fixed_instances)
        if len({one.identity for one in found}) > 1:
            raise ambiguous(wanted, [f"{one.identity} ({one.name})" for one in found])
        return found[0]

    def means(self, name: str | None, instance: Instance) -> bool:
        """Return whether ``name`` means the server and VO of ``instance``; None means the default instance."""
        try:
            return self.instance(name).identity == instance.identity
        except UsageError:
            return False

    def written(self, instance: Instance) -> str:
        """Return the name of ``instance`` for a notebook: its identity, which means the same on all machines, or its
        short name if the identity means another login to that server."""
        return instance.identity if self.instance(instance.identity) == instance else instance.name

    def preferring(self, instance: Instance) -> Config:
        """Return this configuration with ``instance`` first among the logins to its server."""
        if self.instance(instance.identity) == instance:
            return self
        others = (one for one in self.instances if one != instance)
        return self._replace(instances=(instance, *others))

    def _known(self) -> tuple[str, ...]:
        return tuple(instance.name for instance in self.instances)
