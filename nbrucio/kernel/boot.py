"""Names of the variables that a kernel is started with besides its pointer; ``launch/startup/nbrucio_startup.py`` reads
them, too."""

from __future__ import annotations

#: The folder of the package ``nbrucio`` in the Python that started the kernel.
HOME_VARIABLE = "NBRUCIO_HOME"
#: How to run the command line of nbrucio from the kernel.
COMMAND_VARIABLE = "NBRUCIO_COMMAND"
#: The PYTHONSTARTUP that the user has; ours runs it.
STARTUP_VARIABLE = "NBRUCIO_PYTHONSTARTUP"
