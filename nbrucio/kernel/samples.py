"""Files as the argument that coffea, uproot.dask or RDataFrame takes as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def coffea(handle: str, did: str, places: Iterable[str], tree: str) -> dict[str, dict[str, Any]]:
    """Return the fileset of one dataset, for coffea's ``Runner`` and ``dataset_tools``.

    Args:
        handle: the name of the dataset.
        did: its DID, which processors get as ``events.metadata["did"]``.
        places: the paths and URLs of its files.
        tree: the name of the tree or RNTuple to read.
    """
    return {handle: {"files": uproot(places, tree), "metadata": {"did": did}}}


def uproot(places: Iterable[str], tree: str) -> dict[str, str]:
    """Return the argument of ``uproot.dask`` and ``uproot.iterate``: the tree of each file.

    Raises:
        ValueError: ``tree`` is empty.
    """
    if not tree:
        raise ValueError("Name the tree to read, for example 'Events'.")
    return dict.fromkeys(places, tree)


def rdataframe(filesets: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return coffea's ``filesets`` as a specification for ``ROOT.RDF.Experimental.FromSpec``."""
    return {
        "samples": {
            handle: {
                "trees": sorted(set(found["files"].values())),
                "files": list(found["files"]),
                "metadata": dict(found["metadata"]),
            }
            for handle, found in filesets.items()
        }
    }
