"""Find the data of notebooks that needs a replication rule, and the mounted RSE for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.config import Instance
from nbrucio.core.did import Did
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.core.requirement import Requirement, not_declared
from nbrucio.core.text import plural
from nbrucio.errors import BadConfig, NbrucioError, UsageError
from nbrucio.kernel.quoting import quoted_path
from nbrucio.notebook.declared import Declared, read_declared
from nbrucio.operations.stage_report import Staged
from nbrucio.pipeline.context import RunContext
from nbrucio.pipeline.resolve import ResolveOptions

#: Largest number of rules per requirement. A selection needs one rule per file, which Rucio is not made for.
MAX_RULES = 100


class StageTarget(NamedTuple):
    """Data for one rule.

    Attributes:
        notebook, handle: the requirement.
        catalogue: that of its Rucio server.
        identity: the identity of that server.
        did: the requirement's DID, or one of its files if it selects some.
        size_bytes: its size, without files of unknown size.
        rse: the mounted RSE.
    """

    notebook: Path
    handle: str
    catalogue: RucioCatalogue
    identity: str
    did: Did
    size_bytes: int
    rse: str

    @property
    def key(self) -> tuple[str, Did, str]:
        """The part that targets with the same rule have in common."""
        return self.identity, self.did, self.rse


class StageTargets(NamedTuple):
    """The data of several notebooks to stage.

    Attributes:
        targets: in the order of the notebooks and their requirements.
        failed: requirements that cannot be staged, each with its error.
        faults: the errors of notebooks that cannot be read.
    """

    targets: tuple[StageTarget, ...]
    failed: tuple[Staged, ...]
    faults: tuple[NbrucioError, ...]


def find_targets(
    run: RunContext,
    paths: Sequence[Path],
    handles: Sequence[str],
    rse: str | None,
    *,
    every: bool = False,
    changing: bool = True,
) -> StageTargets:
    """Return the data of these handles; without any, data with access "rule", or ``every`` data that can be staged.

    Args:
        paths: notebooks. A handle must be declared in one of them.
        rse: a mounted RSE; None means the first.
        changing: rules are made or removed, so that the memory of those of each notebook must be readable.

    Raises:
        NbrucioError: a handle is unknown, or nothing can be staged.
    """
    declared, faults = _read(run, paths, changing=changing)
    chosen = _chosen(paths, declared, faults, handles, every=every)
    targets: list[StageTarget] = []
    failed: list[Staged] = []
    resolver = run.resolver()  # asks for data of several notebooks once
    for notebook, wanted in chosen:
        only = notebook._replace(declaration=notebook.declaration._replace(entries=tuple(wanted)))
        for resolved in resolver.resolve(only, ResolveOptions(offline=run.config.policy.offline)):
            if every and not handles and len(_dids(resolved)) > MAX_RULES:
                continue
            try:
                targets += _targets(run, notebook.path, resolved, rse)
            except NbrucioError as error:
                failed.append(Staged(notebook.path, resolved.requirement.handle, "", None, "found", error))
    if failed and not targets:
        assert failed[0].error is not None
        raise failed[0].error
    return StageTargets(tuple(targets), tuple(failed), tuple(faults))


def _read(run: RunContext, paths: Sequence[Path], *, changing: bool) -> tuple[list[Declared], list[NbrucioError]]:
    declared: list[Declared] = []
    faults: list[NbrucioError] = []
    for path in paths:
        try:
            found = read_declared(path)
            if changing:
                run.staged.read(path)  # before a rule is made that could not be renewed
            declared.append(found)
        except NbrucioError as error:
            faults.append(error)
    if faults and not declared:
        raise faults[0]
    return declared, faults


def _chosen(
    paths: Sequence[Path],
    declared: Sequence[Declared],
    faults: Sequence[NbrucioError],
    handles: Sequence[str],
    *,
    every: bool,
) -> list[tuple[Declared, list[Requirement]]]:
    """Return the requirements to stage of each notebook that has any."""
    everything = [requirement for one in declared for requirement in one.declaration.requirements]
    known = {requirement.handle for requirement in everything}
    for handle in handles:
        if handle not in known:
            raise faults[0] if faults else not_declared(handle, _words_for(paths), everything)

    def wanted(requirement: Requirement) -> bool:
        return requirement.handle in handles if handles else every or requirement.access == "rule"

    chosen = [(one, [each for each in one.declaration.requirements if wanted(each)]) for one in declared]
    found = [(one, requirements) for one, requirements in chosen if requirements]
    if not found:
        raise faults[0] if faults else _nothing_to_stage(paths, everything)
    return found


def _words_for(paths: Sequence[Path]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"these {len(paths)} notebooks"


def _nothing_to_stage(paths: Sequence[Path], declared: Sequence[Requirement]) -> UsageError:
    several = _words_for(paths)
    if not declared:
        words = f"{several} declares no data." if len(paths) == 1 else f"None of {several} declares data."
        hint = None
        command = f"nbrucio add {quoted_path(paths[0])} SCOPE:NAME"
    else:
        words = f'No data in {several} is declared with access "rule".'
        hint = 'Name the handles to stage, or declare {"access": "rule"}.'
        command = f"nbrucio stage {' '.join(map(quoted_path, paths))} {declared[0].handle}"
    return UsageError(words, subject=str(paths[0]), hint=hint, next_command=command)


def _dids(resolved: ResolvedRequirement) -> dict[Did, int]:
    """Return the DIDs that need a rule of their own, with their sizes: the files where the requirement selects some."""
    sizes = {entry.did: entry.size_bytes or 0 for entry in resolved.files}
    if resolved.requirement.select is None:
        return {resolved.requirement.did: sum(sizes.values())}
    return sizes


def _targets(run: RunContext, notebook: Path, resolved: ResolvedRequirement, rse: str | None) -> list[StageTarget]:
    if resolved.error is not None:
        raise resolved.error
    catalogue = run.catalogue(resolved.instance)
    if not isinstance(catalogue, RucioCatalogue):
        raise UsageError(
            f"{resolved.instance} has no replication rules, because it is not a Rucio server.",
            subject=resolved.instance,
        )
    handle, dids = resolved.requirement.handle, _dids(resolved)
    if len(dids) > MAX_RULES:
        raise UsageError(
            f"'{handle}' selects {plural(len(dids), 'file')}; each would need a rule of its own.",
            subject=handle,
            hint=f"Stage the whole dataset, or select at most {MAX_RULES} files.",
        )
    place = _mounted_rse(catalogue.instance, rse, run.config.policy.stage_rses)
    return [
        StageTarget(notebook, handle, catalogue, resolved.instance, did, size_bytes, place)
        for did, size_bytes in dids.items()
    ]


def _mounted_rse(instance: Instance, wanted: str | None, allowed: tuple[str, ...] | None) -> str:
    mounted = [mount.rse for mount in instance.mounts]
    if wanted in mounted or (wanted is None and mounted):
        return wanted or next((rse for rse in mounted if allowed is None or rse in allowed), mounted[0])
    words = ", ".join(mounted) or "none"
    found = f"{wanted} is not" if wanted else "No RSE is"
    raise BadConfig(
        f"{found} mounted on this machine for {instance.name}.",
        subject=instance.name,
        hint=f"Mounted: {words}. Mounts are configured under [[instances.{instance.name}.mounts]].",
    )
