"""Check a client certificate before it is used, alike for all backends.

Libraries report a key that does not fit, and a wrong password, in words that differ, and some ask
for the password on the terminal.
"""

import ssl
from pathlib import Path
from typing import Final

from dlmachine.core.faults import CertificateUnusable, Fault, InvalidInput
from dlmachine.core.http.request import Tls

_MISMATCH: Final = 'KEY_VALUES_MISMATCH'
_ENCRYPTED: Final = b'ENCRYPTED'


def find_unusable(tls: Tls) -> Fault | None:
    """The fault of a client certificate that cannot be used; None if it can.

    Faults: `InvalidInput` for a missing file, `CertificateUnusable`.
    """
    for where, path in (('cert', tls.cert), ('key', tls.key)):
        if path is not None and not Path(path).is_file():
            return InvalidInput(where=where, problem=f'names a file that does not exist: {path}')
    if tls.cert is None:
        return InvalidInput(where='key', problem='needs the certificate that it belongs to: cert=')
    key = tls.key or tls.cert
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # A function, so that OpenSSL does not ask for a password on the terminal.
        context.load_cert_chain(tls.cert, tls.key, password=lambda: tls.passphrase)
    except (OSError, ValueError) as error:
        return _explain(tls, tls.cert, key, error)
    return None


def _explain(tls: Tls, cert: str, key: str, error: Exception) -> Fault:
    if _MISMATCH in str(error):
        problem = f'the key in {key} does not belong to it'
        return CertificateUnusable(path=cert, problem=problem)
    try:
        certificate, private = Path(cert).read_bytes(), Path(key).read_bytes()
    except OSError as unreadable:
        problem = f'it cannot be read: {unreadable.strerror or unreadable}'
        return CertificateUnusable(path=cert, problem=problem)
    if b'BEGIN CERTIFICATE' not in certificate:
        return CertificateUnusable(path=cert, problem='it is not a certificate in PEM')
    if b'PRIVATE KEY' not in private:
        return CertificateUnusable(path=key, problem='it has no private key in PEM')
    if _ENCRYPTED in private:
        what = 'is not that of its key' if tls.passphrase else 'of its key is missing'
        return CertificateUnusable(path=key, problem=f'the password {what}')
    return CertificateUnusable(path=cert, problem='it is damaged, or of an unknown kind')
