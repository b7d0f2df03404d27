"""Certificate authorities made for a test, and what they vouch for."""
import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Certificate:
    """Paths of a certificate and its key in PEM."""

    def __init__(self, folder, name, certificate, key):
        self.certificate, self.key = os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key")
        with open(self.certificate, "wb") as file:
            file.write(certificate.public_bytes(serialization.Encoding.PEM))
        with open(os.open(self.key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()))


class Authority:
    """A CA whose own certificate is `ca`."""

    def __init__(self, folder, name):
        os.makedirs(folder, exist_ok=True)
        self._folder, self._key = folder, _new_key()
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = _builder(self._name, self._name, self._key, -DAY, 2 * DAY)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.ca = Certificate(folder, name, made.sign(self._key, hashes.SHA256()), self._key).certificate

    def vouch(self, name, names=(), addresses=("127.0.0.1",), begins=-DAY, ends=2 * DAY):
        """A certificate for hosts with these names and addresses; without any, only its common name is there."""
        key = _new_key()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = _builder(subject, self._name, key, begins, ends)
        alternatives = [x509.DNSName(one) for one in names]
        alternatives += [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
        if alternatives:
            made = made.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        return Certificate(self._folder, name, made.sign(self._key, hashes.SHA256()), key)


def _new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _builder(subject, issuer, key, begins, ends):
    now = datetime.datetime.utcnow()
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now + begins).not_valid_after(now + ends))
