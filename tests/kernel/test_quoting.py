"""Names in the commands that nbrucio prints: a shell reads them as they are, and they do nothing to the terminal."""

from __future__ import annotations

import os
import subprocess

import pytest

from nbrucio.kernel.quoting import quoted_path

NAMES = [
    b"a b.ipynb",
    b"-x.ipynb",
    b"it's.ipynb",
    "m\u00e9.ipynb".encode(),
    b"m\xe9.ipynb",
    b"\x1b[2Jx.ipynb",
    b"a\nb'\\c.ipynb",
]


@pytest.mark.parametrize("name", [*NAMES, "\u202egpj.ipynb".encode()])
def test_a_shell_reads_the_name_and_a_terminal_only_text(name: bytes) -> None:
    quoted = quoted_path(os.fsdecode(name))
    assert quoted.isprintable()
    read = subprocess.run(["bash", "-c", f"printf %s {quoted}"], capture_output=True, check=True).stdout
    assert read.removeprefix(b"./") == name
