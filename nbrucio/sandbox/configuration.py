"""Configuration files that make Rucio's server, plain clients and nbrucio use the sandbox."""

from __future__ import annotations

import json
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from nbrucio.sandbox.layout import SandboxLayout, write_private
from nbrucio.sandbox.rses import ACCOUNT, ADMIN, MOUNT
from nbrucio.sandbox.state import State

#: Identity of this instance in notebooks and the store. Host and port change between runs; this does not.
IDENTITY = "sandbox.localhost"

_Sections = Mapping[str, Mapping[str, str]]


def write_configuration(layout: SandboxLayout, state: State) -> None:
    """Write all configuration files, since the ports may have changed."""
    write_private(layout.server / "etc" / "rucio.cfg", _ini(_server_sections(layout, state)))
    write_private(layout.client / "etc" / "rucio.cfg", _ini(_client_sections(layout, state)))
    write_private(layout.config, _nbrucio_toml(layout, state))
    layout.tokens.mkdir(mode=0o700, exist_ok=True)


def client_environment(layout: SandboxLayout) -> dict[str, str]:
    """Return environment variables that make a plain Rucio client and nbrucio use this sandbox and no other."""
    return {
        "NBRUCIO_CONFIG": str(layout.config),
        "RUCIO_HOME": str(layout.client),
        # All of these take precedence over RUCIO_HOME or the file in it.
        "RUCIO_CONFIG": str(layout.client / "etc" / "rucio.cfg"),
        "RUCIO_ACCOUNT": ACCOUNT,
        "RUCIO_AUTH_TYPE": "userpass",
        "RUCIO_VO": "def",
        "RUCIO_CLIENT_MODE": "1",
        # Rucio's https protocol requires one; here it also authenticates the writes of `rucio upload`.
        "X509_USER_PROXY": str(layout.client_certificate),
    }


def _server_sections(layout: SandboxLayout, state: State) -> _Sections:
    # Seconds that a writer waits for another; rucio_app makes it wait rather than fail.
    database = f"sqlite:///{layout.database}?timeout=60"
    # Rucio's wheel puts its texts of e-mails there. Without them a rule that asks for approval is an internal error.
    mails = Path(sysconfig.get_path("data")) / "rucio" / "etc" / "mail_templates"
    return {
        "common": {"logdir": str(layout.server), "loglevel": "WARNING", "mailtemplatedir": str(mails)},
        "database": {"default": database},
        "policy": {"permission": "generic", "schema": "generic", "lfn2pfn_algorithm_default": "hash"},
        "bootstrap": {
            "userpass_identity": ADMIN,
            "userpass_pwd": state.root_password,
            "userpass_email": f"{ADMIN}@localhost",
            # Empty; otherwise Rucio accepts the published keys of its own developers.
            "x509_identity": "",
            "gss_identity": "",
            "ssh_identity": "",
        },
        # Traces are accepted, as on production servers, but not forwarded: the broker's name cannot be resolved.
        "api": {"endpoints_add": "traces"},
        "trace": {
            "tracedir": str(layout.server),
            "brokers": "no..broker",
            "port": "61613",
            "topic": "/topic/rucio.tracer",
            "username": "none",
            "password": "none",
        },
    }


def _client_sections(layout: SandboxLayout, state: State) -> _Sections:
    return {
        "client": {
            "rucio_host": state.server_url,
            "auth_host": state.server_url,
            "account": ACCOUNT,
            "auth_type": "userpass",
            "username": ACCOUNT,
            "password": state.user_password,
            # All servers of a user share the default path, and each would be sent the others' tokens.
            "auth_token_file_path": str(layout.tokens / "plain-client"),
            "request_retries": "3",
        },
        "policy": {"permission": "generic", "schema": "generic", "lfn2pfn_algorithm_default": "hash"},
    }


def _ini(sections: _Sections) -> str:
    lines = []
    for section, options in sections.items():
        lines.append(f"[{section}]")
        # Rucio reads with interpolation: percent signs must be doubled.
        lines += [f"{name} = {value}".replace("%", "%%") for name, value in options.items()]
        lines.append("")
    return "\n".join(lines)


def _nbrucio_toml(layout: SandboxLayout, state: State) -> str:
    mount = layout.rse_folder(MOUNT.name)
    instance: dict[str, str | bool | list[str]] = {
        "identity": IDENTITY,
        "host": state.server_url,
        "auth_host": state.server_url,
        "account": ACCOUNT,
        "auth_type": "userpass",
        "username": ACCOUNT,
        "password": state.user_password,
        "storage_ca": str(layout.ca),
        "file_roots": [str(layout.rse_folders)],
        "traces": False,  # nobody needs statistics of a sandbox
    }
    mounts: dict[str, str | int] = {"rse": MOUNT.name, "path": str(mount), "begins_at": len(mount.parts) - 1}
    tables: dict[str, Mapping[str, str | int | bool | list[str]]] = {
        "": {"default_instance": "sandbox"},
        "[instances.sandbox]": instance,
        "[[instances.sandbox.mounts]]": mounts,
        "[store]": {"path": str(layout.store)},
    }
    # A JSON string is a TOML basic string: quotes and escapes are the same.
    texts = [
        "\n".join([*([title] if title else []), *(f"{key} = {json.dumps(value)}" for key, value in table.items())])
        for title, table in tables.items()
    ]
    return "\n\n".join(texts) + "\n"
