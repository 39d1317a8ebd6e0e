"""The child that uploads (`nbrucio.disk.child`). Only `nbrucio.operations.upload.upload` starts it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from nbrucio.catalogue.child.config import escaped
from nbrucio.config import Instance
from nbrucio.core.did import Did
from nbrucio.disk.child import serve
from nbrucio.errors import ConsentNeeded, CredentialsRejected, NbrucioError, Offline, OverBudget

Say = Callable[..., None]

#: Errors that would fail the next file, too.
_FINAL = (ConsentNeeded, CredentialsRejected, Offline, OverBudget)


def main() -> None:
    """Be the child."""
    serve(_upload)


def _upload(order: dict[str, Any], say: Say) -> None:
    try:
        _carry_out(order, Instance(**order["instance"]), say)
    except NbrucioError as error:
        say("stopped", error=error.as_json())


def _carry_out(order: dict[str, Any], instance: Instance, say: Say) -> None:
    from nbrucio.catalogue.child.clients_errors import require_clients
    from nbrucio.operations.upload.destination import UploadDataset, check_rse, check_scope
    from nbrucio.operations.upload.faults import UploadErrors

    require_clients()
    rse, lifetime_s = order["rse"], order["lifetime_s"]
    upload = UploadErrors(instance, rse, order["scope"], lambda words: say("detail", words=words))
    with upload.translated():
        from rucio.client import Client, baseclient
        from rucio.common.config import config_set

        if order["password"] is not None:
            config_set("client", "password", escaped(order["password"]))
        from nbrucio.operations.upload.send import Sender

        baseclient.wlcg_token_discovery = lambda: None  # a discovered token is for the storage only
        client = Client()
        if client.account is None:  # not configured: scopes and rules need the account that the server chose at login
            client.account = client.whoami()["account"]
        check_rse(client, instance, rse)
        upload.own_scope = check_scope(client, instance, order["scope"])
        dataset = None
        if order["dataset"]:
            did = Did.parse(order["dataset"])
            own_scope = upload.own_scope if did.scope == order["scope"] else check_scope(client, instance, did.scope)
            notice = partial(_notice, say)
            dataset = UploadDataset(client, did, rse, lifetime_s, own_scope, upload, notice)
            dataset.exists()
        sender = Sender(client, instance, rse, dataset, lifetime_s, upload)
    for number, row in enumerate(order["files"]):
        path, did = Path(row["path"]), Did.parse(row["did"])
        say("started", file=number)
        try:
            with upload.translated(path, did):
                state = sender.send(path, did, partial(_moved, say, number))
        except NbrucioError as error:
            if isinstance(error, _FINAL):
                raise
            say("failed", file=number, error=error.as_json())
        else:
            say("done", file=number, state=state)


def _notice(say: Say, message: str) -> None:
    say("notice", message=message)


def _moved(say: Say, number: int, size_bytes: int) -> None:
    say("moved", file=number, bytes=size_bytes)
