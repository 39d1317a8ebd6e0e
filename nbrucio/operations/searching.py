"""Search the catalogue of an instance for DIDs, up to a limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from shlex import quote

from nbrucio.config import Config
from nbrucio.core.did import Did
from nbrucio.core.files import DidFacts
from nbrucio.errors import BadDid, NbrucioError, UsageError, envelope
from nbrucio.operations.browse import catalogue_of, unsized_of

#: Largest number of hits without a limit of the user's.
USUAL_LIMIT = 1000
#: Largest limit: more hits than a catalogue answers with.
_MAX_LIMIT = 1_000_000_000


@dataclass(frozen=True)
class SearchReport:
    """Result of a search.

    Attributes:
        hits: what matches, in Rucio's order.
        cut: whether there are more than ``hits``.
        unsized: DIDs that were not compared, because a filter asks for a size that Rucio does not have.
        unsized_cut: whether there are more than ``unsized``.
    """

    hits: tuple[DidFacts, ...]
    cut: bool = False
    unsized: tuple[Did, ...] = ()
    unsized_cut: bool = False

    @property
    def exit_code(self) -> int:
        """0, also without hits."""
        return 0

    def errors(self) -> Iterator[NbrucioError]:
        """Yield nothing: a search that fails raises."""
        return iter(())

    def as_json(self) -> dict[str, object]:
        """Return this as a JSON-ready mapping; sizes in bytes, None where Rucio keeps none."""
        rows = [
            {"did": str(hit.did), "type": hit.type.value, "open": hit.open, "bytes": hit.size_bytes}
            for hit in self.hits
        ]
        unsized = [str(did) for did in self.unsized]
        return {
            **envelope(self.errors()),
            "cut": self.cut,
            "dids": rows,
            "unsized": unsized,
            "unsized_cut": self.unsized_cut,
        }


def search(
    pattern: str | None,
    config: Config,
    *,
    kind: str = "collection",
    filters: Sequence[str] = (),
    limit: int = USUAL_LIMIT,
    instance: str | None = None,
) -> SearchReport:
    """Return the DIDs whose scope and name match ``pattern``, such as ``user.*:dimuon.*``.

    Args:
        pattern: None searches all names in all scopes, by ``filters``.
        kind: ``collection`` (dataset or container), ``dataset``, ``container``, ``file`` or ``all``.
        filters: conditions on metadata, such as ``bytes > 1 GB``; all must hold.
        limit: largest number of hits, from 1 to a billion.

    Raises:
        NbrucioError: the limit, the pattern or a filter is invalid, or the catalogue cannot answer.
    """
    if pattern is None and not filters:
        raise UsageError("Nothing to search for.", hint="Write SCOPE:PATTERN, or a condition with --filter.")
    if not 1 <= limit <= _MAX_LIMIT:
        raise UsageError(f"A search lists from 1 to {_MAX_LIMIT:,} DIDs.", hint="Choose a limit between them.")
    scope, colon, name = (pattern or "*:*").partition(":")
    if not colon or not scope:
        raise BadDid(
            f"'{pattern}' has no scope.", subject=pattern, next_command=f"nbrucio search {quote(f'SCOPE:{pattern}')}"
        )
    with catalogue_of(instance, config) as catalogue:
        found = list(islice(catalogue.search(scope, name or "*", kind, filters), limit + 1))
        unsized, more = unsized_of(catalogue, scope, name or "*", kind, filters)
    return SearchReport(tuple(found[:limit]), len(found) > limit, unsized, more)
