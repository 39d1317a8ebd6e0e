"""The parts of an instance's login on this machine: the credential, its end, and what renews it. No network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from nbrucio.catalogue.bearer import claims
from nbrucio.catalogue.certificates import dn_of, end_of, user_proxy
from nbrucio.catalogue.login_tokens import UsableToken
from nbrucio.catalogue.renewal import renewer_of
from nbrucio.catalogue.token_cache import saved_facts
from nbrucio.config import Instance


class LoginFacts(NamedTuple):
    """One login.

    Attributes:
        kind: password, saved-token, token, proxy, certificate, ssh-key or kerberos.
        file, variable: where the credential is, if it is in a file or a variable.
        identity: the DN, ``SUB=…, ISS=…`` or username, as Rucio writes it; None when unknown.
        ends_at: when the user must renew it, in seconds since the epoch; None when no end is known.
        renewed_by: what renews it, as a phrase.
        remains: what `nbrucio logout` leaves, as a sentence; None when it leaves nothing.
    """

    kind: str
    file: Path | None = None
    variable: str | None = None
    identity: str | None = None
    ends_at: float | None = None
    renewed_by: str = "nbrucio login"
    remains: str | None = None


def login_facts(instance: Instance, environ: Mapping[str, str], used: UsableToken | None) -> LoginFacts:
    """Return the facts about the login of ``instance``.

    Args:
        used: the token that was used last; None when there is none.

    Raises:
        BadConfig: the private folder cannot be created.
    """
    if used is not None and used.place is not None:
        return _of_token(used)
    return _KINDS[instance.auth_type](instance, environ)


def _of_token(used: UsableToken) -> LoginFacts:
    assert used.place is not None
    said = claims(used.token)
    return LoginFacts(
        "token",
        used.place.file,
        used.place.env,
        said.identity(),
        said.expires_at,
        "a new session" if used.place.env else f"whatever writes {used.place}",
        f"The token in {used.place} remains.",
    )


def _userpass(instance: Instance, environ: Mapping[str, str]) -> LoginFacts:
    login = instance.credentials
    if login.password is None:
        saved = saved_facts(instance, environ)
        return LoginFacts("saved-token", identity=login.username, ends_at=saved.expires_at if saved else None)
    return LoginFacts(
        "password",
        identity=login.username,
        renewed_by="nbrucio, with the configured password",
        remains=f"The password of {instance.name} in your configuration remains, and the next command logs in with it.",
    )


def _x509(instance: Instance, _: Mapping[str, str]) -> LoginFacts:
    file = instance.credentials.client_cert
    if file is None:
        return LoginFacts("certificate", renewed_by="your CA")
    words = f"The certificate {file} remains, and the next command logs in with it."
    return LoginFacts("certificate", file, None, dn_of(file), end_of(file), "your CA", words)


def _x509_proxy(instance: Instance, environ: Mapping[str, str]) -> LoginFacts:
    file = instance.credentials.client_proxy or user_proxy(environ)
    if file is None:
        return LoginFacts("proxy", renewed_by="voms-proxy-init")
    words = f"The proxy {file} remains; remove it with voms-proxy-destroy."
    return LoginFacts("proxy", file, None, dn_of(file), end_of(file), "voms-proxy-init", words)


def _ssh(instance: Instance, _: Mapping[str, str]) -> LoginFacts:
    file = instance.credentials.ssh_private_key
    words = f"The ssh key {file} remains, and the next command logs in with it." if file else None
    return LoginFacts("ssh-key", file, renewed_by="nbrucio, with the ssh key", remains=words)


def _gss(_: Instance, __: Mapping[str, str]) -> LoginFacts:
    return LoginFacts(
        "kerberos", renewed_by="kinit", remains="Your Kerberos tickets remain; remove them with kdestroy."
    )


def _oidc(instance: Instance, environ: Mapping[str, str]) -> LoginFacts:
    saved, renewer = saved_facts(instance, environ), renewer_of(instance)
    words = "The next command runs token_command again." if instance.credentials.token_command else None
    if instance.credentials.hub_token:
        words = "The next command asks JupyterHub again."
    if saved is None:
        return LoginFacts("saved-token", renewed_by=renewer or "nbrucio login", remains=words)
    said = claims(saved.token)
    ends_at = None if renewer else saved.expires_at
    return LoginFacts("saved-token", None, None, said.identity(), ends_at, renewer or "nbrucio login", words)


_KINDS = {
    "userpass": _userpass,
    "x509": _x509,
    "x509_proxy": _x509_proxy,
    "ssh": _ssh,
    "gss": _gss,
    "oidc": _oidc,
}
