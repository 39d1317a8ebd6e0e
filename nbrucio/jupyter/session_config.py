"""Give terminals and kernels the Rucio instances of this server's configuration."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from logging import Logger
from pathlib import Path
from typing import Any

from nbrucio.config.rucio_jupyterlab import plain
from nbrucio.config.session import VARIABLE
from nbrucio.disk.atomic import write_file
from nbrucio.kernel.where import make_private, runtime_folder


def share(config: Mapping[str, Any], log: Logger) -> Path | None:
    """Save rucio-jupyterlab's settings of the server and name the file in the environment, which children inherit.

    Args:
        config: the server's traitlets configuration, from Python files, JSON files or the command line.

    Returns:
        The file, to be removed when the server stops; None if nothing is configured.
    """
    if "RucioConfig" not in config:
        return None
    settings = {name: plain(value) for name, value in config["RucioConfig"].items()}
    file = runtime_folder() / f"session-{os.getpid()}.json"
    try:
        make_private(file.parent)
        write_file(file, json.dumps(settings, default=str).encode())
    except OSError as error:
        log.warning("nbrucio: terminals and kernels lack the Rucio instances of this server: %s", error)
        return None
    os.environ[VARIABLE] = str(file)
    return file
