"""Turn a cell's text into valid Python: magics, shell lines and help become calls.

This is the part of IPython's transformation that a scan needs. IPython may be missing in the server, and the first call
of its transformer takes longer than a save may.
"""

from __future__ import annotations

import re

from nbrucio.kernel.uses import RUNS_PYTHON

#: Cell magics that run their body in a shell.
SHELLS = frozenset({"bash", "sh", "script", "system", "sx", "!"})
_CELL_MAGIC = re.compile(r"\s*%%(\w+|!)[ \t]*([^\n]*)\n?(.*)", re.DOTALL)
# The assigned target must not begin with a space: two parts that both match spaces would backtrack over every split.
_LINE_MAGIC = re.compile(r"(?P<before>\s*(?:[^\s#%!=][^#%!=\n]*=\s*)?)%(?P<name>\w+)[ \t]*(?P<line>.*)", re.DOTALL)
_SHELL = re.compile(r"(?P<before>\s*(?:[^\s#%!=][^#%!=\n]*=\s*)?)!{1,2}(?P<line>.*)", re.DOTALL)
_HELP = re.compile(r"(?P<before>\s*)(?:\?{1,2}[\w.*]+|[\w.*]+\?{1,2})\s*$")


def plain_python(source: str) -> str:
    """Return a cell's text with IPython's syntax replaced by the calls that IPython makes of it."""
    cell = _CELL_MAGIC.match(source)
    if cell:
        name, line, body = cell.groups()
        if name in RUNS_PYTHON:
            return plain_python(body)
        read = name == "rucio" or name in SHELLS
        return f"get_ipython().run_cell_magic({name!r}, {line!r}, {body!r})" if read else ""
    return "\n".join(map(_plain_line, _logical_lines(source)))


def is_plain_line(line: str) -> bool:
    """Return whether a line is Python, not a magic, a shell line or a question for help."""
    return _plain_line(line) == line


def _logical_lines(source: str) -> list[str]:
    """Return the lines of a cell; a magic or a shell line that ends in a backslash includes the next one."""
    lines: list[str] = []
    pending: list[str] = []
    for line in source.split("\n"):
        pending.append(line)
        if not (line.endswith("\\") and (len(pending) > 1 or _LINE_MAGIC.match(line) or _SHELL.match(line))):
            lines.append("\n".join(pending))
            pending = []
    return [*lines, "\n".join(pending)] if pending else lines


def _plain_line(line: str) -> str:
    magic = _LINE_MAGIC.match(line)
    if magic:
        return f"{magic['before']}get_ipython().run_line_magic({magic['name']!r}, {_unbroken(magic['line'])!r})"
    shell = _SHELL.match(line)
    if shell:
        return f"{shell['before']}get_ipython().system({_unbroken(shell['line'])!r})"
    help_asked = _HELP.match(line)
    return f"{help_asked['before']}pass" if help_asked else line


def _unbroken(line: str) -> str:
    return line.replace("\\\n", " ")
