"""Print the lowest versions that pyproject.toml declares for what nbrucio always needs, as requirements for pip."""

from __future__ import annotations

import re
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_BOUND = re.compile(r"(?P<name>[A-Za-z0-9._-]+)>=(?P<version>[0-9.]+)(?P<marker> *;.*)?\Z")


def lowest(pyproject: Path) -> list[str]:
    """``name==version`` of each dependency.

    Raises:
        ValueError: a dependency has no lower bound, or more than that.
    """
    found = []
    for text in tomllib.loads(pyproject.read_text())["project"]["dependencies"]:
        bound = _BOUND.match(text)
        if bound is None:
            raise ValueError(f"{text!r} is not NAME>=VERSION")
        found.append(f"{bound['name']}=={bound['version']}{bound['marker'] or ''}")
    return found


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in lowest(Path(__file__).parents[1] / "pyproject.toml"))
