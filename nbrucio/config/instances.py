"""Turn tables of settings into instances, each independently of the others."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from nbrucio.config import rucio_cfg
from nbrucio.config.mount import Mount
from nbrucio.config.table import ConfigSource, Table
from nbrucio.config.values import AUTH_TYPES, Credentials, Instance
from nbrucio.core.address import USUAL_VO, Address, address_of, canonical
from nbrucio.core.did import scope_fault
from nbrucio.core.scope_rule import CONVENTIONS, ScopeRule
from nbrucio.errors import BadConfig

#: As Rucio checks it (``LONG_VO_RE`` in its core).
_VO = re.compile(r"[A-Za-z0-9.-]+")
#: A host, or with ``*.`` all hosts below a domain of at least two parts; with or without a port.
_HOST = re.compile(r"(\*\.[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?\Z")
#: Of a number of minutes.
_MAX_DIGITS = 9
#: Settings that say who the user is, not which server is asked.
LOGIN_SETTINGS = (
    "account",
    "auth_type",
    "username",
    "password",
    "client_cert",
    "client_key",
    "client_proxy",
    "ssh_private_key",
    "token_file",
    "token_env",
    "token_command",
    "storage_token_file",
    "storage_token_env",
)
_OIDC = ("scope", "audience", "issuer", "polling", "refresh_lifetime")


def completed(table: Table) -> Table:
    """Return ``table`` completed by the ``rucio_cfg`` that it names; ``table`` itself if it names none.

    Raises:
        BadConfig: the rucio.cfg cannot be read.
    """
    file = table.path("rucio_cfg")
    if file is None:
        return table
    merged = table.over(rucio_cfg.read(file, table.key, table.environ))
    merged.asked.update(table.asked)
    return merged


def names_in(table: Table) -> frozenset[str]:
    """Return the names in the table of an invalid instance, as far as they can be read."""
    names: set[str] = set()
    with contextlib.suppress(BadConfig):
        names.update(filter(None, [table.text("identity")]), table.texts("aliases"))
    return frozenset(name.lower() for name in names)


def address_in(table: Table) -> Address | None:
    """Return the URL and VO in the table of an instance; None if they cannot be read."""
    with contextlib.suppress(BadConfig):
        return address_of(_url(table, "host"), _vo(table))
    return None


def instance_of(name: str | None, table: Table) -> Instance:
    """Return the instance that ``table`` describes; without a name its URL and VO are its name.

    Raises:
        BadConfig: a setting is missing or wrong.
    """
    host, vo = _url(table, "host"), _vo(table)
    written, chosen = address_of(host, vo).identity(), table.text("identity")
    return Instance(
        name=name or written,
        identity=canonical(chosen) if chosen else written,
        host=host,
        auth_host=_further_url(table, "auth_host") or host,
        auth_type=_auth_type(table),
        account=_account(table),
        credentials=_credentials(table),
        vo=vo,
        ca_cert=table.path("ca_cert"),
        storage_ca=table.path("storage_ca"),
        trace_host=_further_url(table, "trace_host"),
        traces=table.flag("traces") is not False,
        aliases=table.texts("aliases"),
        mounts=tuple(_mount(row) for row in table.tables("mounts")),
        file_roots=table.paths("file_roots"),
        webui=_further_url(table, "webui"),
        storage_token_file=table.path("storage_token_file"),
        storage_token_env=table.variable("storage_token_env"),
        redirect_hosts=_hosts(table, "redirect_hosts"),
        downloads=table.flag("downloads") is not False,
        rule_lifetime_s=table.lifetime("rule_lifetime"),
        scope_rule=_scope_rule(table),
    )


def known_settings() -> frozenset[str]:
    """Return the names of all settings of an instance."""
    table = Table.of("", {"host": "https://rucio.example.org", "auth_type": "gss"}, ConfigSource("", Path()), {})
    instance_of("", table)
    return frozenset({"rucio_cfg", *table.asked})


def _further_url(table: Table, name: str) -> str | None:
    return None if table.text(name) is None else _url(table, name)


def _url(table: Table, name: str) -> str:
    text = table.text(name)
    if text is None:
        raise table.fault(name, "is missing; it is the URL of the Rucio server")
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or any(char.isspace() for char in text):
        raise table.fault(name, "must be a URL such as https://rucio.example.org")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise table.fault(name, "must not contain a login, a query or a fragment")
    return text.rstrip("/")


def _vo(table: Table) -> str:
    vo = table.text("vo") or USUAL_VO
    if not _VO.fullmatch(vo):
        raise table.fault("vo", "must be the name of a VO: letters, digits, dots and hyphens")
    return vo


def _hosts(table: Table, name: str) -> tuple[str, ...]:
    hosts = tuple(text.lower() for text in table.texts(name))
    if not all(_HOST.match(host) for host in hosts):
        raise table.fault(name, "must be a list of hosts such as disk1.example.org:1095 or *.example.org")
    return hosts


def _scope_rule(table: Table) -> ScopeRule:
    convention, scope = table.text("extract_scope") or "def", table.text("default_scope")
    if scope is not None and scope_fault(scope) is not None:
        raise table.fault("default_scope", "is not a scope such as cms")
    return ScopeRule(convention if convention in CONVENTIONS else "def", scope)  # as in rucio-clients


def _auth_type(table: Table) -> str:
    auth_type = table.text("auth_type")
    if auth_type is None:
        raise table.fault("auth_type", f"is missing; it is one of {', '.join(AUTH_TYPES)}")
    if auth_type not in AUTH_TYPES:
        raise table.fault("auth_type", f"must be one of {', '.join(AUTH_TYPES)}")
    return auth_type


def _header(table: Table, name: str) -> str | None:
    """Read what is sent in a header: Latin-1, without control characters and those that nobody sees."""
    text = table.text(name)
    wrong = next((char for char in text or "" if char > "\xff" or not char.isprintable()), None)
    if wrong is not None:
        raise table.fault(name, f"contains U+{ord(wrong):04X}, which HTTP cannot send")
    return text


def _account(table: Table) -> str | None:
    account = _header(table, "account")
    if account is not None and "$" in account:  # a Rucio account cannot contain one
        raise table.fault("account", f"is {account}; write the account's name: Rucio replaces no variables")
    return account


def _credentials(table: Table) -> Credentials:
    oidc: Mapping[str, str | None] = {name: table.text(f"oidc_{name}") for name in _OIDC}
    return Credentials(
        username=_header(table, "username"),
        password=table.secret("password"),
        client_cert=table.path("client_cert"),
        client_key=table.path("client_key"),
        client_proxy=table.path("client_proxy"),
        ssh_private_key=table.path("ssh_private_key"),
        token_file=table.path("token_file"),
        token_env=table.variable("token_env"),
        token_command=_token_command(table),
        hub_token=_hub_token(table),
        refresh_before_s=_refresh_before_s(table),
        oidc=MappingProxyType({name: value for name, value in oidc.items() if value is not None}),
    )


def _refresh_before_s(table: Table) -> int | None:
    """Read what `rucio` does with ``auth_oidc_refresh_active`` (false) and ``auth_oidc_refresh_before_exp`` (20)."""
    active = (table.text("auth_oidc_refresh_active") or "").lower() in ("true", "yes", "on", "1")
    minutes = table.text("auth_oidc_refresh_before_exp") or "20"
    if not minutes.isdecimal() or len(minutes) > _MAX_DIGITS:
        raise table.fault("auth_oidc_refresh_before_exp", 'must be a number of minutes such as "20"')
    return int(minutes) * 60 if active else None


def _token_command(table: Table) -> tuple[str, ...]:
    words = table.texts("token_command")
    if words and table.text("auth_type") != "oidc":
        raise table.fault("token_command", 'is for auth_type = "oidc" only')
    return words


def _hub_token(table: Table) -> str | None:
    path = table.text("hub_token")
    if path is not None and table.text("auth_type") != "oidc":
        raise table.fault("hub_token", 'is for auth_type = "oidc" only')
    if path is not None and not all(path.split(".")):
        raise table.fault("hub_token", "must be names with dots between them, such as exchanged_tokens.rucio")
    return path


def _mount(row: Table) -> Mount:
    rse, path = row.text("rse"), row.path("path")
    if rse is None or path is None:
        raise row.fault("rse" if rse is None else "path", "is missing")
    begins_at, prefix = row.count("begins_at"), row.text("prefix")
    if begins_at is not None and prefix is not None:
        raise row.fault("prefix", "cannot be combined with begins_at")
    return Mount(rse, path, begins_at, prefix)
