"""Users' certificates, keys and proxies as files, good and bad, and certificates of servers."""

from __future__ import annotations

import ssl
from datetime import datetime, timezone
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BEFORE, AFTER = datetime(2001, 1, 1, tzinfo=timezone.utc), datetime(2101, 1, 1, tzinfo=timezone.utc)
#: The end of what has expired, and the beginning of what is not valid yet.
ENDED, BEGINS = datetime(2020, 2, 1, 10, tzinfo=timezone.utc), datetime(2099, 1, 1, tzinfo=timezone.utc)

_PROXY_INFO = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.14")
_SHORT_NAMES = {"domainComponent": "DC", "organizationalUnitName": "OU", "commonName": "CN"}
_INHERIT_ALL = b"\x2b\x06\x01\x05\x05\x07\x15\x01"
_PERSON = x509.Name(
    [
        x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "org"),
        x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "example"),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Users"),
        x509.NameAttribute(NameOID.COMMON_NAME, "Jane Doe"),
    ]
)
#: The name of that person as Rucio writes it.
DN = "/DC=org/DC=example/OU=Users/CN=Jane Doe"


class UserAuthority:
    """A CA that knows one person, and gives out files of theirs below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Users' CA")])
        basic = x509.BasicConstraints(ca=True, path_length=None)
        self._ca = _signed(name, name, self._key, self._key, BEFORE, AFTER, (basic, True))

    def ca_file(self) -> Path:
        """The CA's certificate."""
        return self._write("users-ca.pem", _pem(self._ca))

    def configure_trust(self, context: ssl.SSLContext) -> None:
        """Let a server trust this CA's users, as `trustme.CA.configure_trust`."""
        context.load_verify_locations(self.ca_file())

    def certificate(
        self, name: str = "user", begins: datetime = BEFORE, ends: datetime = AFTER, passphrase: str | None = None
    ) -> tuple[Path, Path]:
        """A certificate and its key, as two files."""
        certificate, key = self._person(begins, ends)
        return (
            self._write(f"{name}cert.pem", _pem(certificate)),
            self._write(f"{name}key.pem", _key_pem(key, passphrase)),
        )

    def proxy(
        self,
        name: str = "x509up",
        begins: datetime = BEFORE,
        ends: datetime = AFTER,
        *,
        person_ends: datetime = AFTER,
        passphrase: str | None = None,
    ) -> Path:
        """A proxy (RFC 3820) of the person: its certificate, its key, the person's certificate."""
        person, person_key = self._person(BEFORE, person_ends)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([*person.subject, x509.NameAttribute(NameOID.COMMON_NAME, "1234567")])
        # proxyCertInfo without a limit of further proxies, policy "inherit all".
        info = x509.UnrecognizedExtension(_PROXY_INFO, b"\x30\x0c\x30\x0a\x06\x08" + _INHERIT_ALL)
        proxy = _signed(subject, person.subject, key, person_key, begins, ends, (info, True))
        return self._write(name, _pem(proxy) + _key_pem(key, passphrase) + _pem(person))

    def _person(self, begins: datetime, ends: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        key = ec.generate_private_key(ec.SECP256R1())
        usage = (x509.KeyUsage(True, *[False] * 8), True)
        return _signed(_PERSON, self._ca.subject, key, self._key, begins, ends, usage), key

    def _write(self, name: str, content: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(content)
        path.chmod(0o600)
        return path


def server_certificate(
    ca: trustme.CA, host: str = "127.0.0.1", begins: datetime | None = None, ends: datetime | None = None
) -> trustme.LeafCert:
    """A server's certificate, valid now unless told otherwise."""
    return ca.issue_cert(host, not_before=begins or BEFORE, not_after=ends or AFTER)


def client_dn(connection: object) -> str:
    """Return the name of the client in the form that web servers give to Rucio; empty without a certificate."""
    certificate = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    names = [pair for part in (certificate or {}).get("subject", ()) for pair in part]
    return "".join(f"/{_SHORT_NAMES[key]}={value}" for key, value in names)


def _signed(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    begins: datetime,
    ends: datetime,
    extension: tuple[x509.ExtensionType, bool],
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(extension[0], critical=extension[1])
        .sign(signer, hashes.SHA256())
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey, passphrase: str | None) -> bytes:
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        protection = serialization.BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
