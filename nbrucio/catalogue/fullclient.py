"""The whole of rucio-clients for one instance, for what only rucio-clients can do. Importing this takes a while."""

from __future__ import annotations

import os
from collections.abc import Mapping
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from nbrucio.catalogue.faults import seam
from nbrucio.catalogue.login import login_of, process_kept, require_clients
from nbrucio.catalogue.tokens import token_file
from nbrucio.config import Instance, Policy

if TYPE_CHECKING:
    from rucio.client import Client


def full_client(instance: Instance, policy: Policy, environ: Mapping[str, str]) -> Client:
    """A ``rucio.client.Client`` of ``instance`` alone: what this process or a rucio.cfg says does not matter to it.

    Raises:
        NbrucioError: rucio-clients is missing, the login was refused, or the server cannot be reached.
    """
    require_clients()
    login = login_of(instance, environ)
    with seam(instance), process_kept():
        from rucio.client import Client

        from nbrucio.catalogue.client import OfInstance

        class FullClient(OfInstance, Client):  # type: ignore[misc]  # rucio ships no types
            """Every call of rucio-clients, with the settings of one instance."""

        _have_a_configuration()
        timeout_s = (policy.connect_timeout_s, policy.read_timeout_s)
        return FullClient(instance, login, token_file(instance, environ), timeout_s)


def _have_a_configuration() -> None:
    """Let rucio-clients read an empty file where it finds none: DownloadClient fails without, and needs nothing in it.

    It reads a configuration once in a process. Call this within `process_kept`, which other such calls wait for.
    """
    from rucio.common.config import get_config
    from rucio.common.exception import RucioException

    try:
        get_config()
    except RucioException:
        before = os.environ.get("RUCIO_CONFIG")
        with NamedTemporaryFile(suffix=".cfg") as empty:
            os.environ["RUCIO_CONFIG"] = empty.name
            try:
                get_config()
            finally:
                os.environ.pop("RUCIO_CONFIG")
                if before is not None:
                    os.environ["RUCIO_CONFIG"] = before
