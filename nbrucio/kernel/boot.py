"""Names that the provisioner shares with the module that it puts on a kernel's path,
``launch/kernel_path/nbrucio_boot.py``."""

from __future__ import annotations

#: The module that the kernel loads as an IPython extension.
MODULE = "nbrucio_boot"
#: The folder of the package ``nbrucio`` in the Python that started the kernel.
HOME_VARIABLE = "NBRUCIO_HOME"
#: How to run the command line of nbrucio from the kernel.
COMMAND_VARIABLE = "NBRUCIO_COMMAND"
