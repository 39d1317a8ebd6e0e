"""A reader types a page: its commands in one shell, its Python programs beside them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
#: Times, rates, digests and checksums, which differ from run to run.
_CHANGING = re.compile(r"\d+(\.\d+)? (m?s|[kMG]?B/s)\b|\b([0-9a-f]{12}|[0-9a-f]{8})\b")


def steps(page: str) -> Iterator[tuple[str, list[str]]]:
    """Each command and each Python program of the page with the lines that it prints there.

    The output of a program is the block of text that follows it.
    """
    text = (DOCS / page).read_text("utf-8")
    for language, block, output in re.findall(
        r"^```(console|python)\n(.*?)^```\n(?:\n?```text\n(.*?)^```\n)?", text, re.DOTALL | re.MULTILINE
    ):
        if language == "python":
            yield f"python - <<'PROGRAM'\n{block}PROGRAM", output.splitlines()
        else:
            for command, shown in re.findall(r"^\$ (.+)\n((?:(?!^\$ ).*\n)*)", block, re.MULTILINE):
                yield command, shown.splitlines()


class Typed:
    """One shell for the whole page, as a reader has it.

    Args:
        folder: its home and its working folder are made in it.
        env: variables of the environment beside those of a newcomer.
    """

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("NBRUCIO_", "RUCIO_"))}
        own = {
            "HOME": str(folder / "home"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "NBRUCIO_RUNTIME_DIR": str(folder / "run/nbrucio"),
        }
        for name in ("home", "run", "work"):
            (folder / name).mkdir(mode=0o700)
        self.folder = folder / "work"
        self._env = {**kept, **own, **(env or {})}

    def type(self, commands: Sequence[str]) -> list[str]:
        """What each command prints; the marks between them are ours."""
        lines = "".join(f"{{ {command}\n}} 2>&1\necho '@@@'\n" for command in commands)
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail\n{lines}"],
            cwd=self.folder,
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.stderr, done.stderr
        return done.stdout.split("@@@\n")[:-1]


def check_page(typed: Typed, page: str) -> None:
    """Type the page; each command prints the lines that the page shows, in that order, among others."""
    pairs = list(steps(page))
    printed = typed.type([command for command, _ in pairs])
    assert len(printed) == len(pairs)
    for (command, shown), output in zip(pairs, printed, strict=True):
        assert "Traceback" not in output, f"$ {command}\n{output}"
        lines = iter([_CHANGING.sub("…", line) for line in output.splitlines()])
        for line in shown:
            assert _CHANGING.sub("…", line) in lines, f"$ {command}\n{output}"
