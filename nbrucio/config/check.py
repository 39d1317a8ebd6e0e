"""Everything that is wrong with the configuration, each with its file and line, for `nbrucio config check`."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from nbrucio.config.effective import PATHS
from nbrucio.config.load import SYSTEM_FILE, load, read_layers
from nbrucio.config.table import Table, UnknownSetting, expand, fault
from nbrucio.disk.read import read_file, reason
from nbrucio.errors import BadConfig

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
#: Files that an instance cannot work without.
_NEEDED = ("ca_cert", "storage_ca", "client_cert", "client_key", "ssh_private_key")
#: A file with all CAs of the Web has 300 kB.
_MAX_BYTES = 16 << 20


class Checked(NamedTuple):
    """The result of a check.

    Attributes:
        files: the files that were read.
        errors: what must be corrected.
        warnings: what may be wrong, each a sentence.
    """

    files: tuple[Path, ...]
    errors: tuple[BadConfig, ...]
    warnings: tuple[str, ...]


def check(
    file: Path | None = None, environ: Mapping[str, str] | None = None, *, system_file: Path = SYSTEM_FILE
) -> Checked:
    """Check the configuration of this machine and user, or ``file`` in the place of the user's file or rucio.cfg.

    No server is asked. An error of an instance does not hide those of others; a file that cannot be parsed, or a wrong
    setting outside instances, is reported alone.
    """
    environ = dict(os.environ if environ is None else environ)
    if file is not None:
        environ["RUCIO_CONFIG" if file.suffix == ".cfg" else "NBRUCIO_CONFIG"] = str(file)
    try:
        if file is not None and not file.exists():
            raise BadConfig(f"There is no configuration file {file}.", subject=str(file), hint="Check its name.")
        config, layers = load(environ, system_file=system_file), read_layers(environ, system_file)
    except BadConfig as error:
        return Checked((), (error,), ())
    unknown = tuple(layers.unknown())
    files: list[BadConfig] = []
    warnings = [sentence for sentence in config.warnings if sentence not in map(str, unknown)]
    for table in layers.found.tables:
        files += _paths(table)
        warnings += _mounts(table)
    errors = (*map(_unknown, unknown), *(each.error for each in config.faults), *files)
    return Checked(config.sources, errors, tuple(warnings))


def _unknown(setting: UnknownSetting) -> BadConfig:
    return BadConfig(
        f"{setting.where}: the setting {setting.key} is unknown.",
        subject=setting.key,
        hint=setting.suggestion().strip() or "Remove it; the documentation lists all settings.",
    )


def _paths(table: Table) -> Iterator[BadConfig]:
    """Yield the errors of the files that an instance names."""
    for name in PATHS:
        value, source = table.values.get(name, (None, None))
        if name not in table.asked or source is None:
            continue
        texts = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
        unset = sorted({variable for text in texts for variable in _unset(text, table.environ)})
        if unset:
            yield fault(source, table.path_of(name), f"names the variable {' and '.join(unset)}, which is not set")
        elif name in _NEEDED:
            for text in texts:
                what = _unreadable(expand(text.strip(), source.folder, table.environ))
                if what:
                    yield fault(source, table.path_of(name), what)


def _unset(text: str, environ: Mapping[str, str]) -> Iterator[str]:
    names = (match[1] or match[2] for match in _VARIABLE.finditer(text))
    return (name for name in names if name not in environ)


def _unreadable(path: Path) -> str | None:
    """Return why a file with certificates or keys, or a folder of CAs, cannot be used, as the end of a sentence."""
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            return None if any(path.iterdir()) else f"names the folder {path}, which is empty"
        content = read_file(path, _MAX_BYTES)
        return None if b"-----BEGIN " in content else f"names {path}, which holds nothing in PEM format"
    except OSError as error:
        return f"names {path}, which cannot be read: {reason(error)}"


def _mounts(table: Table) -> Iterator[str]:
    for row in table.rows:
        path = row.path("path")
        if path is not None and not path.is_dir():
            yield f"{row.where('path')}: {row.path_of('path')} names {path}, which is not a folder of this machine."
