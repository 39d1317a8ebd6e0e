"""The process that uploads. Only `nbrucio.operations.upload.upload` starts it.

stdin: one line of JSON with the files, the destination, and the password if there is one. It stays open; the process
ends when it closes, so that it never outlives its parent. stdout: one line of JSON per event, for
`nbrucio.operations.upload.upload`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from nbrucio.config import Instance
from nbrucio.core.did import Did
from nbrucio.errors import ConsentNeeded, CredentialsRejected, NbrucioError, Offline, OverBudget
from nbrucio.operations.upload.isolated_config import escaped

Say = Callable[..., None]

#: Errors that would fail the next file, too.
_FINAL = (ConsentNeeded, CredentialsRejected, Offline, OverBudget)


def main() -> None:
    """Execute the order on stdin."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # rucio-clients print to stdout in places
    lock = threading.Lock()

    def say(event: str, **facts: object) -> None:
        with lock:
            out.write(json.dumps({"event": event, **facts}) + "\n")

    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    instance = Instance(**order["instance"])
    try:
        _carry_out(order, instance, say)
    except NbrucioError as error:
        say("stopped", error=error.as_json())
    say("end")


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def _carry_out(order: dict[str, Any], instance: Instance, say: Say) -> None:
    from nbrucio.operations.upload.destination import check_rse, check_scope, ensure_dataset

    rse, lifetime_s = order["rse"], order["lifetime_s"]
    dataset = Did.parse(order["dataset"]) if order["dataset"] else None
    with _translated_errors(instance):
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
        check_scope(client, instance, order["scope"])
        if dataset is not None:
            ensure_dataset(client, dataset, rse, lifetime_s, lambda message: say("notice", message=message))
        sender = Sender(client, instance, rse, dataset, lifetime_s)
    for number, row in enumerate(order["files"]):
        path, did = Path(row["path"]), Did.parse(row["did"])
        say("started", file=number)
        try:
            with _translated_errors(instance, str(did)):
                state = sender.send(path, did, partial(_moved, say, number))
        except NbrucioError as error:
            if isinstance(error, _FINAL):
                raise
            say("failed", file=number, error=error.as_json())
        else:
            say("done", file=number, state=state)


def _moved(say: Say, number: int, size_bytes: int) -> None:
    say("moved", file=number, bytes=size_bytes)


@contextmanager
def _translated_errors(instance: Instance, subject: str | None = None) -> Iterator[None]:
    """Translate every error to `NbrucioError`, with specific texts for missing write permissions."""
    from rucio.common.exception import AccessDenied, InsufficientAccountLimit

    from nbrucio.catalogue.errors import translate_errors, words_of

    with translate_errors(instance, subject):
        try:
            yield
        except InsufficientAccountLimit as error:
            raise OverBudget(
                f"The upload exceeds your quota at {instance.name}: {words_of(error)}.",
                subject=subject,
                hint="Remove rules that you no longer need, or ask the RSE's operators for more.",
            ) from error
        except AccessDenied as error:
            raise ConsentNeeded(
                f"Your account lacks permission at {instance.name}: {words_of(error)}.",
                subject=subject,
                hint="Ask the operators of this Rucio server which RSEs and scopes you may write to.",
            ) from error
