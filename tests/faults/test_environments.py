"""Environments that users have: the whole way from a sync to data in a program, without a word about a bug.

Without `_can_use` in `kernel.where.runtime_folders`, an XDG_RUNTIME_DIR that is a file, read-only or another user's
ended the sync with 2; without `_can_exist` for XDG_CACHE_HOME, so did a cache folder that is a file.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.desk import CONTENT, Desk
from tests.support.small_disk import Disk
from tests.support.trust import Rounds

pytestmark = pytest.mark.trust("E")

#: Variables of each environment; None removes one. ``{folder}`` is a folder of the case's own.
VARIABLES: dict[str, dict[str, str | None]] = {
    "no HOME": {"HOME": None},
    "an empty HOME": {"HOME": ""},
    "a HOME that is a file": {"HOME": "{folder}/file"},
    "a HOME that is missing": {"HOME": "{folder}/none"},
    "a HOME that nobody can write": {"HOME": "{folder}/read-only"},
    "a HOME that is relative": {"HOME": "home"},
    "no folder for runtime files": {"NBRUCIO_RUNTIME_DIR": None},
    "XDG_RUNTIME_DIR missing": {"NBRUCIO_RUNTIME_DIR": None, "XDG_RUNTIME_DIR": "{folder}/none"},
    "XDG_RUNTIME_DIR a file": {"NBRUCIO_RUNTIME_DIR": None, "XDG_RUNTIME_DIR": "{folder}/file"},
    "XDG_RUNTIME_DIR empty": {"NBRUCIO_RUNTIME_DIR": None, "XDG_RUNTIME_DIR": ""},
    "XDG_RUNTIME_DIR of somebody else": {"NBRUCIO_RUNTIME_DIR": None, "XDG_RUNTIME_DIR": "{folder}/other"},
    "XDG_RUNTIME_DIR that nobody can write": {"NBRUCIO_RUNTIME_DIR": None, "XDG_RUNTIME_DIR": "{folder}/read-only"},
    "XDG_CACHE_HOME that nobody can write": {"XDG_CACHE_HOME": "{folder}/read-only"},
    "XDG_STATE_HOME that nobody can write": {"XDG_STATE_HOME": "{folder}/read-only"},
    "XDG_CONFIG_HOME that nobody can write": {"XDG_CONFIG_HOME": "{folder}/read-only"},
    "XDG_CONFIG_HOME a file": {"XDG_CONFIG_HOME": "{folder}/file"},
    "XDG_CACHE_HOME a file": {"XDG_CACHE_HOME": "{folder}/file"},
    "XDG_STATE_HOME a file": {"XDG_STATE_HOME": "{folder}/file"},
    "TMPDIR missing": {"TMPDIR": "{folder}/none"},
    "TMPDIR that nobody can write": {"TMPDIR": "{folder}/read-only"},
    "locale C": {"LC_ALL": "C", "LANG": "C"},
    "locale C without UTF-8 mode": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "an unknown locale": {"LC_ALL": "xx_XX.UTF-9"},
    "ASCII output": {"PYTHONIOENCODING": "ascii"},
    "a dumb terminal": {"TERM": "dumb", "COLUMNS": "0"},
    "no columns": {"COLUMNS": "many", "LINES": "-1"},
    "an unknown time zone": {"TZ": "Nowhere/At:all"},
    "an empty PATH": {"PATH": ""},
    "no PATH": {"PATH": None},
    "optimised Python": {"PYTHONOPTIMIZE": "2"},
    "warnings as errors": {"PYTHONWARNINGS": "error"},
    "development mode": {"PYTHONDEVMODE": "1"},
    "the user's own modules": {"PYTHONSAFEPATH": "1", "PYTHONNOUSERSITE": "1"},
}
#: Settings of a shell for each environment.
SHELLS = {
    "a strict umask": "umask 077",
    "an open umask": "umask 000",
    "a umask that takes everything": "umask 777",
    "32 open files": "ulimit -n 32",
    "300 MB of memory": "ulimit -v 300000",
    "no core files, no locked memory": "ulimit -c 0; ulimit -l 0",
    "no input": "exec <&-",
    "a nohup": "trap '' HUP INT PIPE",
}
#: A program reads the data; its output must be the sizes of the files.
READ = "import nbrucio, pathlib; print(*[len(pathlib.Path(path).read_bytes()) for path in nbrucio.data['b']])"


def test_a_sync_and_a_program_work_in_any_environment(desk: Desk, rounds: Rounds) -> None:
    def works(name: str, folder: Path) -> None:
        own = desk.copy(folder / "desk")
        closed = Disk(folder / "read-only", 65536)
        closed.make_read_only()
        try:
            tries(name, own, folder)
        finally:
            closed.close()

    def tries(name: str, own: Desk, folder: Path) -> None:
        for made in ("file", "other/nbrucio"):
            (folder / made).parent.mkdir(exist_ok=True)
            (folder / made).mkdir() if "/" in made else (folder / made).write_text("")
        if os.geteuid() == 0:
            os.chown(folder / "other", 12345, 12345)
            os.chown(folder / "other/nbrucio", 12345, 12345)
        env = own.env | {"NBRUCIO_NOTEBOOK": str(own.notebooks[1])}
        for variable, value in VARIABLES.get(name, {}).items():
            env.pop(variable, None)
            if value is not None:
                env[variable] = value.format(folder=folder)
        shell = SHELLS.get(name, "true")
        done = own.run(["sync", *map(str, own.notebooks)], prefix=own.limited(shell), env=env)
        assert done.code == 0, f"{name}: exit code {done.code}: {done.text[-600:]}"
        assert "Traceback" not in done.text, f"{name}: {done.text[-600:]}"
        read = own.run([], prefix=own.limited(shell, "-c", READ), env=env)
        sizes = [str(len(data)) for file, data in CONTENT.items() if file.startswith("desk.b")]
        assert (read.code, read.out.split()) == (0, sizes), f"{name}: {read.text[-600:]}"
        own.check_files()

    rounds.each(works, [*VARIABLES, *SHELLS], quick=6)
