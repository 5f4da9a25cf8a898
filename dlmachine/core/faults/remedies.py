"""Remedies for failed connections, by the words of the system or the library.

Pure. Both backends pass on the text of OpenSSL, libcurl or the system; the first row with a word
in that text counts, so specific rows come before general ones.
"""

from typing import Final, TypeAlias

Rows: TypeAlias = tuple[tuple[tuple[str, ...], str], ...]


def find_remedy(rows: Rows, message: str, otherwise: str) -> str:
    """The advice of the first row with a word in the text.

    >>> find_remedy(TLS, 'certificate is not yet valid', '')
    "The server's certificate is not valid yet: check this computer's clock"
    """
    text = message.lower()
    return next((advice for words, advice in rows if any(one in text for one in words)), otherwise)


#: What to do if a proxy has answered in place of a server.
IF_PROXY: Final = 'if the proxy answered, ask its operators, or list the host in no_proxy='

TLS: Final[Rows] = (
    # OpenSSL's errors for a response without TLS; they depend on its version.
    (
        ('wrong version number', 'packet length too long', 'record layer failure', 'http request'),
        'This port may not speak TLS: try http://',
    ),
    (
        ('mismatch, certificate is not valid', "doesn't match", 'does not match target',
         'subject name matches target', 'hostname mismatch', 'ip address mismatch'),
        'The certificate is for another host name: check the host of the URL',
    ),
    (
        ('key values mismatch', 'certificate file', 'private key', 'client certificate file'),
        'Check the client certificate: cert= and key=',
    ),
    (
        ('certificate has expired', 'certificate expired'),
        "The server's certificate has expired: tell its operators, or check this computer's clock",
    ),
    (('not yet valid',), "The server's certificate is not valid yet: check this computer's clock"),
    (('revoked',), "The server's certificate was revoked: tell its operators"),
    (
        ('trust anchors', 'verify locations', 'ca certificate bundle', 'ca bundle', 'ca file'),
        'Check the file of trusted certificates: cainfo=, or SSL_CERT_FILE',
    ),
    (
        ('in certificate chain', 'in chain'),
        'The chain ends at a private authority: if you trust it, pass its certificate as cainfo=',
    ),
    (
        ('self-signed', 'self signed'),
        'The certificate is self-signed: if you trust it, pass it as cainfo=',
    ),
    (
        ('issuer certificate', 'unable to verify the first certificate', 'unknown ca',
         'not verified', 'unable to get certificate'),
        'For a private authority, pass its certificate as cainfo=, or set SSL_CERT_FILE',
    ),
    (
        ('alert certificate required', 'alert bad certificate', 'alert certificate unknown',
         'alert handshake failure', 'handshake failure', 'alert access denied'),
        'The server may want a client certificate: pass cert= and key=',
    ),
    (
        ('protocol version', 'unsupported protocol', 'no protocols available', 'version too low',
         'legacy renegotiation', 'dh key too small', 'key too small', 'md too weak'),
        'The server offers only old or weak TLS, which is refused: tell its operators',
    ),
    (('known_hosts',), 'Check the host key, and add it to that file (ssh-keyscan)'),
)  # fmt: skip

RESOLVE: Final[Rows] = (
    (
        ('temporary failure', 'try again', 'timeout', 'timed out'),
        'The name server does not answer: check the network, or try again later',
    ),
)

CONNECT: Final[Rows] = (
    (('refused', "couldn't connect", 'could not connect'),
     'No server may be listening on this port: check host and port'),
    (('unreachable', 'no route'), 'Check the network: there is no route to this host'),
    (('too many open files',), 'Raise the limit (ulimit -n), or use fewer workers'),
)  # fmt: skip
