"""X.509 proxies (RFC 3820) made from a certificate, for storage libraries that accept nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path

from nbrucio.disk.read import read_file

_MAX_BYTES = 1 << 20
#: As long as voms-proxy-init makes them, and for clocks that differ.
_LIFE, _EARLIER = timedelta(hours=12), timedelta(minutes=5)
_KEY_BITS = 2048
_PROXY_INFO = "1.3.6.1.5.5.7.1.14"
#: proxyCertInfo in DER: no limit of further proxies, and the policy id-ppl-inheritAll.
_INHERIT_ALL = bytes.fromhex("300c300a06082b06010505071501")


def proxy_of(certificate: Path, key: Path) -> bytes:
    """Return a new proxy of the person in ``certificate``, in PEM: for 12 h, or until the certificate ends.

    Raises:
        OSError, ValueError, TypeError: a file cannot be read, or is not what it should be.
        ImportError: cryptography is not installed.
    """
    x509 = import_module("cryptography.x509")
    hashes = import_module("cryptography.hazmat.primitives.hashes")
    serialization = import_module("cryptography.hazmat.primitives.serialization")
    rsa = import_module("cryptography.hazmat.primitives.asymmetric.rsa")
    chain = x509.load_pem_x509_certificates(read_file(certificate, _MAX_BYTES))
    signer = serialization.load_pem_private_key(read_file(key, _MAX_BYTES), None)
    person, own, serial = chain[0], rsa.generate_private_key(65537, _KEY_BITS), x509.random_serial_number()
    name = x509.RelativeDistinguishedName([x509.NameAttribute(x509.NameOID.COMMON_NAME, str(serial))])
    usage = x509.KeyUsage(True, False, True, *[False] * 6)
    info = x509.UnrecognizedExtension(x509.ObjectIdentifier(_PROXY_INFO), _INHERIT_ALL)
    now = datetime.now(timezone.utc)
    proxy = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([*person.subject.rdns, name]))
        .issuer_name(person.subject)
        .public_key(own.public_key())
        .serial_number(serial)
        .not_valid_before(max(now - _EARLIER, person.not_valid_before_utc))
        .not_valid_after(min(now + _LIFE, person.not_valid_after_utc))
        .add_extension(usage, critical=True)
        .add_extension(info, critical=True)
        .sign(signer, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = own.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    return b"".join([proxy.public_bytes(pem), bytes(secret), *(one.public_bytes(pem) for one in chain)])
