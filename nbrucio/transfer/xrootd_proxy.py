"""The proxy that XRootD's library shows. It shows no certificate: of one, a proxy is made for the time of a run."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

from nbrucio.catalogue.proxies import proxy_of
from nbrucio.disk.atomic import write_file
from nbrucio.transfer.errors import Refused
from nbrucio.transfer.types import StorageAccess


class ShownProxy:
    """The file of the proxy of one instance. Thread-safe."""

    def __init__(self, access: StorageAccess) -> None:
        self._access = access
        self._guard = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def path(self) -> Path | None:
        """Return the file; None where there is neither a proxy nor a certificate.

        Raises:
            Refused: no proxy can be made of the certificate.
        """
        certificate, key = self._access.proxy, self._access.key
        if certificate is None or key is None:
            return certificate
        with self._guard:
            if self._folder is None:
                content = _made(certificate, key)
                self._folder = tempfile.TemporaryDirectory(prefix="nbrucio-")  # of mode 0700
                write_file(Path(self._folder.name) / "proxy", content)
            return Path(self._folder.name) / "proxy"

    def close(self) -> None:
        """Remove a proxy that was made. Idempotent."""
        with self._guard:
            folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()


def _made(certificate: Path, key: Path) -> bytes:
    try:
        return proxy_of(certificate, key)
    except ImportError as error:
        raise Refused("a proxy cannot be made of your certificate: cryptography is not installed") from error
    except (OSError, ValueError, TypeError) as error:
        raise Refused(f"a proxy cannot be made of {certificate}") from error
