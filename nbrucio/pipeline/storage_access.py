"""Make the transfers' storage settings of an instance from the configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping

from nbrucio.catalogue.bearer import discovered
from nbrucio.catalogue.credentials import storage_credentials
from nbrucio.config import Config, Instance
from nbrucio.transfer.types import StorageAccess, TraceTarget


def storage_access(config: Config, identity: str, environ: Mapping[str, str] = os.environ) -> StorageAccess:
    """Return the storage settings of the instance ``identity`` for transfers.

    Raises:
        BadConfig: the instance is not configured.
    """
    instance = config.instance(identity)
    found = storage_credentials(instance, environ, config)
    traces = _trace_target(instance) if config.policy.traces and instance.traces else None
    folders, listed = instance.readable_folders(), instance.redirect_hosts
    discovers = found.token_place is not None and found.token_place == discovered(environ)
    return StorageAccess(
        ca=found.ca,
        with_system_cas=found.with_system_cas,
        proxy=found.proxy,
        key=found.key,
        token=found.token,
        traces=traces,
        file_roots=folders,
        redirect_hosts=listed,
        discovers_token=discovers,
    )


def _trace_target(instance: Instance) -> TraceTarget | None:
    """Return the target of traces; None if only the server knows the account for them."""
    account = instance.account or instance.credentials.username
    if account is None:
        return None
    vo = None if instance.vo == "def" else instance.vo
    return TraceTarget(instance.trace_host or instance.host, account, vo, instance.ca_cert)
