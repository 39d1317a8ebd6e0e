"""The proxy that XRootD's library shows. It shows no certificate: of one, proxies are made, for the time of a run."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

from nbrucio.catalogue.proxies import proxy_of
from nbrucio.disk.atomic import write_file
from nbrucio.transfer.errors import Refused
from nbrucio.transfer.types import StorageAccess

#: Seconds after which a new proxy is made: half of its life.
_AGAIN_S = 6 * 3600.0


class ShownProxy:
    """The file of the proxy of one instance. Thread-safe."""

    def __init__(self, access: StorageAccess) -> None:
        self._access = access
        self._guard = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._made: tuple[object, float, Path] | None = None

    def path(self) -> Path | None:
        """Return the file; None where there is neither a proxy nor a certificate.

        Raises:
            Refused: no proxy can be made of the certificate.
        """
        certificate, key = self._access.proxy, self._access.key
        if certificate is None or key is None:
            return certificate
        with self._guard:
            state = self._access.certificate_state()
            if self._made is None or self._made[0] != state or time.monotonic() - self._made[1] > _AGAIN_S:
                self._made = state, time.monotonic(), self._new(certificate, key)
            return self._made[2]

    def _new(self, certificate: Path, key: Path) -> Path:
        content = _made(certificate, key)
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="nbrucio-")  # of mode 0700
        # A name of its own: open connections and the library's cache may still use the one before.
        path = Path(self._folder.name) / f"proxy-{time.monotonic_ns()}"
        write_file(path, content)
        return path

    def close(self) -> None:
        """Remove a proxy that was made. Idempotent."""
        with self._guard:
            folder, self._folder, self._made = self._folder, None, None
        if folder is not None:
            folder.cleanup()


def _made(certificate: Path, key: Path) -> bytes:
    try:
        return proxy_of(certificate, key)
    except ImportError as error:
        raise Refused("a proxy cannot be made of your certificate: cryptography is not installed") from error
    except (OSError, ValueError, TypeError) as error:
        raise Refused(f"a proxy cannot be made of {certificate}") from error
