"""Configuration read from texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.config import Config, load

Load = Callable[..., Config]


@pytest.fixture
def configured(tmp_path: Path) -> Load:
    """Load configuration from texts: the operator's, the user's and a rucio.cfg, each left out when None."""

    def read(user: str | None = None, *, system: str | None = None, cfg: str | None = None, **environ: str) -> Config:
        home = tmp_path / "home"
        for path, text in (
            (home / "config" / "nbrucio" / "config.toml", user),
            (tmp_path / "etc" / "config.toml", system),
            (tmp_path / "rucio" / "etc" / "rucio.cfg", cfg),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is not None:
                path.touch(mode=0o600)
                path.write_text(text)
        places = {"HOME": home, "XDG_CONFIG_HOME": home / "config", "XDG_CACHE_HOME": home / "cache"}
        base = {name: str(path) for name, path in {**places, "RUCIO_HOME": tmp_path / "rucio"}.items()}
        return load({**base, **environ}, system_file=tmp_path / "etc" / "config.toml")

    return read
