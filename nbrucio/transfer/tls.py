"""TLS as every connection of ours has it: the server's certificate is always verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbrucio.transfer.faults import Lasting, Refused
from nbrucio.transfer.model import StorageAccess

if TYPE_CHECKING:
    import ssl


def tls_context(access: StorageAccess, *, with_certificate: bool) -> ssl.SSLContext:
    """A context that trusts the CAs of ``access`` and, if asked to, shows its certificate.

    Raises:
        Lasting: the CAs cannot be read.
        Refused: the certificate cannot be read.
    """
    import ssl

    is_folder = access.ca is not None and access.ca.is_dir()
    ca = None if access.ca is None else str(access.ca)
    try:
        context = ssl.create_default_context(cafile=None if is_folder else ca, capath=ca if is_folder else None)
    except OSError as error:
        raise Lasting(f"the CAs {ca} cannot be read") from error
    # urllib3 compares the host name itself, for IP addresses too, and its 1.26 cannot leave that to the context.
    context.check_hostname = False
    if with_certificate and access.proxy is not None:
        try:
            context.load_cert_chain(access.proxy)
        except OSError as error:
            raise Refused(f"the certificate {access.proxy} cannot be read") from error
    return context
