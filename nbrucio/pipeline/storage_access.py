"""Make the transfers' storage settings of an instance from the configuration."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping

from nbrucio.catalogue.bearer import claims, discovered
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
    current = None if found.token is None else _CurrentToken(found.token, instance, environ, config)
    traces = _trace_target(instance) if config.policy.traces and instance.traces else None
    folders, listed = instance.readable_folders(), instance.redirect_hosts
    discovers = found.token_place is not None and found.token_place == discovered(environ)
    return StorageAccess(
        ca=found.ca,
        with_system_cas=found.with_system_cas,
        proxy=found.proxy,
        key=found.key,
        token=found.token,
        token_now=current,
        token_renewed=None if current is None else current.renewed_since,
        traces=traces,
        file_roots=folders,
        redirect_hosts=listed,
        discovers_token=discovers,
    )


#: Seconds between two looks whether the token was renewed. A sync may take longer than the life of a token.
_AGAIN_S = 60.0


class _CurrentToken:
    """The token for the storage of ``instance`` as it is now. Thread-safe.

    Called, it returns the token: read and renewed again after `_AGAIN_S` and when the present one has ended.
    """

    def __init__(self, token: str, instance: Instance, environ: Mapping[str, str], config: Config) -> None:
        self._token: str | None = token
        self._where = (instance, environ, config)
        self._read_at = self._changed_at = time.monotonic()
        self._lock = threading.Lock()

    def __call__(self) -> str | None:
        with self._lock:
            has_ended = self._token is not None and not claims(self._token).is_current()
            if has_ended or time.monotonic() > self._read_at + _AGAIN_S:
                self._read()
            return self._token

    def renewed_since(self, began: float) -> bool:
        """Return whether the token is another one than at ``began``; read it unless that was done since then.

        A storage refuses a token that was revoked: it is no reason to wait until the next look.
        """
        with self._lock:
            if self._read_at <= began:
                self._read()
            return self._changed_at > began

    def _read(self) -> None:
        token = storage_credentials(*self._where).token
        self._read_at = time.monotonic()
        if token != self._token:
            self._token, self._changed_at = token, self._read_at


def _trace_target(instance: Instance) -> TraceTarget | None:
    """Return the target of traces; None if only the server knows the account for them."""
    account = instance.account or instance.credentials.username
    if account is None:
        return None
    vo = None if instance.vo == "def" else instance.vo
    return TraceTarget(instance.trace_host or instance.host, account, vo, instance.ca_cert)
