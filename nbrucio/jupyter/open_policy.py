"""The policy for opening notebooks: the operator's limits, narrowed by the user's choice in Lab's settings.

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

from nbrucio.config import load
from nbrucio.config.values import OPEN_LEVELS as LEVELS
from nbrucio.disk.read import SMALL_BYTES, parse_json, read_file
from nbrucio.errors import NbrucioError, UsageError

_FILE = Path("nbrucio") / "plugin.jupyterlab-settings"


@dataclass(frozen=True)
class OpenPolicy:
    """The policy for opening a notebook.

    Attributes:
        level: one of `LEVELS`.
        budget_bytes: the download limit.
    """

    level: str
    budget_bytes: int

    def narrowed(self, chosen: Chosen) -> OpenPolicy:
        """Return this policy, narrowed by the user's choice."""
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
        """Parse ``level`` and ``budget_bytes`` of a request.

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
    """Return the user's choice in Lab's settings; an empty one if they are missing or cannot be read."""
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


def configured(environ: Mapping[str, str], log: Logger) -> Chosen:
    """Return ``on_open`` and ``open_budget`` of ``[policy]``; an empty choice if the configuration is wrong, which each
    sync reports."""
    try:
        policy = load(environ).policy
    except NbrucioError as error:
        log.warning("nbrucio: on_open and open_budget of the configuration are ignored: %s", error)
        return Chosen()
    return Chosen(policy.on_open, policy.open_budget_bytes)


def _settings_folder(environ: Mapping[str, str]) -> Path:
    """Return Lab's folder of user settings, see `jupyterlab.commands.get_user_settings_dir`."""
    from jupyter_core.paths import jupyter_config_dir

    named = environ.get("JUPYTERLAB_SETTINGS_DIR")
    return Path(named) if named else Path(os.fspath(jupyter_config_dir())) / "lab" / "user-settings"


def _parsed(text: str) -> dict[str, Any]:
    """Parse a settings file, which may have comments, with Lab's own parser if Lab is installed."""
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
