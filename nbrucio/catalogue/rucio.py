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
from nbrucio.catalogue.parse import did_of, facts_of, file_of, near_rses, replicas_of
from nbrucio.catalogue.renewal import Renewal
from nbrucio.catalogue.session import RucioSession
from nbrucio.config import Config, Instance, Policy
from nbrucio.core.did import Did, DidType
from nbrucio.core.files import DidFacts, DidSize, FileEntry, Replica, ReplicaFacts, RseFacts
from nbrucio.core.replica_order import ReplicaOrder
from nbrucio.core.replica_sums import ReplicaSums
from nbrucio.core.text import plural, printable
from nbrucio.errors import NbrucioError, RucioRefused, UsageError
from nbrucio.http import Request

if TYPE_CHECKING:
    from nbrucio.catalogue.browse import Browser
    from nbrucio.catalogue.conditions import Alternatives
    from nbrucio.catalogue.filters import Filters
    from nbrucio.catalogue.rules import Rules

#: Largest number of files per request for replicas.
BATCH = 1_000
#: The HTTP status of a front that limits the length of requests.
_BODY_TOO_LONG = 413

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
        order: the order of replicas; None means that of ``policy``.
    """

    def __init__(
        self,
        instance: Instance,
        policy: Policy | None = None,
        schemes: Sequence[str] = SCHEMES,
        environ: Mapping[str, str] | None = None,
        config: Config | None = None,
        order: ReplicaOrder | None = None,
    ) -> None:
        self.instance = instance
        self._policy = policy or Policy()
        self._order = order or ReplicaOrder(self._policy.rses)
        self._batch = BATCH
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
        only = self._policy.rses.only
        for row in self._replica_rows(dids, lambda batch: rest.replicas(batch, self._schemes, site, only)):
            try:
                did, places = replicas_of(row, self._schemes)
            except RucioRefused as error:
                if malformed is None:
                    raise
                malformed(error)
            else:
                yield did, self._order.ordered(places, near_rses(row) if site else ())

    def _replica_rows(self, dids: Sequence[Did], request: Callable[[Sequence[Did]], Request]) -> Iterator[object]:
        """Yield the rows about ``dids``, in requests as long as the server accepts them."""
        start = 0
        while start < len(dids):
            batch = dids[start : start + self._batch]
            try:
                yield from self._rows(request(batch), str(batch[0]) if len(batch) == 1 else None)
            except RucioRefused as error:
                cause = error.__cause__
                if len(batch) == 1 or not isinstance(cause, ServerRefusal) or cause.status != _BODY_TOO_LONG:
                    raise
                self._batch = len(batch) // 2
            else:
                start += len(batch)

    def replica_facts(self, dids: Sequence[Did]) -> Iterator[tuple[Did, tuple[ReplicaFacts, ...]]]:
        """See `Catalogue.replica_facts`."""
        yield from self.browser().replica_facts(dids)

    def datasets(self, did: Did, kind: DidType) -> Iterator[Did]:
        """See `Catalogue.datasets`."""
        yield from self.browser().datasets(did, kind)

    def replica_sums(self, dataset: Did) -> ReplicaSums:
        """See `Catalogue.replica_sums`."""
        _check_name(dataset, self.instance)
        return self.browser().replica_sums(dataset)

    def size(self, did: Did) -> DidSize:
        """See `Catalogue.size`."""
        _check_name(did, self.instance)
        return self.browser().size(did)

    def rse(self, name: str) -> RseFacts:
        """See `Catalogue.rse`."""
        return self.browser().rse(name)

    def search(self, scope: str, pattern: str, kind: str, filters: Sequence[str] = ()) -> Iterator[DidFacts]:
        """See `Catalogue.search`. The openness in the results is a guess, see `facts_of`.

        DIDs that nbrucio cannot handle are left out, and reported after all others.

        Raises:
            UsageError: the scope, the kind or a filter is invalid.
        """
        from nbrucio.catalogue.filters import check_kind, conditions_of, filters_of

        conditions = conditions_of(filters)
        check_kind(kind)
        unusable: list[str] = []
        for row in self._matching(scope, pattern, kind, conditions, filters_of(pattern, conditions)):
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

    def unsized(self, scope: str, pattern: str, kind: str, filters: Sequence[str]) -> Iterator[Did]:
        """Yield the DIDs that a search leaves out because it asks for a size, and Rucio has none of them.

        These are open datasets, and containers. Nothing is asked when no filter is about a size.

        Raises:
            UsageError: the scope or a filter is invalid.
        """
        from nbrucio.catalogue.filters import conditions_of, unsized_filters

        conditions = conditions_of(filters)
        unsized = unsized_filters(pattern, conditions)
        if unsized and kind != "file":
            wanted = kind if kind in ("dataset", "container") else "collection"
            yield from map(did_of, self._matching(scope, pattern, wanted, conditions, unsized))

    def _matching(
        self, scope: str, pattern: str, kind: str, conditions: Alternatives, filters: Filters
    ) -> Iterator[object]:
        """Yield Rucio's rows for these filters, in all scopes that match."""
        from nbrucio.catalogue.filters import unknown_key

        for one in self._scopes(scope):
            with translate_errors(self.instance, f"{one}:{pattern}"):
                try:
                    yield from self.session().rows(rest.search(one, filters, kind))
                except ServerRefusal as error:
                    fault = unknown_key(conditions, self.instance.name) if error.name == "InvalidMetadata" else None
                    if fault is None:
                        raise
                    raise fault from error

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

    def __init__(
        self, config: Config, environ: Mapping[str, str] | None = None, order: ReplicaOrder | None = None
    ) -> None:
        self._config = config
        self._environ = environ
        self._order = order
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
                    found, self._config.policy, environ=self._environ, config=self._config, order=self._order
                )
            return self._opened[found.name]

    def close(self) -> None:
        """Close every opened catalogue. Idempotent."""
        with self._lock:
            opened = tuple(self._opened.values())
            self._opened.clear()
        for catalogue in opened:
            catalogue.close()
