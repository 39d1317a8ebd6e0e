"""Bearer tokens that users supply: where to find them, their claims, and the instance that each belongs to.

A token opens everything that its holder can access. So each token belongs to one instance, and no notebook chooses
which.
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

#: Audience that every Grid service accepts (WLCG Common JWT Profiles 1.0). It identifies no instance.
ANY_AUDIENCE = "https://wlcg.cern.ch/jwt/v1/any"
#: A token that expires within this many seconds is not sent: the request may take as long.
MARGIN_S = 10.0
#: A later expiry, in seconds since the epoch, counts as none.
NEVER_S = 1e11
_MAX_BYTES = 64 * 1024
_TOKEN = re.compile(r"[\x21-\x7e]+\Z")


class TokenPlace(NamedTuple):
    """The place of a token: the environment variable ``env`` or the file ``file``. Exactly one of them is set."""

    env: str | None = None
    file: Path | None = None

    def text(self, environ: Mapping[str, str]) -> str | None:
        """Return the text at this place without surrounding space; None when there is none or it cannot be read."""
        if self.env is not None:
            return environ.get(self.env, "").strip() or None
        try:
            return None if self.file is None else read_file(self.file, _MAX_BYTES).decode("ascii").strip() or None
        except (OSError, UnicodeDecodeError):
            return None

    def token(self, environ: Mapping[str, str]) -> str | None:
        """Return the bearer token at this place; None without one, or when it has expired."""
        text = self.text(environ)
        return None if text is None or not _TOKEN.match(text) or claims(text).has_expired() else text

    def as_json(self) -> dict[str, str]:
        """Return this place for a manifest. nbrucio writes the token itself to no file."""
        return {"file": str(self.file)} if self.env is None else {"variable": self.env}

    def __str__(self) -> str:
        """Return the place for display."""
        return self.env or str(self.file)


class Claims(NamedTuple):
    """Claims of a token. They are not verified: they only decide which server may receive the token.

    Attributes:
        audiences: intended audiences; empty when the token names none.
        issuer: issuer, without a final slash.
        expires_at: expiry in seconds since the epoch.
    """

    audiences: frozenset[str] = frozenset()
    issuer: str | None = None
    expires_at: float | None = None

    def has_expired(self) -> bool:
        """Whether the token has expired, or expires within `MARGIN_S`."""
        return self.expires_at is not None and self.expires_at < time.time() + MARGIN_S

    def fit(self, instance: Instance) -> bool:
        """Whether the Rucio server of ``instance`` may accept the token, judging by its audience."""
        wanted = _audiences(instance)
        return not wanted or not self.audiences or ANY_AUDIENCE in self.audiences or bool(wanted & self.audiences)


def claims(token: str) -> Claims:
    """Return the claims of a JWT; empty claims for any other token."""
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
    """Find the user's token by WLCG Bearer Token Discovery 1.0 (https://zenodo.org/records/3937438).

    BEARER_TOKEN, then the file BEARER_TOKEN_FILE, then bt_u<uid> in XDG_RUNTIME_DIR, then in /tmp. The first existing
    one counts, even when its token is unusable. A file in /tmp counts only if the user owns it.
    """
    if environ.get("BEARER_TOKEN"):
        return TokenPlace(env="BEARER_TOKEN")
    file = next(_files(environ), None)
    return None if file is None else TokenPlace(file=file)


def belongs_to(instance: Instance, token: str, config: Config | None) -> bool:
    """Whether a discovered token belongs to ``instance``. Without a ``config``, it is the only instance."""
    if config is None:
        return True
    found = _owner(claims(token), config)
    return found is not None and _same(found, instance)


def ambient(instance: Instance, environ: Mapping[str, str], config: Config | None) -> TokenPlace | None:
    """Return the place of the discovered token if it is usable and belongs to ``instance``; else None."""
    place = discovered(environ)
    token = place.token(environ) if place else None
    return place if token is not None and belongs_to(instance, token, config) else None


def existing(path: Path | None) -> Path | None:
    """Return ``path`` if it is a file; else None."""
    return path if path is not None and path.is_file() else None


def own_file(path: Path) -> Path | None:
    """Return ``path`` if it is a regular file of this user: in /tmp, anybody can create a file of any name."""
    try:
        facts = path.lstat()
    except OSError:
        return None
    return path if stat.S_ISREG(facts.st_mode) and facts.st_uid == os.geteuid() else None


def _owner(said: Claims, config: Config) -> Instance | None:
    """Return the instance that the audience names, else the issuer, else the default instance.

    When several are named: the default one if it is among them, else None, because a token for one of two servers is
    not tried at both. Among several logins to one server the first counts.
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
