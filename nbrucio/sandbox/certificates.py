"""The sandbox's certificate authority and the certificates that it signs."""

from __future__ import annotations

from nbrucio.sandbox.layout import SandboxLayout, write_private


def make_certificates(layout: SandboxLayout) -> None:
    """Make the CA's certificate, one for the HTTPS storage, and one that authenticates its writers."""
    import trustme

    ca = trustme.CA()
    storage = ca.issue_cert("127.0.0.1", "localhost")
    client = ca.issue_cert("sandbox@localhost")
    write_private(layout.ca, ca.cert_pem.bytes().decode())
    write_private(layout.storage_certificate, storage.private_key_and_cert_chain_pem.bytes().decode())
    write_private(layout.client_certificate, client.private_key_and_cert_chain_pem.bytes().decode())
