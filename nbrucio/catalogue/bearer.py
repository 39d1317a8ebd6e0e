"""Bearer tokens that users supply: where to find them, their claims, and the instance that each belongs to.

A token gives access to everything that its holder can access. Each token therefore belongs to one instance, which a
notebook cannot choose.
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
from nbrucio.core.text import human_age, human_moment
from nbrucio.disk.read import parse_json, read_file, reason

#: Audience that every Grid service accepts (WLCG Common JWT Profiles 1.0). It identifies no instance.
ANY_AUDIENCE = "https://wlcg.cern.ch/jwt/v1/any"
#: A token that expires within this many seconds is not sent: the request may take as long.
MARGIN_S = 10.0
#: A later expiry, in seconds since the epoch, counts as none.
NEVER_S = 1e11
#: Clocks of issuers can be ahead by this many seconds.
_CLOCK_S = 60.0
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
        return None if text is None or not _TOKEN.match(text) or not claims(text).is_current() else text

    def fault(self, environ: Mapping[str, str]) -> str | None:
        """Return why the token at this place cannot be used now, as a phrase; None when it can."""
        try:
            text = self.text(environ)
            if self.file is not None and text is None:
                read_file(self.file, _MAX_BYTES).decode("ascii")
        except FileNotFoundError:
            return f"{self} does not exist"
        except OSError as error:
            return f"{self} cannot be read: {reason(error)}"
        except UnicodeDecodeError:
            return f"{self} is not a token"
        if text is None:
            return f"{self} is empty" if self.env is None or self.env in environ else f"{self} is not set"
        if not _TOKEN.match(text):
            return f"{self} is not a token"
        fault = claims(text).fault()
        return None if fault is None else f"the token in {self} {fault}"

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
        begins_at: beginning of its validity, likewise.
        subject: the user's name at the issuer.
    """

    audiences: frozenset[str] = frozenset()
    issuer: str | None = None
    expires_at: float | None = None
    begins_at: float | None = None
    subject: str | None = None

    def is_current(self) -> bool:
        """Return whether the token is valid now, by its times."""
        return self.fault() is None

    def fault(self) -> str | None:
        """Return why the token is not valid now, as a phrase; None when it is."""
        now = time.time()
        if self.expires_at is not None and self.expires_at < now + MARGIN_S:
            return f"expired {human_age(max(0.0, now - self.expires_at))} ago ({human_moment(self.expires_at)})"
        if self.begins_at is not None and self.begins_at > now + _CLOCK_S:
            clock = f"this machine's clock says {human_moment(now)}"
            return f"is not valid before {human_moment(self.begins_at)}, and {clock}"
        return None

    def identity(self) -> str | None:
        """Return the identity in the form that Rucio registers; None when the token names none."""
        return f"SUB={self.subject}, ISS={self.issuer}" if self.subject and self.issuer else None

    def fit(self, instance: Instance) -> bool:
        """Return whether the Rucio server of ``instance`` may accept the token, by its audience."""
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
    named, issuer, subject = content.get("aud"), content.get("iss"), content.get("sub")
    audiences = named if isinstance(named, list) else [named]
    return Claims(
        frozenset(name for name in audiences if isinstance(name, str)),
        issuer.rstrip("/") if isinstance(issuer, str) else None,
        _moment(content.get("exp")),
        _moment(content.get("nbf")),
        subject if isinstance(subject, str) and subject.isprintable() else None,
    )


def _moment(value: object) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < NEVER_S else None  # type: ignore[operator,arg-type]


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
    """Return ``path`` if it is a regular file of this user: in /tmp, other users can create files of any name."""
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


def wanted_audience(instance: Instance) -> str:
    """Return the audience that tokens for ``instance`` name."""
    return " or ".join(sorted(_audiences(instance)))


def _audiences(instance: Instance) -> frozenset[str]:
    text = instance.credentials.oidc.get("audience", "")
    return frozenset(text.replace(",", " ").split()) - {ANY_AUDIENCE}


def _issuer(instance: Instance) -> str:
    return instance.credentials.oidc.get("issuer", "").rstrip("/")


def _same(one: Instance, other: Instance) -> bool:
    """Return whether both are logins to one server; several may share an identity."""
    return (one.name, one.identity) == (other.name, other.identity)


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    name = f"bt_u{os.geteuid()}"
    named, runtime = environ.get("BEARER_TOKEN_FILE"), environ.get("XDG_RUNTIME_DIR")
    if named:
        yield Path(named).absolute()
        return
    yield from filter(None, (existing(Path(runtime) / name) if runtime else None, own_file(Path("/tmp") / name)))  # noqa: S108
