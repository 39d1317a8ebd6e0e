"""Warnings at the start of a download: files that cannot be obtained, and a credential that ends before it does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from nbrucio.catalogue.bearer import claims
from nbrucio.catalogue.certificates import end_of
from nbrucio.catalogue.credentials import storage_credentials
from nbrucio.catalogue.renewal import renewer_of
from nbrucio.config import Config, Instance
from nbrucio.core.events import Noticed
from nbrucio.core.plan import Plan
from nbrucio.core.planner import Wanted
from nbrucio.core.text import human_moment, human_seconds, plural
from nbrucio.errors import NbrucioError
from nbrucio.pipeline.context import RunContext

#: 10 Gbit/s.
_FAST_BYTES_PER_S = 1.25e9
#: Seconds of a download for which no credential is read: the library for certificates takes 0.04 s to load, a tenth of
#: the time until the first byte.
_SHORT_S = 10.0


def checked_first(
    run: RunContext, begins: Callable[[Sequence[Wanted]], object] | None
) -> Callable[[Sequence[Wanted]], object]:
    """Return ``begins`` with the notices of `ending` before it."""

    def begin(wanted: Sequence[Wanted]) -> None:
        sizes: dict[str, int] = {}
        for one in wanted:
            sizes[one.instance] = sizes.get(one.instance, 0) + one.size_bytes
        for sentence in ending(sizes, run.config, run.rate.last(), os.environ):
            run.reporter.report(Noticed(sentence))
        if begins is not None:
            begins(wanted)

    return begin


def unobtainable(plan: Plan) -> Iterator[str]:
    """Yield a sentence for each requirement and each kind of error of files that cannot be obtained."""
    for one in plan.requirements:
        kinds: dict[str | None, list[NbrucioError]] = {}
        for file in one.files:
            if file.error is not None:
                kinds.setdefault(file.error.hint, []).append(file.error)
        for errors in kinds.values():
            count = f"{len(errors):,} of {plural(len(one.files), 'file')}"
            yield f"'{one.resolved.requirement.handle}': {count} cannot be obtained. {errors[0].message}"


def least_seconds(size_bytes: int) -> float:
    """Return the time of a download on a network that few machines have."""
    return size_bytes / _FAST_BYTES_PER_S


def ending(
    sizes: Mapping[str, int], config: Config, bytes_per_s: float | None, environ: Mapping[str, str]
) -> Iterator[str]:
    """Yield a sentence for each instance whose credentials for storage all end before the download does, if that takes
    more than 10 s.

    Args:
        sizes: bytes to download, by the identity of the instance.
        bytes_per_s: the rate of the last sync; without one the time is at least `least_seconds`.
    """
    size_bytes = sum(sizes.values())
    needed_s = size_bytes / bytes_per_s if bytes_per_s else least_seconds(size_bytes)
    if needed_s < _SHORT_S:
        return
    for identity in sizes:
        try:
            ends = credential_ends(config.instance(identity), config, environ)
        except NbrucioError:
            continue  # the transfers report it
        last = max(ends, key=ends.__getitem__, default=None)
        if last is not None and ends[last] < time.time() + needed_s:
            takes = f"{'about' if bytes_per_s else 'at least'} {human_seconds(needed_s)}"
            yield (
                f"{last} ends at {human_moment(ends[last])}, and this download takes {takes}. "
                "Renew it now; a sync that ends too early continues where it stopped."
            )


def credential_ends(instance: Instance, config: Config, environ: Mapping[str, str]) -> dict[str, float]:
    """Return when the credentials for the storage of ``instance`` end, in seconds since the epoch, each by its name.

    The result is empty if there are none, or if one of them has no end or is renewed by itself.

    Raises:
        NbrucioError: a credential cannot be read.
    """
    found = storage_credentials(instance, environ, config)
    ends: dict[str, float | None] = {}
    if found.proxy is not None:
        ends[f"{'The proxy' if found.key is None else 'The certificate'} {found.proxy}"] = end_of(found.proxy)
    if found.token is not None:
        place = f" in {found.token_place}" if found.token_place else ""
        renewed = found.token_place is None and renewer_of(instance) is not None
        ends[f"The token{place} for {instance.name}"] = None if renewed else claims(found.token).expires_at
    known = {name: end for name, end in ends.items() if end is not None}
    return known if len(known) == len(ends) else {}
