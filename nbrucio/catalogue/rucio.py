"""Rucio as a catalogue: requests of its REST API."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from nbrucio.catalogue import rest
from nbrucio.catalogue.errors import ServerRefusal, did_not_found, tidy, translate_errors
from nbrucio.catalogue.login_tokens import LoginTokens, UsableToken
from nbrucio.catalogue.network_errors import switched_offline
from nbrucio.catalogue.parse import did_of, facts_of, file_of, replicas_of
from nbrucio.catalogue.renewal import Renewal
from nbrucio.catalogue.session import RucioSession
from nbrucio.config import Config, Instance, Policy
from nbrucio.core.did import Did
from nbrucio.core.files import DidFacts, FileEntry, Replica
from nbrucio.core.text import plural, printable
from nbrucio.errors import NbrucioError, RucioRefused, UsageError
from nbrucio.http import Request

if TYPE_CHECKING:
    from nbrucio.catalogue.browse import Browser
    from nbrucio.catalogue.rules import Rules

#: Largest number of files per request for replicas.
BATCH = 1_000

#: Largest number of scopes to search, since Rucio searches one at a time.
MAX_SCOPES = 100

#: Replica schemes to request. Without such a list, Rucio returns only each RSE's first protocol, often root, and an RSE
#: that also has https would seem unreachable.
SCHEMES = ("file", "https", "davs", "http", "root")

#: Variables with the site's name, as in rucio-clients; the server prefers replicas of the user's site.
_SITE_VARIABLES = ("SITE_NAME", "ATLAS_SITE_NAME", "OSG_SITE_NAME")


class RucioCatalogue:
    """The catalogue of one instance; see `nbrucio.catalogue.base.Catalogue`. Connects on the first request.

    Args:
        instance: the Rucio server.
        policy: timeouts, and whether the network may be used.
        schemes: replica schemes to request.
        environ: environment with proxies, bearer tokens and the site's name; None means this process's.
        config: the configuration that the instance is part of; None when there are no others.
    """

    def __init__(
        self,
        instance: Instance,
        policy: Policy | None = None,
        schemes: Sequence[str] = SCHEMES,
        environ: Mapping[str, str] | None = None,
        config: Config | None = None,
    ) -> None:
        self.instance = instance
        self._policy = policy or Policy()
        self._schemes = tuple(schemes)
        self._environ = os.environ if environ is None else environ
        renewal = Renewal(instance, self._environ, self._policy)
        self._tokens = LoginTokens(instance, self._environ, config, renewal)
        self._session = RucioSession(instance, self._policy, self._tokens, self._environ, config)

    def describe(self, did: Did) -> DidFacts:
        """See `Catalogue.describe`."""
        _check_name(did, self.instance)
        with translate_errors(self.instance, str(did)):
            row = self.session().first(rest.describe(did))
        facts = facts_of(row, "type")
        self._check_same(did, facts.did)
        return facts

    def files(self, did: Did) -> Iterator[FileEntry]:
        """See `Catalogue.files`."""
        _check_name(did, self.instance)
        yield from map(file_of, self._rows(rest.files(did), str(did)))

    def replicas(
        self, dids: Sequence[Did], malformed: Callable[[NbrucioError], object] | None = None
    ) -> Iterator[tuple[Did, tuple[Replica, ...]]]:
        """See `Catalogue.replicas`. Sends one request per `BATCH` files; only available replicas are returned."""
        site = next((self._environ[name] for name in _SITE_VARIABLES if self._environ.get(name)), None)
        choice = self._policy.rses
        for start in range(0, len(dids), BATCH):
            batch = dids[start : start + BATCH]
            subject = str(batch[0]) if len(batch) == 1 else None
            for row in self._rows(rest.replicas(batch, self._schemes, site, choice.only), subject):
                try:
                    did, places = replicas_of(row, self._schemes)
                except RucioRefused as error:
                    if malformed is None:
                        raise
                    malformed(error)
                else:
                    yield did, choice.ordered(places)

    def search(self, scope: str, pattern: str, kind: str, filters: Sequence[str] = ()) -> Iterator[DidFacts]:
        """See `Catalogue.search`. The openness in the results is a guess, see `facts_of`.

        DIDs that nbrucio cannot handle are left out, and reported after all others.

        Raises:
            UsageError: the scope, the kind or a filter is invalid.
        """
        from nbrucio.catalogue.filters import check_kind, filters_of

        conditions = filters_of(pattern, filters)
        check_kind(kind)
        unusable: list[str] = []
        for one in self._scopes(scope):
            with translate_errors(self.instance, f"{one}:{pattern}"):
                for row in self.session().rows(rest.search(one, conditions, kind)):
                    try:
                        did_of(row)
                    except RucioRefused as error:
                        unusable.append(error.message)
                        continue
                    yield facts_of(row, "did_type")
        if unusable:
            raise RucioRefused(
                f"{plural(len(unusable), 'DID')} of the result cannot be shown. The first: {unusable[0]}",
                hint="Report it to the operators of this Rucio server.",
            )

    def _scopes(self, pattern: str) -> Sequence[str]:
        """Return the scopes to search; Rucio searches one at a time."""
        from nbrucio.catalogue.filters import check_scope

        if "*" not in pattern:
            return [check_scope(pattern)]
        found = self.browser().scopes(pattern)
        if len(found) > MAX_SCOPES:
            raise UsageError(
                f"{printable(pattern)} matches {len(found):,} scopes; one search covers at most {MAX_SCOPES}.",
                subject=pattern,
                hint="Write more of the scope's name.",
            )
        return found

    def token(self) -> str:
        """Return a token for this server, after a login if there is none.

        Raises:
            NbrucioError: the login failed.
        """
        with translate_errors(self.instance):
            return self.session().token()

    def whoami(self) -> tuple[str, UsableToken | None]:
        """Return the account that the server sees, and the token that proves it. Logs in where that is needed.

        Raises:
            NbrucioError: the login failed, or the server does not answer.
        """
        with translate_errors(self.instance):
            return self.session().whoami(), self._tokens.in_use()

    def rules(self) -> Rules:
        """Return the user's replication rules at this instance."""
        from nbrucio.catalogue.rules import Rules

        return Rules(self.instance, self.session)

    def browser(self) -> Browser:
        """Return the browser of this instance."""
        from nbrucio.catalogue.browse import Browser

        return Browser(self.instance, self.session)

    def close(self) -> None:
        """See `Catalogue.close`. A later request connects again."""
        self._session.close()

    def _rows(self, request: Request, subject: str | None) -> Iterator[object]:
        with translate_errors(self.instance, subject):
            try:
                yield from self.session().rows(request)
            except ServerRefusal as error:
                if error.name != "InvalidRSEExpression":
                    raise
                raise UsageError(
                    f"{printable(self._policy.rses.only or '')} is not an RSE expression that {self.instance.name} "
                    f"accepts: {tidy(error.words) or error.name}",
                    subject=self._policy.rses.only,
                    next_command="rucio rse list",
                ) from error

    def session(self) -> RucioSession:
        """Return the session with this server.

        Raises:
            Offline: nbrucio works offline.
        """
        if self._policy.offline:
            raise switched_offline(self.instance, "ask")
        return self._session

    def _check_same(self, asked: Did, answered: Did) -> None:
        if asked != answered:
            raise RucioRefused(
                f"{self.instance.name} answered a request for {printable(str(asked))} with {answered}.",
                subject=str(asked),
                hint="Report it to the operators of this Rucio server.",
            )


def _check_name(did: Did, instance: Instance) -> None:
    # HTTP clients resolve such a segment of a path: the server would answer about another DID.
    if did.name in (".", ".."):
        raise did_not_found(str(did), instance)


class Catalogues:
    """The catalogues of all configured instances, each opened once.

    See `nbrucio.catalogue.base.CatalogueFactory`.
    """

    def __init__(self, config: Config, environ: Mapping[str, str] | None = None) -> None:
        self._config = config
        self._environ = environ
        self._lock = threading.Lock()
        self._opened: dict[str, RucioCatalogue] = {}

    def open(self, instance: str) -> RucioCatalogue:
        """Return the catalogue of the instance named ``instance``.

        Raises:
            UnknownInstance: the instance is not configured.
            BadConfig: its configuration is invalid.
        """
        found = self._config.instance(instance)
        with self._lock:
            if found.name not in self._opened:
                self._opened[found.name] = RucioCatalogue(
                    found, self._config.policy, environ=self._environ, config=self._config
                )
            return self._opened[found.name]

    def close(self) -> None:
        """Close every opened catalogue. Idempotent."""
        with self._lock:
            opened = tuple(self._opened.values())
            self._opened.clear()
        for catalogue in opened:
            catalogue.close()
