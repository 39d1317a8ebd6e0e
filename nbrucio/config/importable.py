"""Files that configure Rucio for other programs and that nbrucio does not read by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from nbrucio.config import rucio_cfg
from nbrucio.disk.read import SMALL_BYTES, read_file

#: Where people and packages put a rucio.cfg that the client finds only with RUCIO_HOME or RUCIO_CONFIG.
_RUCIO_CFGS = ("~/.rucio/etc/rucio.cfg", "~/.rucio/rucio.cfg", "~/.rucio.cfg", "/etc/rucio/rucio.cfg", "/etc/rucio.cfg")
#: Names of configuration files that a Jupyter server reads, without their ending.
_JUPYTER_NAMES = ("jupyter_config", "jupyter_server_config", "jupyter_notebook_config", "jupyter_lab_config")
_MARK = b"RucioConfig"


def importable(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the files that `nbrucio config import` can read: rucio-jupyterlab's configuration, and each rucio.cfg in a
    usual place where the client does not search."""
    read_anyway = rucio_cfg.places(environ)
    return (*jupyter_files(), *(file for file in rucio_cfgs(environ) if file not in read_anyway))


def rucio_cfgs(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield each rucio.cfg in a usual place."""
    home = environ.get("HOME", "")
    for text in _RUCIO_CFGS:
        file = Path(text.replace("~", home, 1)) if home else Path(text)
        if file.is_absolute() and file.is_file():
            yield file


def jupyter_files() -> tuple[Path, ...]:
    """Return the configuration files of the Jupyter server that mention ``RucioConfig``, in the order of its search."""
    files = [f"{name}.{kind}" for name in _JUPYTER_NAMES for kind in ("json", "py")]
    found = (Path(folder) / file for folder in jupyter_folders() for file in files)
    return tuple(file for file in found if _mentions(file))


def jupyter_folders() -> tuple[str, ...]:
    """Return the folders in which Jupyter searches for configuration files; none where Jupyter is not installed."""
    try:
        from jupyter_core.paths import jupyter_config_path
    except ImportError:
        return ()
    return tuple(jupyter_config_path())


def _mentions(file: Path) -> bool:
    try:
        return _MARK in read_file(file, SMALL_BYTES)
    except OSError:
        return False
