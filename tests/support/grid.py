"""A CA of the Grid with hosts and people, in files as XRootD's servers and clients read them. Keys are RSA."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)
_USAGE = x509.KeyUsage(True, *[False] * 8)
_CA_USAGE = x509.KeyUsage(True, False, False, False, False, True, True, False, False)


class GridAuthority:
    """A CA whose certificate is in ``folder``, named by its hash."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        folder.mkdir(mode=0o755)
        self._key = _new_key()
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        basic = x509.BasicConstraints(ca=True, path_length=None)
        certificate = self._signed(self._name, self._key, (basic, True), (_CA_USAGE, True))
        (folder / f"{_name_hash(name)}.0").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def host(self, path: Path) -> Path:
        """A certificate for localhost with its key, in one file."""
        key, subject = _new_key(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        path.touch(0o600)
        path.write_bytes(_pem(self._signed(subject, key, (names, False))) + _key_pem(key))
        return path

    def person(self, folder: Path, name: str) -> tuple[Path, Path]:
        """The certificate of a person, and its key."""
        key, subject = _new_key(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate, key_file = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_bytes(_pem(self._signed(subject, key, (_USAGE, True))))
        key_file.touch(0o600)
        key_file.write_bytes(_key_pem(key))
        return certificate, key_file

    def _signed(
        self, subject: x509.Name, key: rsa.RSAPrivateKey, *extensions: tuple[x509.ExtensionType, bool]
    ) -> x509.Certificate:
        now = datetime.now(timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self._key, hashes.SHA256())


def _name_hash(common_name: str) -> str:
    """The hash by which OpenSSL names the file of a CA with this common name alone, in lower case."""
    text = common_name.lower().encode()
    value = b"\x06\x03\x55\x04\x03\x0c" + bytes([len(text)]) + text
    pair = b"\x30" + bytes([len(value)]) + value
    canonical = b"\x31" + bytes([len(pair)]) + pair
    return f"{int.from_bytes(hashlib.sha1(canonical, usedforsecurity=False).digest()[:4], 'little'):08x}"


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: rsa.RSAPrivateKey) -> bytes:
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
