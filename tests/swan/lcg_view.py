"""A folder like an LCG view: another Python with its own IPython, reached by PATH, PYTHONPATH and PYTHONHOME."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support import interpreters
from tests.swan.session import Session

#: What the view has for its kernels; LCG_110 has these.
PACKAGES = {"3.9": ("ipython<8.19", "ipykernel==6.29.5")}
USUAL = ("ipython==8.32.0", "ipykernel==6.29.5")


@dataclass(frozen=True)
class View:
    """One view.

    Attributes:
        python: its interpreter.
        packages: the folder that PYTHONPATH names.
    """

    version: str
    python: Path
    packages: Path

    @classmethod
    def make(cls, folder: Path, version: str) -> View:
        """Install the view's packages into ``folder``, as LCG has them beside its Python."""
        python = interpreters.get(version)
        packages = folder / "lib" / f"python{version}" / "site-packages"
        command = [python, "-m", "pip", "install", "--quiet", "--target", packages, *PACKAGES.get(version, USUAL)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=_clean())
        assert done.returncode == 0, done.stderr[-2000:]
        return cls(version, Path(os.path.realpath(python)), packages)

    def environment(self, before: tuple[Path, ...] = ()) -> dict[str, str]:
        """What the view's ``setup.sh`` exports.

        Args:
            before: what SWAN puts first on PYTHONPATH.
        """
        return {
            "PATH": f"{self.python.parent}:{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(map(str, (*before, self.packages))),
            "PYTHONHOME": str(self.python.parents[1]),
        }

    def add_kernel(self, session: Session, name: str, before: tuple[Path, ...] = ()) -> None:
        """Add a kernelspec as SWAN writes it: the view's Python, and the environment of the session's start."""
        spec = session.local / "data" / "kernels" / name
        spec.mkdir(parents=True)
        argv = [str(self.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        env = session.env | self.environment(before)
        text = json.dumps({"argv": argv, "display_name": name, "language": "python", "env": env})
        (spec / "kernel.json").write_text(text)


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
