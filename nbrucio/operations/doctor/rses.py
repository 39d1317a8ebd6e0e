"""Whether this machine can read from each RSE: it is switched on, and one of its protocols works here."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.util import find_spec

from nbrucio.catalogue.browse import Browser
from nbrucio.catalogue.rucio import SCHEMES, RucioCatalogue
from nbrucio.config import Config, Instance
from nbrucio.core.estimate import Estimate
from nbrucio.core.files import RseFacts
from nbrucio.core.unavailable import unread
from nbrucio.disk.libraries import missing_library
from nbrucio.errors import NbrucioError
from nbrucio.operations.doctor import machine
from nbrucio.operations.doctor.storage import storage_certificates
from nbrucio.operations.doctor.values import Finding, Verdict
from nbrucio.operations.whoami import LoginRow

#: Largest number of RSEs of an instance to ask for one by one.
MAX_RSES = 60
_AT_ONCE = 8
#: Files of a plan whose RSEs are used.
_FILES = 1_000
_OTHER_REPLICAS = "Files that also have a replica elsewhere are read from there."
_MOUNT = "Add its folder to file_roots, or mount it, where this machine has it."


def used_rses(found: Estimate | NbrucioError) -> dict[str, set[str]]:
    """Return the RSEs from which a plan downloads, by the identity of the instance; none without a plan."""
    used: dict[str, set[str]] = {}
    if isinstance(found, NbrucioError):
        return used
    for instance, file in found.plan.downloads[:_FILES]:
        replicas = found.plan.replicas[instance, file.entry.did]
        used.setdefault(instance, set()).update(replica.rse for replica in replicas)
    for plan in (plan for notebook in found.notebooks for plan in notebook.requirements):
        if plan.sums is not None:
            used.setdefault(plan.resolved.instance, set()).update(one.rse for one in plan.sums.rses)
    return used


def rses(config: Config, rows: Sequence[LoginRow], used: Mapping[str, Collection[str]]) -> Iterator[Finding]:
    """Yield whether files at each RSE can be read here; of many RSEs only those that are mounted or ``used``."""
    for row in rows:
        if row.instance is None:
            continue  # the configuration is wrong, which is reported there
        if row.error is not None:
            text = f"The RSEs of {row.name} were not checked: there is no login."
            yield Finding(row.name, Verdict.UNCHECKED, text)
            continue
        with closing(RucioCatalogue(row.instance, config.policy, environ=os.environ, config=config)) as catalogue:
            try:
                yield from _of_instance(row.instance, catalogue.browser(), used.get(row.instance.identity, ()), config)
            except NbrucioError as error:
                yield Finding.of(row.name, error)


def _of_instance(instance: Instance, browser: Browser, used: Collection[str], config: Config) -> Iterator[Finding]:
    names = browser.rses()
    if len(names) > MAX_RSES:
        text = f"Of the {len(names):,} RSEs of {instance.name} only those that are mounted or used were checked."
        hint = None if used else "Give a notebook, to check the RSEs that it downloads from."
        yield Finding(instance.name, Verdict.UNCHECKED, text, hint)
        wanted = {mount.rse for mount in instance.mounts} | set(used)
        names = [name for name in names if name in wanted][:MAX_RSES]

    def described(name: str) -> RseFacts | NbrucioError:
        try:
            return browser.rse(name)
        except NbrucioError as error:
            return error

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        described_rses = list(pool.map(described, names))
    for name, found in zip(names, described_rses, strict=True):
        yield Finding.of(name, found) if isinstance(found, NbrucioError) else rse_finding(found, instance)
    yield from storage_certificates([one for one in described_rses if isinstance(one, RseFacts)], instance, config)


def rse_finding(rse: RseFacts, instance: Instance) -> Finding:
    """Return whether files at ``rse`` can be read here."""
    name = f"{rse.name} ({instance.name})"
    words = unread(rse, SCHEMES)
    if words is not None:
        return Finding(rse.name, Verdict.WARNING, f"{name} {words}.", _OTHER_REPLICAS)
    if rse.tape:
        text = f"{name} is on tape: `nbrucio stage` asks Rucio for a replica on disk."
        return Finding(rse.name, Verdict.OK, text)
    schemes = [scheme for scheme in rse.schemes if scheme in SCHEMES]
    works = [scheme for scheme in schemes if _works(scheme, rse, instance)]
    if works:
        return Finding(rse.name, Verdict.OK, f"{name} can be read over {', '.join(works)}.")
    library = next((library for names, _, library in machine.LIBRARIES if set(names) & set(schemes)), None)
    offered = f"{name} offers only {' and '.join(schemes)}"
    if library is None:
        text = f"{offered}, and its folder is not below file_roots or a mount."
        return Finding(rse.name, Verdict.WARNING, text, f"{_OTHER_REPLICAS} {_MOUNT}")
    missing = missing_library(library, f"{offered}, and {library} is not installed.")
    return Finding(rse.name, Verdict.WARNING, missing.message, missing.hint, missing.next_command)


def _works(scheme: str, rse: RseFacts, instance: Instance) -> bool:
    """Whether this machine can read over ``scheme``."""
    module = next((module for names, module, _ in machine.LIBRARIES if scheme in names), None)
    if module is not None:
        return find_spec(module) is not None
    roots = [f"{folder}".rstrip("/") + "/" for folder in instance.readable_folders()]
    folders = [folder.rstrip("/") + "/" for folder in rse.folders]
    return any(a.startswith(b) or b.startswith(a) for a in roots for b in folders)
