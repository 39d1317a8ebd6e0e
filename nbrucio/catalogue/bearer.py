"""Bearer tokens that users supply: where they stand, what they say of themselves, and to which instance they belong.

A token opens whatever its holder can reach, so each belongs to one instance, and no notebook chooses which.
"""

from __future__ import annotations

import os
import re
import stat
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from nbrucio.config import Config, Instance
from nbrucio.disk.read import parse_json, read_file

#: The audience of tokens that every service of the Grid accepts (WLCG Common JWT Profiles 1.0). It names no instance.
ANY_AUDIENCE = "https://wlcg.cern.ch/jwt/v1/any"
#: A token that ends within this time is not sent: the request may take as long.
MARGIN_S = 10.0
#: An end that late is none.
NEVER_S = 1e11
_MAX_BYTES = 64 * 1024
_TOKEN = re.compile(r"[\x21-\x7e]+\Z")


class TokenPlace(NamedTuple):
    """Where a token stands: in the environment variable ``env`` or in ``file``. Exactly one of them is given."""

    env: str | None = None
    file: Path | None = None

    def text(self, environ: Mapping[str, str]) -> str | None:
        """What stands there, without surrounding space; None when nothing can be read."""
        if self.env is not None:
            return environ.get(self.env, "").strip() or None
        try:
            return None if self.file is None else read_file(self.file, _MAX_BYTES).decode("ascii").strip() or None
        except (OSError, UnicodeDecodeError):
            return None

    def token(self, environ: Mapping[str, str]) -> str | None:
        """The bearer token there; None without one, or when it has expired."""
        text = self.text(environ)
        return None if text is None or not _TOKEN.match(text) or claims(text).has_expired() else text

    def told(self) -> dict[str, str]:
        """What a manifest says of it: the token itself is in no file of ours."""
        return {"file": str(self.file)} if self.env is None else {"variable": self.env}

    def __str__(self) -> str:
        """Its name for people."""
        return self.env or str(self.file)


class Claims(NamedTuple):
    """What a token says of itself. Nothing of it is verified here: it only decides who may see the token.

    Attributes:
        audiences: for whom it is; empty when it does not say.
        issuer: who made it, without a final slash.
        expires_at: when it ends, in seconds since 1970.
    """

    audiences: frozenset[str] = frozenset()
    issuer: str | None = None
    expires_at: float | None = None

    def has_expired(self) -> bool:
        """Whether it ends now, or ended."""
        return self.expires_at is not None and self.expires_at < time.time() + MARGIN_S

    def fit(self, instance: Instance) -> bool:
        """Whether ``instance``'s Rucio may accept it, as far as the audience says."""
        wanted = _audiences(instance)
        return not wanted or not self.audiences or ANY_AUDIENCE in self.audiences or bool(wanted & self.audiences)


def claims(token: str) -> Claims:
    """The claims of a JWT; none for any other token."""
    parts = token.split(".")
    try:
        content = parse_json(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))) if len(parts) == 3 else None
    except ValueError:
        return Claims()
    if not isinstance(content, dict):
        return Claims()
    named, issuer, end = content.get("aud"), content.get("iss"), content.get("exp")
    audiences = named if isinstance(named, list) else [named]
    return Claims(
        frozenset(name for name in audiences if isinstance(name, str)),
        issuer.rstrip("/") if isinstance(issuer, str) else None,
        float(end) if isinstance(end, (int, float)) and not isinstance(end, bool) and 0 <= end < NEVER_S else None,
    )


def discovered(environ: Mapping[str, str]) -> TokenPlace | None:
    """Where the user's token stands by WLCG Bearer Token Discovery 1.0 (https://zenodo.org/records/3937438).

    BEARER_TOKEN, then the file BEARER_TOKEN_FILE, then bt_u<uid> in XDG_RUNTIME_DIR, then in /tmp; the first that is
    there decides, even with a token that cannot be used. A file in /tmp counts only if it is the user's own.
    """
    if environ.get("BEARER_TOKEN"):
        return TokenPlace(env="BEARER_TOKEN")
    file = next(_files(environ), None)
    return None if file is None else TokenPlace(file=file)


def belongs_to(instance: Instance, token: str, config: Config | None) -> bool:
    """Whether a token that was discovered is ``instance``'s. Without a ``config`` it is the only instance."""
    if config is None:
        return True
    found = _owner(claims(token), config)
    return found is not None and _same(found, instance)


def ambient(instance: Instance, environ: Mapping[str, str], config: Config | None) -> TokenPlace | None:
    """Where the discovered token stands if it can be used and is ``instance``'s; else None."""
    place = discovered(environ)
    token = place.token(environ) if place else None
    return place if token is not None and belongs_to(instance, token, config) else None


def existing(path: Path | None) -> Path | None:
    """``path`` if a file is there; else None."""
    return path if path is not None and path.is_file() else None


def own_file(path: Path) -> Path | None:
    """``path`` if it is a regular file of this user: in /tmp anybody may put a file of any name."""
    try:
        facts = path.lstat()
    except OSError:
        return None
    return path if stat.S_ISREG(facts.st_mode) and facts.st_uid == os.geteuid() else None


def _owner(said: Claims, config: Config) -> Instance | None:
    """The instance whose audience is named, else whose issuer, else the default one.

    Of several that are named the default one is meant, or none: a token for one of two servers is not tried at both.
    Of several logins to one server the first is meant.
    """
    by_audience = [one for one in config.instances if _audiences(one) & said.audiences]
    by_issuer = [one for one in config.instances if said.issuer and _issuer(one) == said.issuer]
    named = by_audience or by_issuer
    default = config.default
    if default is not None and (not named or any(_same(one, default) for one in named)):
        return default
    return named[0] if len({one.identity for one in named}) == 1 else None


def _audiences(instance: Instance) -> frozenset[str]:
    text = instance.credentials.oidc.get("audience", "")
    return frozenset(text.replace(",", " ").split()) - {ANY_AUDIENCE}


def _issuer(instance: Instance) -> str:
    return instance.credentials.oidc.get("issuer", "").rstrip("/")


def _same(one: Instance, other: Instance) -> bool:
    """Several logins may share an identity."""
    return (one.name, one.identity) == (other.name, other.identity)


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    name = f"bt_u{os.geteuid()}"
    named, runtime = environ.get("BEARER_TOKEN_FILE"), environ.get("XDG_RUNTIME_DIR")
    if named:
        yield Path(named).absolute()
        return
    yield from filter(None, (existing(Path(runtime) / name) if runtime else None, own_file(Path("/tmp") / name)))  # noqa: S108
