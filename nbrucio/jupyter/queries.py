"""The answers of the REST handlers, as functions from text to JSON. They block, so they run in threads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbrucio.config import Config, load
from nbrucio.config.session import session_without_rucio
from nbrucio.core.did import Did
from nbrucio.core.files import total_bytes
from nbrucio.core.report import NotebookReport, RequirementReport
from nbrucio.errors import MissingDependency, NbrucioError
from nbrucio.notebook.schema_errors import as_error, declaration_faults
from nbrucio.operations.configure import create, draft, try_connection
from nbrucio.operations.first_start import try_sandbox, ways
from nbrucio.operations.grants import LIFETIME, Grant, Grants
from nbrucio.operations.import_config import import_config
from nbrucio.pipeline.context import RunContext

if TYPE_CHECKING:
    from nbrucio.jupyter.sync_job import SyncJob

#: An event is sent to every browser and is checked against its schema on the event loop.
MAX_STATES_IN_EVENT = 1_000


def status(path: Path, job: SyncJob | None, with_files: bool, check: bool = False) -> dict[str, object]:
    """Return the status of the notebook at ``path``. No network, unless ``check`` asks Rucio for changes.

    Beside the notebook's report it has totals, invalid requirements by their number, other faults of the declaration,
    and the logins that end soon.

    Args:
        job: its last sync, whose progress or result is under ``sync``.

    Raises:
        NbrucioError: the configuration is wrong.
    """
    from nbrucio.pipeline.status import status

    config = load()
    notebook = status([path], config, check=check).notebooks[0]
    return {
        **notebook._replace(requirements=()).as_json(),
        "requirements": [one.as_json(with_files=with_files) for one in notebook.requirements],
        "invalid": _invalid(notebook),
        "warnings": [warning.as_json() for warning in _warnings(notebook)],
        "ending_logins": _ending_logins(notebook, config),
        "totals": _totals(notebook.requirements),
        "sync": {**job_as_json(job), **found_by(job)} if job else None,
    }


def _invalid(notebook: NotebookReport) -> list[dict[str, object]]:
    """Return the errors of invalid requirements; by the handle an editor notices that it has another entry there."""
    entries = notebook.asked.declaration.get("requirements", ()) if notebook.asked and notebook.invalid else ()
    handles = {number: entry.get("handle") for number, entry in enumerate(entries, 1) if isinstance(entry, Mapping)}
    return [
        {"number": number, "handle": _text_or_none(handles.get(number)), "error": error.as_json()}
        for number, error in notebook.invalid.items()
    ]


def _ending_logins(notebook: NotebookReport, config: Config) -> list[dict[str, str | int | None]]:
    from nbrucio.pipeline.login_ends import ending_logins_of

    requirements = (one.resolved.requirement for one in notebook.requirements)
    return [warning.as_json() for warning in ending_logins_of(requirements, config, os.environ)]


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _warnings(notebook: NotebookReport) -> Iterable[NbrucioError]:
    """Return what is wrong with the declaration outside requirements that are invalid."""
    if notebook.asked is None:
        return ()
    try:
        faults = declaration_faults(notebook.asked.declaration)
    except MissingDependency as error:
        return (error,)
    told = {("requirements", number - 1) for number in notebook.invalid}
    return (as_error(fault) for fault in faults if fault.parts[:2] not in told)


def _totals(requirements: Iterable[RequirementReport]) -> dict[str, int | None]:
    """Return files and bytes, each file of an instance once, also when several requirements select it."""
    each = [(one.resolved.instance, file) for one in requirements for file in one.files]
    # The last of a key stays: one that can be opened by any requirement.
    files = {(instance, file.entry.did): file for instance, file in sorted(each, key=lambda pair: pair[1].usable)}
    here = [file.entry.size_bytes for file in files.values() if file.usable]
    return {
        "files": len(files),
        "bytes": total_bytes(file.entry.size_bytes for file in files.values()),
        "here_files": len(here),
        "here_bytes": total_bytes(here),
    }


def plan(path: Path, *, exact: bool = False) -> dict[str, object]:
    """Return the plan of a sync of the notebook at ``path``. Ask Rucio about data that is not resolved yet.

    Args:
        exact: ask for the replicas of each file, also of many.

    Raises:
        NbrucioError: the configuration is wrong, or the declaration cannot be read.
    """
    from nbrucio.pipeline.estimate import estimate

    estimated = estimate([path], load(), exact=exact)
    notebook = estimated.notebooks[0]
    if notebook.faults and not notebook.requirements:
        raise notebook.faults[0]
    return estimated.as_json()


def lock(path: Path, handles: Sequence[str]) -> dict[str, object]:
    """Return the locks for the notebook at ``path``, which its editor writes, and errors by handle.

    Args:
        handles: only these requirements; all when empty.

    Raises:
        NbrucioError: a requirement is not declared, or none can be resolved.
    """
    from nbrucio.operations.edit import lock_elsewhere

    declaration, resolved = lock_elsewhere(path, load(), upgrade=handles)
    locked = [one for one in resolved if one.error is None]
    keys = {one.requirement.lock_key for one in locked}
    return {
        "lock": {key: entry.as_json() for key, entry in declaration.lock.items() if key in keys},
        "instances": {one.requirement.handle: one.instance for one in locked},
        "errors": {one.requirement.handle: one.error.as_json() for one in resolved if one.error is not None},
    }


def instances() -> dict[str, object]:
    """Return the configured instances, without their credentials.

    Raises:
        NbrucioError: the configuration is wrong.
    """
    config = load()
    return {
        "instances": [
            {
                "name": instance.name,
                "identity": instance.identity,
                "written": config.written(instance),
                "host": instance.host,
                "account": instance.account,
                "auth_type": instance.auth_type,
                "default": instance == config.default,
                "mounts": [mount.rse for mount in instance.mounts],
                "webui": instance.webui,
            }
            for instance in config.instances
        ],
        "faults": [{"name": fault.name, "error": fault.error.as_json()} for fault in config.faults],
        "warnings": list(config.warnings),
        "fixed": config.policy.fixed_instances,
        "start": session_without_rucio(os.environ),
        "ways": None if config.instances or config.faults else ways(),
    }


def add_instance(body: Mapping[str, Any]) -> dict[str, object]:
    """Add an instance to the user's configuration file, without a test.

    Raises:
        NbrucioError: the settings are wrong, the name is taken, or the administrator fixes the instances.
    """
    name, settings = draft(body)
    return {"name": name, "file": str(create(name, settings, default=body.get("default", False)))}


def test_instance(body: Mapping[str, Any]) -> dict[str, object]:
    """Test the connection to an instance that need not be configured; a failed test is a result, too.

    Raises:
        NbrucioError: the settings are wrong, or the administrator fixes the instances.
    """
    name, settings = draft(body)
    return {"name": name, **try_connection(name, settings).as_json()}


def import_instances() -> dict[str, object]:
    """Add the instances of rucio-jupyterlab and of each rucio.cfg to the user's file; without their settings.

    Raises:
        NbrucioError: there is nothing to import, or the administrator fixes the instances.
    """
    done = import_config()
    return {
        "found": [{"name": one.name, "where": one.where, "skipped": one.skipped} for one in done.found],
        "file": str(done.file) if done.file else None,
        "notices": list(done.notices),
    }


def add_sandbox() -> dict[str, object]:
    """Start the sandbox and add it to the user's configuration file.

    Raises:
        NbrucioError: it does not start, or the administrator fixes the instances.
    """
    return {"name": "sandbox", "file": str(try_sandbox())}


def store(with_usage: bool) -> dict[str, object]:
    """Return path and space of the store; ``with_usage`` also its contents, which are counted file by file.

    Raises:
        NbrucioError: the configuration is wrong.
    """
    config = load()
    with RunContext(config) as run:
        free = run.store.free_bytes()
        usage = run.store.usage() if with_usage else None
    policy = config.policy
    return {
        "path": str(config.store_path),
        "free_bytes": free,
        "files": usage.files if usage else None,
        "bytes": usage.size_bytes if usage else None,
        "keep_free_bytes": policy.keep_free_bytes,
        "max_download_bytes": policy.max_download_bytes,
        "offline": policy.offline,
    }


def grants(kept: Grants) -> dict[str, object]:
    """Return the grants that have not expired.

    Raises:
        UnreadableFile: their file cannot be read.
    """
    return {"grants": [grant.as_json() for grant in kept.read()]}


def grant(kept: Grants, body: Mapping[str, Any], budget_bytes: int) -> dict[str, object]:
    """Save a grant.

    Args:
        budget_bytes: the limit of a grant for data of unknown size, which must not be consent to any size.

    Raises:
        NbrucioError: the request is wrong, or the grant cannot be saved.
    """
    size = body.get("max_bytes")
    instance = load().instance(body.get("instance")).identity
    limit = budget_bytes if size is None else size
    new = Grant(instance, Did.parse(body["did"]), limit, datetime.now(timezone.utc) + LIFETIME)
    try:
        kept.add([new])
    except OSError as error:
        raise NbrucioError(f"The consent could not be saved: {error.strerror}.") from error
    return new.as_json()


def revoke(kept: Grants, body: Mapping[str, Any]) -> dict[str, object]:
    """Remove a grant.

    Raises:
        NbrucioError: the request is wrong, or the change cannot be saved.
    """
    instance, did = body.get("instance"), Did.parse(body["did"])
    if instance is None or all((grant.instance, grant.did) != (instance, did) for grant in kept.all()):
        instance = load().instance(instance).identity  # the identity of an instance that was removed is taken as it is
    try:
        kept.remove(instance, did)
    except OSError as error:
        raise NbrucioError(f"The consent could not be withdrawn: {error.strerror}.") from error
    return grants(kept)


def job_as_json(job: SyncJob) -> dict[str, object]:
    """Return the progress of a sync, or its result."""
    value: dict[str, object] = {"state": job.state, **job.progress.as_json()}
    if job.state == "done":
        value["requirements"] = dict(job.future.result().states)
    elif job.state == "failed":
        value["message"] = "The sync was cancelled." if job.future.cancelled() else str(job.future.exception())
    return value


def progress_as_json(job: SyncJob) -> dict[str, object]:
    """Return `job_as_json` for an event, without the states of too many requirements."""
    value = job_as_json(job)
    states = value.get("requirements")
    if isinstance(states, dict) and len(states) > MAX_STATES_IN_EVENT:
        del value["requirements"]
    return value


def found_by(job: SyncJob) -> dict[str, object]:
    """Return by handle the errors of a finished sync and the changes in Rucio."""
    if job.state != "done":
        return {"errors": {}, "drift": {}}
    ended = job.future.result()
    return {"errors": dict(ended.errors), "drift": dict(ended.drift)}
