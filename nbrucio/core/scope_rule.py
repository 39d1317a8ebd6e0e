"""DIDs as people write them: with a URL's scheme, or without a scope, which an instance's rule then gives."""

from __future__ import annotations

from typing import NamedTuple

from nbrucio.core.did import Did

#: How a name without a scope gets one, by the names of rucio-clients.
CONVENTIONS = ("def", "dirac")
_SCHEME = "rucio://"


class ScopeRule(NamedTuple):
    """The convention by which an instance's users write DIDs.

    Attributes:
        convention: one of `CONVENTIONS`.
        scope: the scope of every name without one; None leaves it to the convention.
    """

    convention: str = "def"
    scope: str | None = None

    def did(self, text: str) -> Did:
        """Return the DID that ``text`` means.

        Raises:
            BadDid: it means none.
        """
        scope, name = self.split(text)
        return Did.of(scope, name) if scope else Did.parse(name)

    def split(self, text: str) -> tuple[str, str]:
        """Return scope and name, which may be patterns. The scope is empty when ``text`` has none and the rule neither.

        The conventions are those of ``rucio.common.utils.extract_scope``.
        """
        plain = text.strip()
        if plain.lower().startswith(_SCHEME):
            plain = plain[len(_SCHEME) :]
        scope, colon, name = plain.partition(":")
        if colon:
            return scope, name
        if self.scope is not None:
            return self.scope, plain
        if self.convention == "dirac":
            parts = plain.rstrip("/").split("/")
            return (parts[2] if len(parts) > 2 else parts[-1] if len(parts) > 1 else ""), plain
        parts = plain.split(".")
        if len(parts) == 1 or "/" in parts[0]:
            return "", plain
        own = plain.startswith(("user", "group"))
        return ".".join(parts[: 2 if own else 1]), plain.rstrip("/")
