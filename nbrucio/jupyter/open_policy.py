"""What opening a notebook may do: what the operator allows, narrowed by the user's choice in Lab's settings.

The browser sends each change. The saved choice is read once, when the server starts, so that it also holds for a
notebook that Lab restores before the browser has sent anything.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from logging import Logger
from pathlib import Path
from typing import Any

from nbrucio.disk.read import SMALL_BYTES, parse_json, read_file
from nbrucio.errors import UsageError

#: From the least to the most that may happen.
LEVELS = ("off", "read", "look", "fetch")
_FILE = Path("nbrucio") / "plugin.jupyterlab-settings"


@dataclass(frozen=True)
class OpenPolicy:
    """What may happen when a notebook is opened.

    Attributes:
        level: one of `LEVELS`.
        budget_bytes: the download limit.
    """

    level: str
    budget_bytes: int

    def narrowed(self, chosen: Chosen) -> OpenPolicy:
        """This, but not more than the user chose."""
        level = self.level if chosen.level is None else min(self.level, chosen.level, key=LEVELS.index)
        budget = self.budget_bytes if chosen.budget_bytes is None else min(self.budget_bytes, chosen.budget_bytes)
        return OpenPolicy(level, budget)

    def as_json(self) -> dict[str, object]:
        """This as a JSON-ready mapping."""
        return {"level": self.level, "budget_bytes": self.budget_bytes}


@dataclass(frozen=True)
class Chosen:
    """The user's choice; None where the operator's setting applies."""

    level: str | None = None
    budget_bytes: int | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Chosen:
        """From ``level`` and ``budget_bytes`` of a request.

        Raises:
            UsageError: one of them is wrong.
        """
        level, budget = body.get("level"), body.get("budget_bytes")
        if level is not None and level not in LEVELS:
            raise UsageError(f"'level' must be one of {', '.join(LEVELS)}.")
        if budget is not None and (isinstance(budget, bool) or not isinstance(budget, int) or budget < 0):
            raise UsageError("'budget_bytes' must be a number of bytes, at least 0.")
        return cls(level, budget)


def chosen_before(environ: Mapping[str, str], log: Logger) -> Chosen:
    """The user's choice in the settings of Lab; none where they are missing or cannot be read."""
    file = _settings_folder(environ) / _FILE
    try:
        found = _parsed(read_file(file, SMALL_BYTES).decode("utf-8"))
        megabytes = found.get("openBudget")
        budget = int(megabytes * 1_000_000) if isinstance(megabytes, (int, float)) else None
        return Chosen.of({"level": found.get("onOpen"), "budget_bytes": budget})
    except FileNotFoundError:
        return Chosen()
    except (OSError, ValueError, UsageError) as error:
        log.warning("nbrucio: %s cannot be read, so its choice for opening notebooks is ignored: %s", file, error)
        return Chosen()


def _settings_folder(environ: Mapping[str, str]) -> Path:
    """Where Lab keeps the user's settings, see `jupyterlab.commands.get_user_settings_dir`."""
    from jupyter_core.paths import jupyter_config_dir

    named = environ.get("JUPYTERLAB_SETTINGS_DIR")
    return Path(named) if named else Path(os.fspath(jupyter_config_dir())) / "lab" / "user-settings"


def _parsed(text: str) -> dict[str, Any]:
    """The object in a settings file, which may have comments; Lab's own parser reads it where Lab is."""
    try:
        import json5
    except ModuleNotFoundError:
        value = parse_json(text)
    else:
        try:
            value = json5.loads(text)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
    return value if isinstance(value, dict) else {}
