"""Notebooks that declare the Rucio data they need, and a tool that brings it.

In a notebook::

    import nbrucio

    nbrucio.data["muons"]              # the files of the requirement with this handle
    nbrucio.data("scope:name")         # the same by DID
"""

__version__ = "0.1.0"
