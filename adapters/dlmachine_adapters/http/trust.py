"""The trusted certificates of a connection: a file, a folder, or those of the operating system."""

import os
from pathlib import Path
from typing import Final

from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput, refuse
from dlmachine.core.http.request import SYSTEM_TRUST, Tls

_BUNDLE_VARIABLES: Final = ('REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'SSL_CERT_FILE')
_FOLDER_VARIABLE: Final = 'SSL_CERT_DIR'
#: Where systems have their certificates: Debian, Fedora, openSUSE, Alpine and macOS, FreeBSD.
SYSTEM_FILES: Final = (
    '/etc/ssl/certs/ca-certificates.crt',
    '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
    '/etc/pki/tls/certs/ca-bundle.crt',
    '/etc/ssl/ca-bundle.pem',
    '/etc/ssl/cert.pem',
    '/usr/local/share/certs/ca-root-nss.crt',
)


def find_trust(tls: Tls) -> Result[str | None, Fault]:
    """The file or folder of trusted certificates; None if certificates are not verified.

    >>> find_trust(Tls(verify=False)).unwrap()
    >>> find_trust(Tls(cainfo='/nowhere')).failure().where
    'cainfo'
    """
    if not tls.verify:
        return Success(None)
    if tls.cainfo == SYSTEM_TRUST:
        return _find_system_trust()
    named = [('cainfo', tls.cainfo)]
    named += [(name, os.environ.get(name)) for name in _BUNDLE_VARIABLES]
    for where, path in named:
        if path:
            if Path(path).exists():
                return Success(path)
            return Failure(
                InvalidInput(where=where, problem=f'names a file that does not exist: {path}')
            )
    folders = os.environ.get(_FOLDER_VARIABLE)
    if folders:
        found = next((each for each in folders.split(os.pathsep) if Path(each).is_dir()), None)
        if found is not None:
            return Success(found)
        return Failure(
            InvalidInput(where=_FOLDER_VARIABLE, problem=f'names no folder that exists: {folders}')
        )
    import certifi

    return Success(certifi.where())


def _find_system_trust() -> Result[str | None, Fault]:
    import ssl

    # The paths of OpenSSL come last: a Python of its own distribution has its own certificates.
    paths = ssl.get_default_verify_paths()
    named = (*SYSTEM_FILES, paths.openssl_cafile, paths.openssl_capath)
    found = next((path for path in named if os.path.exists(path)), None)  # noqa: PTH110 -- any text
    if found is None:
        problem = "is 'system', but the certificates of this system are in no known place"
        return refuse('cainfo', problem, 'Pass the path of a file or of a folder')
    return Success(found)
