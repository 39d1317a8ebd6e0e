"""The local paths of replicas on mounted RSEs."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

#: Schemes whose URLs may end in a query (a signature, XRootD's opaque data). In a file:// path ``?`` is a letter.
_SCHEMES_WITH_QUERY = frozenset({"http", "https", "dav", "davs", "root", "roots", "xroot", "s3", "s3s"})


class Mount(NamedTuple):
    """An RSE that is mounted at a local folder.

    Attributes:
        rse: the RSE's name.
        path: the local folder.
        begins_at: how many leading components of a PFN's path are not part of the path below the folder.
        prefix: the beginning of the PFNs that corresponds to the folder; None if ``begins_at`` is used.
    """

    rse: str
    path: Path
    begins_at: int | None = None
    prefix: str | None = None

    def local_path(self, pfn: str) -> Path | None:
        """Return the local path of ``pfn``; None if this mount cannot contain it. Does not access the disk.

        With ``begins_at`` the result is that of rucio-jupyterlab (``rse_mount_path``, ``path_begins_at``), so operators
        can copy their numbers. The result is always inside `path`, whatever the PFN contains.
        """
        below = self._below(pfn)
        if below is None or "\0" in below:
            return None
        parts = [part for part in below.split("/") if part not in ("", ".")]
        if not parts or ".." in parts:
            return None
        return self.path.joinpath(*parts)

    def _below(self, pfn: str) -> str | None:
        scheme, has_scheme, rest = pfn.partition("://")
        if self.prefix is not None:
            prefix = self.prefix.rstrip("/") + "/"
            return _without_query(scheme, pfn[len(prefix) :]) if pfn.startswith(prefix) else None
        path = rest.partition("/")[2] if has_scheme else pfn
        return _without_query(scheme if has_scheme else "", path).strip("/").split("/", self.begins_at or 0)[-1]


def _without_query(scheme: str, path: str) -> str:
    return path.partition("?")[0] if scheme.lower() in _SCHEMES_WITH_QUERY else path
