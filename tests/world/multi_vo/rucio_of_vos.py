"""A Rucio server with several VOs, as sites set it up. Run as a program.

Arguments: ROOT, the folder of a new server with its ``rucio.cfg``, the listening socket, the number of the process with
which it ends, and the VOs, each of three letters.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nbrucio.sandbox import serve
from nbrucio.sandbox.layout import SandboxLayout
from nbrucio.sandbox.tie import end_with


def main() -> None:
    """Make the database and the VOs, then serve until the parent ends."""
    root, fd, parent, *vos = sys.argv[1:]
    end_with(int(parent))
    layout = SandboxLayout(Path(root))
    application = serve._load_rucio(layout)
    _add_vos(vos)
    settings = {**serve._COMMON, **serve.rucio_settings(layout), "bind": f"fd://{fd}"}
    serve._Server(settings, lambda: application).run()


def _add_vos(vos: list[str]) -> None:
    """Add each VO; its administrator is ``root`` with the user name ``root@VO``."""
    from rucio.core.vo import add_vo
    from rucio.db.sqla.constants import DatabaseOperationType
    from rucio.db.sqla.session import db_session

    with db_session(DatabaseOperationType.WRITE) as session:
        for vo in vos:
            add_vo(vo=vo, description=f"VO {vo}", email=f"{vo}@example.org", session=session)


if __name__ == "__main__":
    main()
