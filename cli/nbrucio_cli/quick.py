"""``nbrucio sync NB`` and ``nbrucio status NB`` where nothing has changed: answered before click is loaded.

Loading click takes half of such a command. Anything else (another option than --quiet, a folder, a fault, a warning of
the configuration) is left to the verb itself, which says the same in the same words.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbrucio.config import Config

#: The configuration that was read for nothing: the verb, which follows at once, takes it from here.
_read: list[Config] = []


def answered(arguments: Sequence[str]) -> bool:
    """Whether these arguments were a plain sync or status that a glance could answer, and was answered."""
    verb, *words = arguments
    quiet = verb == "sync" and words[:1] in (["-q"], ["--quiet"])
    names = words[1:] if quiet else words
    if verb not in ("sync", "status") or not names or any(name.startswith("-") for name in names):
        return False
    text = _text(verb, list(dict.fromkeys(map(Path, names))))
    if text is None:
        return False
    try:
        sys.stdout.write("" if quiet else text)
        sys.stdout.flush()
    except (UnicodeEncodeError, BrokenPipeError):
        return False
    return True


def config_read() -> Config | None:
    """The configuration, if it was read a moment ago; given out once."""
    return _read.pop() if _read else None


def _text(verb: str, paths: Sequence[Path]) -> str | None:
    from nbrucio.config import load
    from nbrucio.errors import NbrucioError
    from nbrucio.glance import glance
    from nbrucio_cli.rows import glance_lines

    try:
        if any(path.is_dir() for path in paths):
            return None
        config = load()
        _read[:] = [config]
        glances = None if config.warnings else glance(paths, config, synced=verb == "sync")
    except NbrucioError:
        return None
    if glances is None:
        return None
    text = "".join(f"{line}\n" for line in glance_lines(glances, verb))
    return text if sys.stdout.isatty() else re.sub("\x1b\\[[0-9]+m", "", text)
