"""Whether kernels get their data, whether Jupyter has nbrucio's extension, and whether its servers agree with this
terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nbrucio.config import Config
from nbrucio.errors import BadConfig
from nbrucio.http import Client, HttpError, Request, Timeouts
from nbrucio.kernel.where import make_private, runtime_folder
from nbrucio.operations.doctor.values import Finding, Verdict

_NAME = "nbrucio"
_PROVISIONER = "nbrucio-provisioner"
_TIMEOUTS = Timeouts(connect_s=2.0, read_s=5.0)
_RESTART = "Restart the Jupyter server, so that it reads the same configuration as this terminal."


def kernels() -> Iterator[Finding]:
    """Yield whether manifests can be written for kernels, and whether cells wait for their data."""
    folder = runtime_folder()
    try:
        make_private(folder)
    except OSError as error:
        words = f"Kernels do not find their data: {error.strerror or error}."
        hint = "Set NBRUCIO_RUNTIME_DIR to a folder of your own."
        yield Finding.of(str(folder), BadConfig(words, subject=str(folder), hint=hint))
    else:
        yield Finding(str(folder), Verdict.OK, f"Manifests for kernels are in {folder}.")
    found = {entry.name for entry in metadata.entry_points(group="jupyter_client.kernel_provisioners")}
    if _PROVISIONER in found:
        yield Finding(_PROVISIONER, Verdict.OK, "Cells of kernels that Jupyter starts from here wait for their data.")
    else:
        hint = "Install nbrucio into the environment of Jupyter with pip, which registers it."
        yield Finding(
            _PROVISIONER, Verdict.WARNING, "Cells do not wait for their data: nbrucio is not registered.", hint
        )


def jupyter(config: Config) -> Iterator[Finding]:
    """Yield whether the extension and the panel are installed, and what differs at running servers."""
    if find_spec("jupyter_server") is None:
        yield Finding("jupyter", Verdict.UNCHECKED, f"Jupyter is not installed in the environment of {sys.executable}.")
        return
    yield _extension()
    yield _panel()
    for server in _running():
        yield _server(server, config)


def _extension() -> Finding:
    from jupyter_core.paths import jupyter_config_path
    from jupyter_server.extension.config import ExtensionConfigManager

    manager: Any = ExtensionConfigManager(read_config_path=jupyter_config_path())
    known = manager.get_jpserver_extensions()
    if known.get(_NAME):
        return Finding("server extension", Verdict.OK, "The server extension is enabled.")
    return Finding(
        "server extension",
        Verdict.WARNING,
        "The server extension is not enabled: notebooks do not download their data when they open.",
        next_command="jupyter server extension enable nbrucio",
    )


def _panel() -> Finding:
    from jupyter_core.paths import jupyter_path

    folders = [Path(folder) / _NAME for folder in jupyter_path("labextensions")]
    found = next((folder for folder in folders if (folder / "package.json").is_file()), None)
    if found is not None:
        return Finding("panel", Verdict.OK, f"The panel is installed in {found}.")
    hint = "Install nbrucio into the environment of Jupyter with pip."
    return Finding(
        "panel", Verdict.WARNING, "The panel is not installed: JupyterLab and Notebook do not show it.", hint
    )


def _running() -> list[Mapping[str, Any]]:
    from jupyter_server.serverapp import list_running_servers

    return [server for server in list_running_servers() if str(server.get("url", "")).startswith("http")]


def _server(server: Mapping[str, Any], config: Config) -> Finding:
    """Compare the configuration of a running server with this one."""
    url = str(server["url"]).rstrip("/")
    try:
        with closing(Client(url, timeouts=_TIMEOUTS)) as client:
            store, listed = (_get(client, path, str(server.get("token", ""))) for path in ("store", "instances"))
    except (HttpError, ValueError) as error:
        return Finding(url, Verdict.UNCHECKED, f"The Jupyter server at {url} could not be asked: {error}.")
    if store is None or listed is None:
        text = f"The Jupyter server at {url} runs without the extension."
        return Finding(url, Verdict.WARNING, text, "Restart the Jupyter server after the installation of nbrucio.")
    differs = list(_differences(store, listed, config))
    if not differs:
        return Finding(url, Verdict.OK, f"The Jupyter server at {url} has the configuration of this terminal.")
    text = f"The Jupyter server at {url} has another configuration than this terminal: {'; '.join(differs)}."
    return Finding(url, Verdict.WARNING, text, _RESTART)


def _get(client: Client, path: str, token: str) -> Mapping[str, Any] | None:
    """Return an answer of the extension; None where there is none."""
    response = client.ask(Request("GET", f"/nbrucio/{path}"), {"Authorization": f"token {token}"})
    content = response.content()
    if response.status == 404:
        return None
    if response.status != 200:
        raise ValueError(f"HTTP status {response.status}")
    value = json.loads(content)
    return value if isinstance(value, dict) else None


def _differences(store: Mapping[str, Any], listed: Mapping[str, Any], config: Config) -> Iterator[str]:
    if store.get("path") != str(config.store_path):
        yield f"its store is {store.get('path')}, here it is {config.store_path}"
    there = {str(one["name"]): _facts(one) for one in listed.get("instances", []) if isinstance(one, dict)}
    here = {one.name: (one.host, one.account, one.auth_type, one == config.default) for one in config.instances}
    for name in sorted({*there, *here}):
        if name not in there:
            yield f"it lacks the instance {name}"
        elif name not in here:
            yield f"it also has the instance {name}"
        elif there[name] != here[name]:
            yield f"the instance {name} has other settings"


def _facts(one: Mapping[str, Any]) -> tuple[object, object, object, bool]:
    return one.get("host"), one.get("account"), one.get("auth_type"), bool(one.get("default"))
