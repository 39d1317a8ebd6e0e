"""Warnings before the first byte of a download: a credential that ends before the download does."""

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
from nbrucio.core.planner import Wanted
from nbrucio.core.text import human_moment, human_seconds
from nbrucio.errors import NbrucioError
from nbrucio.pipeline.context import RunContext


def checked_first(
    run: RunContext, begins: Callable[[Sequence[Wanted]], object] | None
) -> Callable[[Sequence[Wanted]], object]:
    """Return ``begins`` with the notices of `ending` before it."""

    def begin(wanted: Sequence[Wanted]) -> None:
        for sentence in ending(wanted, run.config, run.rate.last(), os.environ):
            run.reporter.report(Noticed(sentence))
        if begins is not None:
            begins(wanted)

    return begin


def ending(
    wanted: Sequence[Wanted], config: Config, bytes_per_s: float | None, environ: Mapping[str, str]
) -> Iterator[str]:
    """Yield a sentence for each instance whose credentials for storage all end before the download does.

    Args:
        bytes_per_s: the rate of the last sync, which gives the time of this one; nothing is known without it.
    """
    if not bytes_per_s:
        return
    needed_s = sum(one.size_bytes for one in wanted) / bytes_per_s
    for identity in dict.fromkeys(one.instance for one in wanted):
        try:
            ends = credential_ends(config.instance(identity), config, environ)
        except NbrucioError:
            continue  # the transfers report it
        last = max(ends, key=ends.__getitem__, default=None)
        if last is not None and ends[last] < time.time() + needed_s:
            yield (
                f"{last} ends at {human_moment(ends[last])}, and this download takes about {human_seconds(needed_s)}. "
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
