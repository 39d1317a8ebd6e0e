"""Everything that is wrong with the configuration, each with its file and line, for `nbrucio config check`."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from nbrucio.config.effective import PATHS
from nbrucio.config.load import SYSTEM_FILE, load, read_files, read_layers
from nbrucio.config.path_text import expand, unset_variables, unset_words
from nbrucio.config.table import Table, UnknownSetting, fault
from nbrucio.config.values import Config
from nbrucio.core.schema import SchemaFault, schema_faults
from nbrucio.disk.libraries import unexpected
from nbrucio.disk.read import read_file, reason
from nbrucio.errors import BadConfig, NbrucioError, UsageError

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
    errors: tuple[NbrucioError, ...]
    warnings: tuple[str, ...]


def check(
    file: Path | None = None, environ: Mapping[str, str] | None = None, *, system_file: Path = SYSTEM_FILE
) -> Checked:
    """Check the configuration of this machine and user, or ``file`` in the place of the user's file or rucio.cfg.

    No server is asked. Unknown settings, and values that do not fit the schema ``config-1``, are all reported; of what
    only the reader of the configuration knows, the first error of each instance, or one outside instances. A file that
    cannot be parsed is reported alone.
    """
    environ = dict(os.environ if environ is None else environ)
    if file is not None:
        environ["RUCIO_CONFIG" if file.suffix == ".cfg" else "NBRUCIO_CONFIG"] = str(file)
    try:
        if file is not None and not file.exists():
            raise BadConfig(f"There is no configuration file {file}.", subject=str(file), hint="Check its name.")
        tables = [table for table in read_files(environ, system_file) if table is not None]
    except BadConfig as error:
        return Checked((), (error,), ())
    try:
        config, layers = load(environ, system_file=system_file), read_layers(environ, system_file)
    except BadConfig as error:
        return Checked((), (error, *_not_yet(tables, [error])), ())
    unknown = tuple(layers.unknown())
    files: list[BadConfig] = []
    warnings = [sentence for sentence in config.warnings if sentence not in map(str, unknown)]
    for table in layers.found.tables:
        files += _paths(table)
        warnings += _mounts(table)
    faults = [each.error for each in config.faults]
    errors: list[NbrucioError] = [*map(_unknown, unknown), *faults, *_default(config, faults), *files]
    return Checked(config.sources, (*errors, *_not_yet(tables, errors)), tuple(warnings))


def _default(config: Config, faults: Sequence[NbrucioError]) -> Iterator[NbrucioError]:
    """Yield the error of a default instance that is named and cannot be used, unless it is among ``faults``."""
    if config.default_name is None:
        return
    try:
        config.instance()
    except UsageError as error:
        if error not in faults:
            yield error


def _not_yet(tables: Iterable[Table], known: Sequence[NbrucioError]) -> Iterator[NbrucioError]:
    """Yield the errors of configuration files by their schema, except for settings with ``known`` errors."""
    for table in tables:
        source = next((source for _, source in table.values.values()), None)
        try:
            found = schema_faults({name: value for name, (value, _) in table.values.items()}, "config-1")
        except ImportError as error:
            yield unexpected(error)
            return
        for one in found:
            if source is not None and not any(_is_of(error, source.where(one.path), one) for error in known):
                yield _of_schema(one, source.where(one.path))


def _is_of(error: NbrucioError, where: str, found: SchemaFault) -> bool:
    """Whether ``error`` is about the same setting, or about the list or table with it."""
    key = error.subject or ""
    return error.message.startswith(f"{where}:") and (
        found.path == key or found.path.startswith((f"{key}[", f"{key}."))
    )


def _of_schema(found: SchemaFault, where: str) -> BadConfig:
    close = (found.hint or "").startswith("Did you mean")
    if found.unknown_key:
        hint = found.hint if close else "Remove it; the documentation lists all settings."
        return BadConfig(f"{where}: the setting {found.path} is unknown.", subject=found.path, hint=hint)
    hint = found.hint or "Correct this setting."
    return BadConfig(f"{where}: {found.message}", subject=found.path, hint=hint)


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
        unset = sorted({variable for text in texts for variable in unset_variables(text, table.environ)})
        if unset:
            yield fault(source, table.path_of(name), unset_words(unset))
        elif name in _NEEDED:
            for text in texts:
                what = _unreadable(expand(text.strip(), source.folder, table.environ))
                if what:
                    yield fault(source, table.path_of(name), what)


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
